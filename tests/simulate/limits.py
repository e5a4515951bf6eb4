"""What Google publishes as limits of the services that a hub stands on, each with its source.

A *limit* holds work back: what is over it has to wait. A *bound* is a number that must never be exceeded. An *advice*
is guidance whose reach depends on the workload: it is reported, and fails no run.
"""

from dataclasses import dataclass, field
from enum import StrEnum

WINDOW_SECONDS = 300.0
# What differs in the last digits is no new peak.
_MORE = 1 + 1e-9

# Source: Firestore, quotas and limits, "Maximum write rate to a collection in which documents contain sequential values
# in an indexed field: 500 per second"; best practices, "Index exemptions". Each range of keys that only grows at its
# end is such a place: values behind another value of an earlier field are a range of their own.
RISING_WRITES = 500.0

# Source: Firestore, best practices, "Updates to a single document": beyond one write a second sustained, contention may
# show; "the exact maximum rate depends highly on the workload", on contention among requests above all.
DOCUMENT_WRITES = 1.0

# Source: Firestore, best practices, "Ramping up traffic": "start with a maximum of 500 operations per second to a new
# collection and then increase traffic by 50% every 5 minutes".
RAMP_START, RAMP_FACTOR = 500.0, 1.5

# Source: Pub/Sub, quotas: push subscriber throughput of one region. The least that was ever published for it: 1,200,000
# kB a minute. (The 10,000 writes and 10 MiB a second of one Firestore database were limits of its beta, and are gone.)
PUSH_BYTES = 20e6

# Source: Cloud Tasks, quotas and `RateLimits.max_dispatches_per_second`: "the maximum allowed value is 500".
QUEUE_DISPATCHES = 500.0

# Source: Google Kubernetes Engine, quotas and limits of a Standard cluster: 15,000 nodes and 200,000 pods; pods of one
# node: 32 on Autopilot, up to 256 on Standard.
CLUSTER_NODES, CLUSTER_PODS, NODE_PODS = 15_000, 200_000, 32

# Source: kube-apiserver, --max-requests-inflight 400 and --max-mutating-requests-inflight 200; Kubernetes' objective
# for a call of one object is an answer within 1 s. So many a second are served however slow each of them may be.
API_READS, API_WRITES = 400.0, 200.0

# Source: kubernetes/community, sig-scalability/configs-and-limits/thresholds.md: "in majority of cases, thresholds are
# NOT hard limits". GKE's Dataplane V2 does without the rules of iptables that this one is for.
CLUSTER_SERVICES, CLUSTER_NAMESPACES = 10_000, 10_000


class Kind(StrEnum):
    """What it means to be over it."""

    LIMIT = "limit"
    BOUND = "bound"
    ADVICE = "advice"


@dataclass
class Gauge:
    """How much of something was used over a day; `use` is per second for a limit, a number for a bound."""

    name: str
    kind: Kind
    limit: float
    peak: float = 0.0
    peak_at: float = 0.0
    held_seconds: float = 0.0
    longest_held: float = 0.0

    def note(self, use: float, at: float) -> None:
        """What is used at this second of the day."""
        if use > self.peak * _MORE:
            self.peak, self.peak_at = use, at

    def hold(self, *, held: bool, seconds: float) -> None:
        """Whether it held work back during these seconds."""
        self.held_seconds = self.held_seconds + seconds if held else 0.0
        self.longest_held = max(self.longest_held, self.held_seconds)

    @property
    def headroom(self) -> float:
        """The share of the limit that is left at the peak."""
        return 1 - self.peak / self.limit

    def is_passed(self, patience: float) -> bool:
        """Whether more was wanted than there is: a bound at any time, a limit for longer than `patience` seconds."""
        if self.kind is Kind.BOUND:
            return self.peak > self.limit
        return self.kind is Kind.LIMIT and self.longest_held > patience


@dataclass
class Ramp:
    """The 500/50/5 rule for a place that was written to at `warm` a second until now.

    What is permitted grows by half at the end of five minutes in which it was needed: in which the mean was over two
    thirds of it. Google says of no time after which it shrinks again, so a day is too short for that.
    """

    warm: float = 0.0
    permitted: float = field(init=False)
    _amount: float = 0.0
    _seconds: float = 0.0

    def __post_init__(self) -> None:
        self.permitted = max(RAMP_START, self.warm * RAMP_FACTOR)

    def note(self, rate: float, seconds: float) -> None:
        """What was written in these seconds, by the second."""
        self._amount += rate * seconds
        self._seconds += seconds
        if self._seconds >= WINDOW_SECONDS:
            self.permitted = max(self.permitted, self._amount / self._seconds * RAMP_FACTOR)
            self._amount = self._seconds = 0.0

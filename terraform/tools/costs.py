"""The table of README.md that says what a month costs, computed from list prices and the assumptions named here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

SIZES = (10, 1_000, 100_000)

_HOURS = 730.0
_CHECK_INS = _HOURS * 3600 / 300  # a month, of one installation at the default interval
_DEPLOYS = 2.0  # a month, of one installation: a new version and a change of its config
_REQUESTS = 1_000.0  # to the API a month, for one installation
_SWEEPS = _HOURS * 60

# us-central1, in USD, without free tiers and discounts; check them against the pricing pages before relying on them.
_POD_VCPU_HOUR, _POD_GIB_HOUR, _POD_DISK_GIB_HOUR = 0.0445, 0.0049225, 0.0000548
_CLUSTER_HOUR = 0.10
_RUN_VCPU_SECOND, _RUN_GIB_SECOND, _RUN_REQUEST = 0.000024, 0.0000025, 0.40e-6
_PUBSUB_KIB = 40 / 1024**3
_READ, _WRITE, _DELETE = 0.03e-5, 0.09e-5, 0.01e-5
_STORED_GIB, _RECOVERY_GIB, _BACKUP_GIB = 0.15, 0.15, 0.03
_TASK = 0.40e-6
_RULE_HOUR, _LB_GIB = 0.025, 0.008
_ARMOR_POLICY, _ARMOR_RULE, _ARMOR_REQUEST = 5.0, 1.0, 0.75e-6
_NAT_HOUR, _NAT_ADDRESS_HOUR, _NAT_GIB = 0.044, 0.005, 0.045
_LOG_GIB = 0.50


@dataclass(frozen=True)
class Item:
    """One line: its formula in words, and its cost a month for `n` installations."""

    name: str
    formula: str
    cost: Callable[[int], float]


def _run(seconds: float, memory: float = 0.5) -> float:
    """Billed time of a request on one vCPU with `memory` GiB, and the request itself."""
    return seconds * (_RUN_VCPU_SECOND + memory * _RUN_GIB_SECOND) + _RUN_REQUEST


def _runtime() -> float:
    """A standard tier's pod: 250m CPU, 256 MiB, 1 GiB of disk."""
    return _HOURS * (0.25 * _POD_VCPU_HOUR + 0.25 * _POD_GIB_HOUR + 1 * _POD_DISK_GIB_HOUR)


def _functions() -> float:
    """An installation's share: 50 ms a check-in, 3 s a deploy with its deadline, 100 ms a request."""
    return _CHECK_INS * _run(0.05) + _DEPLOYS * _run(3) + _REQUESTS * _run(0.1)


def _documents() -> float:
    """Two reads and a write a check-in, 20 of each a deploy, two reads a request; 20 KiB kept and backed up."""
    kept = 20 / 1024**2 * (_STORED_GIB + _RECOVERY_GIB + 21 * _BACKUP_GIB)
    changes = _DEPLOYS * 20 * (_READ + _WRITE + _DELETE)
    return _CHECK_INS * (2 * _READ + _WRITE) + changes + _REQUESTS * 2 * _READ + kept


def _gateway_fixed() -> float:
    return 2 * _HOURS * _RULE_HOUR + _ARMOR_POLICY + 3 * _ARMOR_RULE


ITEMS = (
    Item("Runtimes (GKE Autopilot pods)", "n × a standard pod's 730 h", lambda n: n * _runtime()),
    Item("Cluster", "730 h", lambda _: _HOURS * _CLUSTER_HOUR),
    Item(
        "Functions",
        "n × (8,760 check-ins × 50 ms + 2 deploys × 3 s + 1,000 requests × 100 ms) + 43,800 sweeps × 1 s",
        lambda n: n * _functions() + _SWEEPS * _run(1),
    ),
    Item(
        "Firestore",
        "n × (8,760 × (2 reads + 1 write) + 2 × 20 of each + 1,000 × 2 reads + 20 KiB) + 43,800 × 50 reads",
        lambda n: n * _documents() + _SWEEPS * 50 * _READ,
    ),
    Item("Pub/Sub", "n × (8,760 + 4) messages × 1 KiB, in and out", lambda n: n * (_CHECK_INS + 4) * 2 * _PUBSUB_KIB),
    Item("Cloud Tasks", "n × 2 deploys × 2 calls", lambda n: n * _DEPLOYS * 2 * _TASK),
    Item(
        "Load balancer and Cloud Armor",
        "2 rules × 730 h + policy with 3 rules + n × 1,000 requests × 10 KiB",
        lambda n: _gateway_fixed() + n * _REQUESTS * (_ARMOR_REQUEST + 10 / 1024**2 * _LB_GIB),
    ),
    Item(
        "NAT",
        "730 h with an address for each 1,000 installations + n × 2 starts × 50 MiB",
        lambda n: _HOURS * (_NAT_HOUR + max(1, n // 1000) * _NAT_ADDRESS_HOUR) + n * _DEPLOYS * 50 / 1024 * _NAT_GIB,
    ),
    Item(
        "Logs",
        "n × (8,760 + 1,000) lines × 1 KiB + 43,800 × 2 KiB",
        lambda n: (n * (_CHECK_INS + _REQUESTS) + _SWEEPS * 2) / 1024**2 * _LOG_GIB,
    ),
)


def cost_table() -> str:
    """What a month costs at each size, as Markdown."""
    head = "| | formula, n installations | " + " | ".join(f"{n:,}" for n in SIZES) + " |"
    return "\n".join([head, "|---|---|" + "---:|" * len(SIZES), *_rows()])


def _rows() -> Iterator[str]:
    for item in ITEMS:
        yield f"| {item.name} | {item.formula} | " + " | ".join(_dollars(item.cost(n)) for n in SIZES) + " |"
    totals = [sum(item.cost(n) for item in ITEMS) for n in SIZES]
    yield "| **A month, USD** | | " + " | ".join(f"**{_dollars(total)}**" for total in totals) + " |"
    each = [total / n for total, n in zip(totals, SIZES, strict=True)]
    yield "| for one installation | | " + " | ".join(_dollars(cost) for cost in each) + " |"


def _dollars(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:,.2f}"

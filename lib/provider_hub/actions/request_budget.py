"""How many requests of one organization a process answers in a minute, so that its own loop slows nobody else."""

import threading
from dataclasses import dataclass
from datetime import datetime

from provider_hub.domain.errors import QuotaExceeded

_REMEMBERED = 10_000


@dataclass(slots=True)
class _Bucket:
    left: float
    at: datetime


class RequestBudget:
    """A token bucket for each organization: `per_minute` at once, filled evenly over a minute.

    It belongs to one process, so an organization that reaches several instances has as many budgets. That is what a
    budget protects: the requests that share a process. It costs no read. `work` names in the plural what is spent.
    """

    def __init__(self, per_minute: int = 6000, work: str = "requests") -> None:
        self._per_minute = per_minute
        self._work = work
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}

    def take(self, holder: str, now: datetime, who: str = "the organization") -> None:
        """Spend one request of an organization's, or of an address'. `who` is what the refusal calls it.

        Raises QuotaExceeded with the time until there is one again.
        """
        with self._lock:
            self._filled(holder, now, who).left -= 1

    def check(self, organization_id: str, now: datetime) -> None:
        """Raises QuotaExceeded where nothing is left to spend; spends nothing."""
        with self._lock:
            self._filled(organization_id, now, "the organization")

    def _filled(self, holder: str, now: datetime, who: str) -> _Bucket:
        """The holder's bucket, in which something is left. Raises QuotaExceeded."""
        rate = self._per_minute / 60
        if holder not in self._buckets and len(self._buckets) >= _REMEMBERED:
            self._forget_full(now)
        bucket = self._buckets.setdefault(holder, _Bucket(self._per_minute, now))
        passed = max((now - bucket.at).total_seconds(), 0)
        bucket.left = min(bucket.left + passed * rate, self._per_minute)
        bucket.at = now
        if bucket.left < 1:
            raise QuotaExceeded(
                f"{who} makes more than {self._per_minute} {self._work} a minute: slow down",
                retry_after_seconds=int((1 - bucket.left) / rate) + 1,
            )
        return bucket

    def _forget_full(self, now: datetime) -> None:
        """Forget organizations without a request for a minute:

        their buckets are full again. Without any, forget all.
        """
        recent = {key: bucket for key, bucket in self._buckets.items() if (now - bucket.at).total_seconds() < 60}
        self._buckets = recent if len(recent) < _REMEMBERED else {}

"""How many check-ins of one installation this process handles: a token bucket each, in memory.

One tenant's pods can publish as fast as they like, and every check-in that is handled costs a read at least. What is
over the rate is dropped before that. A runtime checks in again by itself, so nothing is lost by it.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

PER_SECOND = 1.0
BURST = 60.0
_MOST_BUCKETS = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: datetime


class CheckInRate:
    """Buckets of `burst` check-ins, refilled with `per_second`, by the names of installations. Beyond `most`
    installations, those that were silent for longest are forgotten: their buckets are the fullest.
    """

    def __init__(self, per_second: float = PER_SECOND, burst: float = BURST, most: int = _MOST_BUCKETS) -> None:
        self._per_second = per_second
        self._burst = burst
        self._most = most
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def allows(self, name: str, now: datetime) -> bool:
        """Whether one more check-in of that installation is handled now; it is counted if so."""
        with self._lock:
            bucket = self._buckets.pop(name, None) or _Bucket(self._burst, now)
            self._buckets[name] = bucket
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
            # A clock that was set back refills nothing, and takes nothing away.
            passed = max(0.0, (now - bucket.filled_at).total_seconds())
            bucket.tokens = min(self._burst, bucket.tokens + passed * self._per_second)
            bucket.filled_at = max(now, bucket.filled_at)
            if bucket.tokens < 1:
                return False
            bucket.tokens -= 1
            return True

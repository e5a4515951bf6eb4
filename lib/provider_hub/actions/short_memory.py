"""What a process remembers for a short while instead of reading it again."""

import threading
from datetime import datetime, timedelta
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class ShortMemory(Generic[K, V]):
    """At most `most` values, each for `trusted` after it was kept. Threads share it.

    What changes elsewhere meanwhile is not seen before the value is too old.
    """

    def __init__(self, trusted: timedelta, most: int) -> None:
        self._trusted = trusted
        self._most = most
        self._lock = threading.Lock()
        self._kept: dict[K, tuple[V, datetime]] = {}

    def keep(self, key: K, value: V, now: datetime) -> None:
        """Remember the value as it was at `now`."""
        with self._lock:
            if len(self._kept) >= self._most:
                self._kept.clear()
            self._kept[key] = (value, now + self._trusted)

    def forget(self, key: K) -> None:
        """Remember no value of this key."""
        with self._lock:
            self._kept.pop(key, None)

    def find(self, key: K, now: datetime) -> V | None:
        """The remembered value; None if none is remembered, or it is too old."""
        with self._lock:
            kept = self._kept.get(key)
        return kept[0] if kept and now < kept[1] else None

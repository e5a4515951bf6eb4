"""What a process remembers for a short while instead of reading it again."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_LOOKS = 16  # for values that are too old, in the time that one is trusted


class ShortMemory(Generic[K, V]):
    """At most `most` values, each for `trusted` after it was kept. Threads share it.

    What changes elsewhere meanwhile is not seen before the value is too old. When it is full, it takes nothing new
    until some values are too old. If it made room instead, each of many keys that come in turn would be forgotten
    before it comes again.
    """

    def __init__(self, trusted: timedelta, most: int) -> None:
        self._trusted = trusted
        self._most = most
        self._lock = threading.Lock()
        self._kept: dict[K, tuple[V, datetime]] = {}
        self._next_look = datetime.min.replace(tzinfo=UTC)

    def keep(self, key: K, value: V, now: datetime) -> None:
        """Remember the value as it was at `now`."""
        with self._lock:
            if len(self._kept) >= self._most and key not in self._kept and not self._has_room(now):
                return
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

    def _has_room(self, now: datetime) -> bool:
        """Whether there is room once the values that are too old are dropped. Looks through all now and then only."""
        if now < self._next_look:
            return False
        self._kept = {key: kept for key, kept in self._kept.items() if now < kept[1]}
        self._next_look = now + self._trusted / _LOOKS
        return len(self._kept) < self._most

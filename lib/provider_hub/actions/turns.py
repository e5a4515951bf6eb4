"""Bounds how much costly work one process does at once, and for one organization."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from provider_hub.domain.errors import TemporaryError


class Turns:
    """Lets a bounded number of callers work at once, and a bounded number of them wait for their turn.

    `work` names in the plural what takes turns, for the messages.
    """

    def __init__(self, at_once: int, waiting: int, wait_seconds: float, work: str = "checks") -> None:
        self._at_once = at_once
        self._waiting = waiting
        self._wait_seconds = wait_seconds
        self._work = work
        self._changed = threading.Condition()
        self._admitted = 0
        self._running = 0
        self._holders: set[str] = set()
        self._admitted_of: Counter[str] = Counter()

    @contextmanager
    def turn(self, holder: str | None = None) -> Iterator[None]:
        """One turn. A `holder`, such as an organization, has one at a time, and half of the places to wait at most.

        Raises TemporaryError where too many wait already, or the wait is too long.
        """
        self._begin(holder)
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._leave(holder)
                if holder is not None:
                    self._holders.discard(holder)
                self._changed.notify_all()

    def _begin(self, holder: str | None) -> None:
        with self._changed:
            if self._is_full(holder):
                raise TemporaryError(f"too many {self._work} wait in this process: try again")
            self._admitted += 1
            self._admitted_of.update([holder] if holder is not None else [])
            if not self._changed.wait_for(lambda: self._is_free(holder), self._wait_seconds):
                self._leave(holder)
                raise TemporaryError(f"the {self._work} before this one take too long: try again")
            self._running += 1
            if holder is not None:
                self._holders.add(holder)

    def _is_full(self, holder: str | None) -> bool:
        if self._admitted >= self._at_once + self._waiting:
            return True
        return holder is not None and self._admitted_of[holder] > self._waiting // 2

    def _leave(self, holder: str | None) -> None:
        self._admitted -= 1
        if holder is None:
            return
        self._admitted_of[holder] -= 1
        if not self._admitted_of[holder]:
            del self._admitted_of[holder]

    def _is_free(self, holder: str | None) -> bool:
        return self._running < self._at_once and holder not in self._holders

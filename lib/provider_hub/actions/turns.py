"""Bounds how much costly work one process does at once, and for one organization."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from provider_hub.domain.errors import TemporaryError


class _Ticket:
    """One caller that waits. Each is another one, whoever its holder is."""

    def __init__(self, holder: str | None) -> None:
        self.holder = holder


class Turns:
    """Lets a bounded number of callers work at once, and a bounded number of them wait for their turn.

    A holder, such as an organization, has `each` turns at a time. Of those who wait, the one is next whose holder had
    its last turn before the others: a holder that always waits with many is never served twice while another waits.
    `work` names in the plural what takes turns, for the messages.
    """

    def __init__(self, at_once: int, waiting: int, wait_seconds: float, work: str = "checks", *, each: int = 1) -> None:
        self._at_once = at_once
        self._waiting = waiting
        self._wait_seconds = wait_seconds
        self._work = work
        self._each = each
        self._changed = threading.Condition()
        self._running: Counter[str | None] = Counter()
        self._tickets: list[_Ticket] = []
        self._turns_given = 0
        self._last_turn: dict[str | None, int] = {}

    @contextmanager
    def turn(self, holder: str | None = None) -> Iterator[None]:
        """One turn. A `holder` has half of the places to wait at most; None is nobody's, and has no share.

        Raises TemporaryError where too many wait already, or the wait is too long.
        """
        self._begin(holder)
        try:
            yield
        finally:
            with self._changed:
                self._running[holder] -= 1
                self._forget(holder)
                self._changed.notify_all()

    def _begin(self, holder: str | None) -> None:
        with self._changed:
            if self._is_full(holder):
                raise TemporaryError(f"too many {self._work} wait in this process: try again")
            ticket = _Ticket(holder)
            self._tickets.append(ticket)
            try:
                if not self._changed.wait_for(lambda: self._is_next(ticket), self._wait_seconds):
                    raise TemporaryError(f"the {self._work} before this one take too long: try again")
                self._running[holder] += 1
                self._turns_given += 1
                self._last_turn[holder] = self._turns_given
            finally:
                # Whatever ended the wait: a ticket that stayed would keep all others from their turn.
                self._tickets.remove(ticket)
                self._forget(holder)
                self._changed.notify_all()

    def _is_full(self, holder: str | None) -> bool:
        if self._running.total() + len(self._tickets) >= self._at_once + self._waiting:
            return True
        return holder is not None and self._admitted(holder) >= self._each + self._waiting // 2

    def _is_next(self, ticket: _Ticket) -> bool:
        if self._running.total() >= self._at_once:
            return False
        able = [each for each in self._tickets if each.holder is None or self._running[each.holder] < self._each]
        return bool(able) and min(able, key=lambda each: self._last_turn.get(each.holder, 0)) is ticket

    def _admitted(self, holder: str | None) -> int:
        return self._running[holder] + sum(ticket.holder == holder for ticket in self._tickets)

    def _forget(self, holder: str | None) -> None:
        """Keep nothing of a holder that has no turn and waits for none."""
        if not self._admitted(holder):
            del self._running[holder]
            self._last_turn.pop(holder, None)

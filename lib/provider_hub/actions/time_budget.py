"""The time budget of one job in a sweep: a dependency that hangs must not use up the other jobs' time."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TypeVar

from provider_hub.actions.ports import Clock

T = TypeVar("T")

SHARE = timedelta(seconds=15)


class TimeBudget:
    """`share` from the moment it is made. What does not fit is still due at the next sweep."""

    def __init__(self, clock: Clock, share: timedelta = SHARE) -> None:
        self._clock = clock
        self._until = clock() + share

    @property
    def is_used_up(self) -> bool:
        """Whether nothing more is to begin."""
        return self._clock() >= self._until

    def within(self, items: Iterable[T]) -> Iterator[T]:
        """The items until the budget is used up. It ends before an item, never in the middle of one."""
        for item in items:
            if self.is_used_up:
                return
            yield item

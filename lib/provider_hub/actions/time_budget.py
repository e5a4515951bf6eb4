"""A job's turn in a sweep: bounded in time, so that one dependency that hangs keeps no other job waiting."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TypeVar

from provider_hub.actions.ports import Clock

T = TypeVar("T")

SHARE = timedelta(seconds=15)


class Turn:
    """Begins when it is made; what it does not come to is due at the next run."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until = clock() + SHARE

    def take(self, items: Iterable[T]) -> Iterator[T]:
        """The items, as long as the turn lasts."""
        for item in items:
            if self._clock() >= self._until:
                return
            yield item

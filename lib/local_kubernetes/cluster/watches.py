"""One client's open watch: a bounded queue between the store, which never waits, and a slow connection."""

import asyncio
from collections import deque

from .records import Change

BACKLOG = 1024  # Changes one watch may lag behind; beyond that it is dropped and its client lists again.


class Watch:
    """The changes that one client has not received yet."""

    def __init__(self, backlog: int = BACKLOG) -> None:
        self._backlog = backlog
        self._waiting: deque[Change] = deque()
        self._arrived = asyncio.Event()
        self.closed = False
        self.overrun = False

    def push(self, change: Change) -> None:
        """Take in a change. A watch that has too many waiting is overrun and keeps none."""
        if self.overrun:
            return
        if len(self._waiting) >= self._backlog:
            self.overrun = True
            self._waiting.clear()
        else:
            self._waiting.append(change)
        self._arrived.set()

    @property
    def waiting(self) -> bool:
        """Whether changes have arrived that `next` has not yet given out."""
        return bool(self._waiting)

    def close(self) -> None:
        """End the watch: `next` waits no longer."""
        self.closed = True
        self._arrived.set()

    async def next(self, timeout: float) -> list[Change]:
        """What has arrived, waiting up to `timeout` seconds; nothing when time ran out, or it was closed or overrun."""
        if not self._waiting and not self.closed and not self.overrun:
            try:
                await asyncio.wait_for(self._arrived.wait(), timeout)
            except TimeoutError:
                return []
        self._arrived.clear()
        arrived = list(self._waiting)
        self._waiting.clear()
        return arrived

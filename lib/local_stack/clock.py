"""Time as the local Cloud Tasks sees it, so that tests need not wait for it."""

import asyncio
import contextlib
import time
from typing import Protocol


class Clock(Protocol):
    """A source of time. Tests bring one that moves when they say so."""

    def now(self) -> float:
        """Seconds since the epoch."""

    async def wait(self, wake: asyncio.Event, seconds: float | None) -> None:
        """Return once `wake` is set or `seconds` have passed; None waits for `wake` alone."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    async def wait(self, wake: asyncio.Event, seconds: float | None) -> None:
        """Return once `wake` is set or `seconds` have passed; None waits for `wake` alone."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(wake.wait(), seconds)

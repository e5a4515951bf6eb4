"""A queue of keys to reconcile: each key once at a time, failures again later."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from local_kubernetes.node.client import ApiError

_FIRST_RETRY = 0.1
_LONGEST_RETRY = 30.0

log = logging.getLogger(__name__)


class WorkQueue:
    """Runs `reconcile(key)` for every key added.

    A key added while it is being worked on is worked on once more afterwards. A reconcile that raises is
    tried again after 0.1 s, doubling to 30 s; nothing that it raises ends the queue.
    """

    def __init__(self, name: str, reconcile: Callable[[str], Awaitable[None]], workers: int = 4) -> None:
        self._name = name
        self._reconcile = reconcile
        self._workers = workers
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._queued: set[str] = set()
        self._active: set[str] = set()
        self._again: set[str] = set()
        self._failures: dict[str, int] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def add(self, key: str) -> None:
        """Have the key worked on. A key that waits already is not added twice. A key that is being worked on is worked
        on once more.
        """
        if key in self._active:
            self._again.add(key)
        elif key not in self._queued:
            self._queued.add(key)
            self._ready.put_nowait(key)

    def add_after(self, key: str, delay: float) -> None:
        """Add the key after `delay` seconds. Of several delays for one key, the earliest counts."""
        loop = asyncio.get_running_loop()
        due = loop.time() + max(0.0, delay)
        timer = self._timers.get(key)
        if timer and timer.when() <= due:
            return
        if timer:
            timer.cancel()
        self._timers[key] = loop.call_at(due, self._due, key)

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._workers):
                    group.create_task(self._work())
        finally:
            for timer in self._timers.values():
                timer.cancel()

    def _due(self, key: str) -> None:
        self._timers.pop(key, None)
        self.add(key)

    async def _work(self) -> None:
        while True:
            key = await self._ready.get()
            self._queued.discard(key)
            self._active.add(key)
            try:
                await self._reconcile(key)
                self._failures.pop(key, None)
            except Exception as error:
                self._retry(key, error)
            finally:
                self._active.discard(key)
                if key in self._again:
                    self._again.discard(key)
                    self.add(key)

    def _retry(self, key: str, error: Exception) -> None:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = min(_FIRST_RETRY * 2 ** min(failures, 16), _LONGEST_RETRY)
        if isinstance(error, ApiError):
            delay = max(delay, min(error.retry_after or 0, _LONGEST_RETRY))
            # Conflict and absence are usual: the watch will bring the change.
            level = logging.DEBUG if error.status in {404, 409} else logging.WARNING
            log.log(level, "%s %s: %s; again in %.1f s", self._name, key, error, delay)
        else:
            log.error("%s %s failed; again in %.1f s", self._name, key, delay, exc_info=error)
        self.add_after(key, delay * random.uniform(0.8, 1.0))  # noqa: S311 - spreads retries, keeps no secret

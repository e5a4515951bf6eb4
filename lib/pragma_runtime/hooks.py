"""Calls a provider's hooks: plain or `async`, and never in the way of who calls."""

import inspect
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

Hook = Callable[[], object]
_Answer = TypeVar("_Answer")


class EventLoop:
    """One asyncio loop in a thread of its own, started when first needed; tasks of an `async` start() live on it."""

    def __init__(self) -> None:
        self._loop: AbstractEventLoop | None = None

    def run(self, awaitable: Any) -> object:
        """What `awaitable` comes to. Call it from any thread but the loop's own."""
        # Importing asyncio takes longer than the rest of the runtime, and most providers never need it.
        import asyncio  # noqa: PLC0415

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="provider event loop", daemon=True).start()
        return asyncio.run_coroutine_threadsafe(_awaited(awaitable), self._loop).result()


def plain(hook: Hook, loop: EventLoop) -> Hook:
    """`hook` as a function to call from any thread; what it returns to be awaited is awaited on `loop`."""

    def call() -> object:
        returned = hook()
        return loop.run(returned) if inspect.isawaitable(returned) else returned

    return call


def call_aside(function: Callable[[], _Answer]) -> Future[_Answer]:
    """Calls `function` on a thread of its own that nobody has to wait for."""
    future: Future[_Answer] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        # All of it: a hook's SystemExit is its answer, not the end of the runtime.
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="provider hook", daemon=True).start()
    return future


async def _awaited(awaitable: Any) -> object:
    return await awaitable

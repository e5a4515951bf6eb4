"""Calls a provider's hooks: plain or `async`, and never in the way of who calls."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

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
        if returned is None or isinstance(returned, str | int):
            return returned
        # Every start would wait for its import, and few hooks are `async`.
        from inspect import isawaitable  # noqa: PLC0415

        return loop.run(returned) if isawaitable(returned) else returned

    return call


class Call(Generic[_Answer]):
    """A call of `function` on a thread of its own that nobody has to wait for.

    It is no `concurrent.futures.Future`, whose import every start would wait for.
    """

    def __init__(self, function: Callable[[], _Answer]) -> None:
        self._function = function
        self._answers: list[_Answer] = []
        self._error: BaseException | None = None
        self._has_ended = threading.Event()
        threading.Thread(target=self._run, name="provider hook", daemon=True).start()

    def ends_within(self, seconds: float) -> bool:
        """Whether it has ended after `seconds` at most."""
        return self._has_ended.wait(seconds)

    @property
    def error(self) -> BaseException | None:
        """What the function raised; None where it has returned, or runs still."""
        return self._error

    def result(self) -> _Answer:
        """What the function returned, once it has ended; raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._answers[0]

    def _run(self) -> None:
        try:
            self._answers.append(self._function())
        # All of it: a hook's SystemExit is its answer, not the end of the runtime.
        except BaseException as error:
            self._error = error
        finally:
            self._has_ended.set()


async def _awaited(awaitable: Any) -> object:
    return await awaitable

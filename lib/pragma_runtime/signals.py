"""SIGTERM and SIGINT: an end to the start, or to the waiting, and in any case to the process."""

import contextlib
import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_LOOK_SECONDS = 0.5


class Stopped(BaseException):
    """A signal interrupted the start. No Exception, so that a provider's import does not catch it by habit."""


class Signals:
    """Interrupts the main thread while it starts the provider; wakes it once it only waits.

    Whatever then goes on, `grace_seconds` after the first signal the process is over, with exit code 0.
    """

    def __init__(self, grace_seconds: float, on_stop: Callable[[], None]) -> None:
        """`on_stop` is called in the signal handler, so it must not wait for anything."""
        self._grace_seconds = grace_seconds
        self._on_stop = on_stop
        self._interrupt = True
        self._received = False
        self._ended = False  # by `end_wait`
        # Reentrant, as a handler needs it: with an Event, the handler could wait for the lock that the
        # very thread it interrupted is holding.
        self._to_main: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._to_watchdog: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._watchdog = threading.Thread(target=self._end_in_time, name="watchdog", daemon=True)

    def install(self) -> None:
        """Takes the signals, also back from a provider that took them. Main thread only."""
        for number in _SIGNALS:
            signal.signal(number, self._handle)
        if not self._watchdog.is_alive():
            os.register_at_fork(after_in_child=self._let_go)
            self._watchdog.start()

    def stop_interrupting(self) -> None:
        """From here on a signal ends `wait` and raises nothing."""
        self._interrupt = False

    def wait(self) -> None:
        """Returns once a signal has come or `end_wait` was called, be it before the call."""
        # Not one long wait: Python runs handlers in the main thread when that looks, and a signal that another
        # thread received, or that came just before this one began to block, does not wake it.
        while not (self._received or self._ended):
            with contextlib.suppress(queue.Empty):
                self._to_main.get(timeout=_LOOK_SECONDS)

    def end_wait(self) -> None:
        """Ends `wait`, from any thread."""
        self._ended = True
        self._to_main.put(None)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._received:
            return
        self._received = True
        self._on_stop()
        self._to_watchdog.put(None)
        self._to_main.put(None)
        if self._interrupt:
            raise Stopped

    def _end_in_time(self) -> None:
        self._to_watchdog.get()
        time.sleep(self._grace_seconds)
        # A provider's stop(), atexit handler or thread hangs; the cluster's SIGKILL would come next.
        os._exit(0)

    def _let_go(self) -> None:
        """In a child that the provider forked, which a signal shall end as any other process."""
        for number in _SIGNALS:
            if signal.getsignal(number) == self._handle:
                signal.signal(number, signal.SIG_DFL)

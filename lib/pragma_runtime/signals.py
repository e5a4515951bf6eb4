"""SIGTERM and SIGINT: an end to the start, or to the waiting, and in any case to the process."""

import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType


class Stopped(BaseException):
    """A signal interrupted the start. No Exception, so that a provider's import does not catch it by habit."""


class Signals:
    """Interrupts the main thread while it starts the provider; wakes it once it only waits.

    Whatever then goes on, `grace_seconds` after the first signal the process is over.
    """

    def __init__(self, grace_seconds: float, on_stop: Callable[[], None]) -> None:
        """`on_stop` is called in the signal handler, so it must not wait for anything."""
        self._grace_seconds = grace_seconds
        self._on_stop = on_stop
        self._interrupt = True
        # Reentrant, as a handler needs it: with an Event, the handler could wait for the lock that the
        # very thread it interrupted is holding.
        self._to_main: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._to_watchdog: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._watchdog = threading.Thread(target=self._end_in_time, name="watchdog", daemon=True)

    def install(self) -> None:
        """Takes the signals, also back from a provider that took them."""
        signal.signal(signal.SIGTERM, self._handle)
        signal.signal(signal.SIGINT, self._handle)
        if not self._watchdog.is_alive():
            self._watchdog.start()

    def stop_interrupting(self) -> None:
        """From here on a signal ends `wait` and raises nothing."""
        self._interrupt = False

    def wait(self) -> None:
        """Returns once a signal has come, be it before the call."""
        self._to_main.get()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._on_stop()
        self._to_watchdog.put(None)
        self._to_main.put(None)
        if self._interrupt:
            self._interrupt = False
            raise Stopped

    def _end_in_time(self) -> None:
        self._to_watchdog.get()
        time.sleep(self._grace_seconds)
        # A provider's stop(), atexit handler or thread hangs; the cluster's SIGKILL would come next.
        os._exit(0)

"""Asks the provider every few seconds how it fares."""

import threading
from collections.abc import Callable
from pathlib import Path

from pragma_runtime.check_in import Vitals
from pragma_runtime.hooks import Call
from pragma_runtime.log import one_line, say
from pragma_runtime.provider import Hooks, describe

_Answers = tuple[object, object]  # of health() and active_resources()


class Monitor:
    """Turns a provider's hooks into vitals. A hook that hangs is waited for, never called a second time."""

    def __init__(self, hooks: Hooks, directory: Path, every: float) -> None:
        """`every`: seconds between two questions, and the longest an answer may take."""
        self._hooks = hooks
        self._directory = directory
        self._every = every
        self._pending: Call[_Answers] | None = None
        self._active_resources = 0
        self._stopped = threading.Event()

    def watch(self, first: Vitals, report: Callable[[Vitals], None]) -> None:
        """Calls `report` with every observation after `first`, from a thread of its own, until `stop`."""
        if self._hooks.health is None and self._hooks.active_resources is None:
            return
        threading.Thread(target=self._run, args=(first, report), name="monitor", daemon=True).start()

    def stop(self) -> None:
        """End the thread after the observation that it makes now."""
        self._stopped.set()

    def observe(self) -> Vitals:
        """One observation; takes `every` seconds at most."""
        call = self._pending or Call(self._ask)
        if not call.ends_within(self._every):
            self._pending = call
            return self._degraded(f"health() has not answered for {self._every:g} s")
        self._pending = None
        return self._judge(call)

    def _run(self, last: Vitals, report: Callable[[Vitals], None]) -> None:
        while not self._stopped.wait(self._every):
            vitals = self.observe()
            if vitals != last:
                say(f"{vitals}.")
            last = vitals
            report(vitals)

    def _ask(self) -> _Answers:
        message = self._hooks.health() if self._hooks.health else None
        resources = self._hooks.active_resources() if self._hooks.active_resources else 0
        return message, resources

    def _judge(self, call: Call[_Answers]) -> Vitals:
        try:
            message, resources = call.result()
        except BaseException as error:
            return self._degraded(describe(error, self._directory))
        if not isinstance(resources, int) or resources < 0:
            return self._degraded(f"active_resources() returned {one_line(repr(resources), 50)}, expected a count")
        self._active_resources = int(resources)
        if message is None or message == "":
            return Vitals("healthy", None, self._active_resources)
        if not isinstance(message, str):
            return self._degraded(f"health() returned {one_line(repr(message), 50)}, expected None or a text")
        return self._degraded(one_line(message))

    def _degraded(self, message: str) -> Vitals:
        return Vitals("degraded", message, self._active_resources)

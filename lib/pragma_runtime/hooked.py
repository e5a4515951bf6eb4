"""A provider that is imported into the runtime's own process and called by its hooks."""

from collections.abc import Callable

from pragma_runtime.check_in import Vitals
from pragma_runtime.environment import SCRATCH
from pragma_runtime.hooks import Call, EventLoop
from pragma_runtime.install import Installed
from pragma_runtime.log import say
from pragma_runtime.monitor import Monitor
from pragma_runtime.provider import Hooks, call_start, describe, find_hooks, import_provider, isolate
from pragma_runtime.settings import Settings


class HookedProvider:
    """Ready when its package is imported and its `start()` has returned."""

    def __init__(self, installed: Installed, settings: Settings, enter: Callable[[str], None]) -> None:
        """`enter` is called with the name of each phase of `start`."""
        self._package = settings.package_name
        self._directory = installed.environment.packages
        self._settings = settings
        self._enter = enter
        self._hooks = Hooks()
        self._monitor: Monitor | None = None
        self._first = Vitals()

    def start(self) -> Vitals:
        """Imports and starts the provider; raises PermanentError where either raises."""
        self._enter(f"importing {self._package}")
        isolate(self._directory, self._settings.work_dir / SCRATCH)
        module = import_provider(self._package, self._directory)
        hooks = find_hooks(module, EventLoop())
        self._enter(f"starting {self._package}")
        self._hooks = hooks  # from here on there may be something to stop
        call_start(hooks, self._directory)
        self._monitor = Monitor(hooks, self._directory, self._settings.health_seconds)
        self._first = self._monitor.observe()
        return self._first

    def watch(self, report: Callable[[Vitals], None]) -> None:
        """Asks for the health every so often, from a thread of its own, and reports it until `stop`."""
        if self._monitor:
            self._monitor.watch(self._first, report)

    def stop(self, seconds: float) -> None:
        """Calls `stop()`, which has `seconds` to return."""
        if self._monitor:
            self._monitor.stop()
        if not self._hooks.stop:
            return
        call = Call(self._hooks.stop)
        if not call.ends_within(seconds):
            say(f"stop() has not returned within {seconds:.1f} s.")
        elif call.error:
            say(f"stop() failed: {describe(call.error, self._directory)}.")

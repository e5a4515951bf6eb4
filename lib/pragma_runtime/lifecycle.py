"""One life of a provider: from the wheel's URL to the last check-in."""

import os
from concurrent.futures import wait

from pragma_runtime.check_in import CheckIns
from pragma_runtime.download import fetch_wheel
from pragma_runtime.errors import PermanentError, StartError
from pragma_runtime.hooks import EventLoop, Hook, call_aside
from pragma_runtime.install import install
from pragma_runtime.log import say
from pragma_runtime.monitor import Monitor
from pragma_runtime.provider import Hooks, call_start, describe, find_hooks, import_provider, isolate
from pragma_runtime.pubsub import MetadataServer, Publisher
from pragma_runtime.server import HealthServer, Readiness
from pragma_runtime.settings import Settings, public_url, read_settings
from pragma_runtime.signals import Signals, Stopped
from pragma_runtime.wheel import find_package, read_wheel

_FAILURE_REPORT_SECONDS = 20.0
# Shares of the grace period; the rest is for the interpreter's own end.
_STOP_SHARE = 0.7
_LAST_CHECK_IN_SHARE = 0.12


def run(token: str) -> int:
    """Runs the provider that the environment describes, until a signal; returns the exit code.

    The reason of a code other than 0 is the last line on stderr.
    """
    try:
        settings = read_settings(os.environ, token)
        return Runtime(settings).run()
    except StartError as failure:
        say(str(failure))
        return failure.exit_code


class Runtime:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._readiness = Readiness()
        self._signals = Signals(settings.grace_seconds, self._refuse_traffic)
        self._check_ins = CheckIns(settings, _publisher(settings), self._be_ready)
        self._site = settings.work_dir / "site"
        self._hooks = Hooks()
        self._monitor: Monitor | None = None

    def run(self) -> int:
        """0 after a signal; raises StartError where the provider cannot be started."""
        settings = self._settings
        with HealthServer(settings.listen_address, settings.port, self._readiness) as server:
            say(f"{settings.provider} {settings.version}, generation {settings.generation}, on port {server.port}.")
            try:
                self._start()
                self._signals.wait()
            except Stopped:
                say("Stopped before the provider was ready.")
            except StartError as failure:
                self._signals.stop_interrupting()
                self._readiness.phase = "failed"
                if isinstance(failure, PermanentError):
                    self._check_ins.say_failed(str(failure), _FAILURE_REPORT_SECONDS)
                raise
            self._stop()
        return 0

    def _start(self) -> None:
        settings, loop = self._settings, EventLoop()
        self._signals.install()
        self._enter(f"fetching {public_url(settings.wheel_url)}")
        path = fetch_wheel(settings)
        wheel = read_wheel(path)
        package = settings.package_name or find_package(wheel)
        self._enter(f"installing {path.name}")
        install(settings, path, wheel)
        self._enter(f"importing {package}")
        isolate(self._site)
        module = import_provider(package, self._site)
        hooks = find_hooks(module, loop)
        self._enter(f"starting {package}")
        self._hooks = hooks  # from here on there may be something to stop
        call_start(hooks, self._site)
        self._signals.install()
        self._enter("checking in")
        self._watch(hooks)
        self._signals.stop_interrupting()

    def _watch(self, hooks: Hooks) -> None:
        self._monitor = Monitor(hooks, self._site, self._settings.health_seconds)
        vitals = self._monitor.observe()
        say(f"{vitals}.")
        self._check_ins.start(vitals)
        self._monitor.watch(vitals, self._check_ins.report)

    def _stop(self) -> None:
        grace = self._settings.grace_seconds
        if self._monitor:
            self._monitor.stop()
        if self._hooks.stop:
            self._call_stop(self._hooks.stop, grace * _STOP_SHARE)
        self._check_ins.say_stopping(grace * _LAST_CHECK_IN_SHARE)
        say("Stopped.")

    def _call_stop(self, hook: Hook, seconds: float) -> None:
        call = call_aside(hook)
        wait([call], seconds)
        if not call.done():
            say(f"stop() has not returned within {seconds:.1f} s.")
        elif error := call.exception():
            say(f"stop() failed: {describe(error, self._site)}.")

    def _enter(self, phase: str) -> None:
        self._readiness.phase = phase
        say(f"{phase[0].upper()}{phase[1:]}.")

    def _be_ready(self) -> None:
        self._readiness.ready = True
        say("Checked in; ready.")

    def _refuse_traffic(self) -> None:
        self._readiness.stopping = True


def _publisher(settings: Settings) -> Publisher:
    # An emulator speaks plain http and takes no credentials; they never travel unencrypted.
    access_tokens = MetadataServer() if settings.pubsub_endpoint.startswith("https:") else None
    return Publisher(settings.pubsub_endpoint, settings.check_in_topic, access_tokens)

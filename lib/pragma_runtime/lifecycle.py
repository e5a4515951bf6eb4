"""One life of a provider: from the wheel's URL to the last check-in."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from pragma_runtime.check_in import CheckIns, Vitals
from pragma_runtime.disk import Disk
from pragma_runtime.download import fetch_all, locked_wheels, own_wheel
from pragma_runtime.errors import PermanentError, StartError, TemporaryError
from pragma_runtime.install import Installed, find_installed, forget_unfinished, install
from pragma_runtime.log import say
from pragma_runtime.pubsub import MetadataServer, Publisher
from pragma_runtime.server import HealthServer, Readiness
from pragma_runtime.settings import Settings, public_url, read_settings
from pragma_runtime.signals import Signals, Stopped
from pragma_runtime.unpacked import check_said
from pragma_runtime.wheel import read_wheel

_FAILURE_REPORT_SECONDS = 20.0
# Shares of the time for the start.
_FETCH_SHARE = 0.4
_INSTALL_SHARE = 0.85  # of what is left
# Of what is left: a silent worker is ended, and its last line read, before the watchdog ends the process.
_HANDSHAKE_SHARE = 0.9
# Shares of the grace period; the rest is for the interpreter's own end.
_STOP_SHARE = 0.7
_LAST_CHECK_IN_SHARE = 0.12


class Provider(Protocol):
    """A provider that was started, whichever way it runs."""

    def watch(self, report: Callable[[Vitals], None]) -> None:
        """Reports how it fares, from a thread of its own, until `stop`."""

    def stop(self, seconds: float) -> None:
        """Stops it within `seconds`, however far its start has come."""


def run(token: str, entrypoint: Sequence[str] = ()) -> int:
    """Runs the provider that the environment describes, until a signal; returns the exit code.

    The reason of a code other than 0 is the last line on stderr. With an `entrypoint`, the process becomes that command
    as soon as the wheel is installed, and does not return.
    """
    try:
        settings = read_settings(os.environ, token)
        return Runtime(settings, entrypoint).run()
    except StartError as failure:
        say(str(failure))
        return failure.exit_code


class Runtime:
    """Brings one provider up, keeps its check-ins going, and takes it down."""

    def __init__(self, settings: Settings, entrypoint: Sequence[str] = ()) -> None:
        self._settings = settings
        self._entrypoint = entrypoint
        self._readiness = Readiness()
        self._signals = Signals(settings.grace_seconds, self._refuse_traffic)
        self._check_ins = CheckIns(settings, _publisher(settings), self._be_ready)
        self._provider: Provider | None = None
        self._failure = ""  # of a provider that was ready
        self._ends_at = time.monotonic() + settings.start_seconds

    def run(self) -> int:
        """0 after a signal; raises StartError where the provider cannot be started or kept up."""
        settings = self._settings
        with HealthServer(settings.listen_address, settings.port, self._readiness) as server:
            say(f"{settings.provider} {settings.version}, generation {settings.generation}, on port {server.port}.")
            watchdog = threading.Timer(settings.start_seconds, self._give_up)
            watchdog.daemon = True
            watchdog.start()
            try:
                self._start()
                watchdog.cancel()
                self._signals.wait()
                if self._failure:
                    raise PermanentError(self._failure)
            except Stopped:
                say("Stopped before the provider was ready.")
            except StartError as failure:
                watchdog.cancel()
                self._report(failure)
                raise
            self._stop()
        return 0

    def _start(self) -> None:
        self._signals.install()
        installed = find_installed(self._settings) or self._install()
        # Each way to run a provider is imported where it is taken: a start would wait for the others in vain.
        if self._entrypoint:
            from pragma_runtime.override import execute  # noqa: PLC0415

            self._enter(f"executing {self._entrypoint[0]}")
            execute(self._entrypoint, installed, self._settings.check_in_token)
        vitals = self._serve(installed) if installed.is_served else self._import(installed)
        self._signals.install()
        self._enter("checking in")
        say(f"{vitals}.")
        self._check_ins.start(vitals)
        if self._provider:
            self._provider.watch(self._check_ins.report)
        self._signals.stop_interrupting()

    def _install(self) -> Installed:
        settings = self._settings
        dependencies = locked_wheels(settings, settings.lock) if settings.lock else []
        also = f" and {len(dependencies)} dependencies" if dependencies else ""
        forget_unfinished(settings)
        self._enter(f"fetching {public_url(settings.wheel_url)}{also}")
        # No file is opened before the last one's digest was found right.
        paths = fetch_all(settings, [own_wheel(settings), *dependencies], self._left() * _FETCH_SHARE)
        check_said(paths, Disk(settings.work_dir, settings.disk_bytes))
        path = paths[0]
        wheel = read_wheel(path)
        self._enter(f"installing {path.name}")
        return install(settings, path, wheel, self._left() * _INSTALL_SHARE)

    def _serve(self, installed: Installed) -> Vitals:
        from pragma_runtime.served import ServedProvider  # noqa: PLC0415

        self._enter(f"waiting for the handshake of {installed.distribution}'s worker")
        self._provider = provider = ServedProvider(installed, self._settings, self._fail)
        return provider.start(self._left() * _HANDSHAKE_SHARE)

    def _import(self, installed: Installed) -> Vitals:
        from pragma_runtime.hooked import HookedProvider  # noqa: PLC0415

        self._provider = provider = HookedProvider(installed, self._settings, self._enter)
        return provider.start()

    def _stop(self) -> None:
        grace = self._settings.grace_seconds
        if self._provider:
            self._provider.stop(grace * _STOP_SHARE)
        self._check_ins.say_stopping(grace * _LAST_CHECK_IN_SHARE)
        say("Stopped.")

    def _report(self, failure: StartError) -> None:
        self._signals.stop_interrupting()
        self._readiness.ready = False
        self._readiness.phase = "failed"
        if isinstance(failure, PermanentError):
            self._check_ins.say_failed(str(failure), _FAILURE_REPORT_SECONDS)

    def _fail(self, reason: str) -> None:
        """Ends the wait of the main thread; called from another."""
        self._failure = reason
        self._signals.end_wait()

    def _give_up(self) -> None:
        """For what cannot be interrupted: an import or a `start()` that hangs, a host that drips its headers."""
        failure = TemporaryError(
            f"The start was given up after {self._settings.start_seconds:g} s, while {self._readiness.phase}."
        )
        say(str(failure))
        os._exit(failure.exit_code)

    def _left(self) -> float:
        """Seconds of the time for the start."""
        return max(1.0, self._ends_at - time.monotonic())

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

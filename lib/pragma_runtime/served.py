"""A provider that the SDK's worker serves: its worker is started, watched, and started again when it dies."""

import math
import random
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from pragma_runtime.check_in import Vitals
from pragma_runtime.errors import PermanentError, TemporaryError
from pragma_runtime.handshake import Handshake
from pragma_runtime.install import Installed
from pragma_runtime.log import say
from pragma_runtime.settings import Settings
from pragma_runtime.worker import Worker, WorkerEnded, WorkerSilent


class Restarts(NamedTuple):
    """How often and when a worker that died is started again."""

    most: int = 5  # in a row
    # Seconds; doubled each time. Reports of changes are a second apart: a shorter pause could hide a death.
    first_delay: float = 2.0
    # A worker that served this long is steady: its death counts as the first in a row. Kubernetes forgets a container's
    # restarts after the same time. If it were shorter, a worker that dies every few minutes would be started again for
    # ever.
    steady_seconds: float = 600.0


class ServedProvider:
    """Ready with the worker's first handshake.

    `on_failure` is called once, with the reason, when the worker has died more often in a row than `restarts` allows.
    """

    def __init__(
        self,
        installed: Installed,
        settings: Settings,
        on_failure: Callable[[str], None],
        restarts: Restarts | None = None,
    ) -> None:
        self._installed = installed
        self._settings = settings
        self._on_failure = on_failure
        self._restarts = restarts or Restarts()
        self._worker = Worker(installed, settings)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._vitals = Vitals()
        self._serves_since = math.inf  # monotonic seconds, of the worker's handshake

    def start(self, seconds: float) -> Vitals:
        """Returns with the worker's handshake, for which it has `seconds`, and `handshake_seconds` at most.

        Raises PermanentError where it ends before. Raises TemporaryError where it is alive and silent: a first start
        also compiles all that it imports, and the next one of the same container finds that done. A worker that never
        comes so far is ended by the deploy's deadline, which names this reason.
        """
        try:
            handshake = self._worker.start(min(seconds, self._settings.handshake_seconds))
        except WorkerSilent as silent:
            raise TemporaryError(f"The provider is not served yet: {silent}.") from None
        except WorkerEnded as ended:
            raise PermanentError(f"The provider cannot be served: {ended}.") from None
        return self._serving(handshake)

    def watch(self, report: Callable[[Vitals], None]) -> None:
        """Serves the worker from a thread of its own until `stop`, and reports each change of its health."""
        self._thread = threading.Thread(target=self._run, args=(report,), name="worker host", daemon=True)
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Shuts the worker down within `seconds`."""
        self._stopping.set()
        self._worker.stop(seconds)

    def _run(self, report: Callable[[Vitals], None]) -> None:
        restarts, deaths = self._restarts, 0
        ended = self._serve()
        while not self._stopping.is_set():
            served = time.monotonic() - self._serves_since
            deaths = 1 if served > restarts.steady_seconds else deaths + 1
            if deaths > restarts.most:
                self._on_failure(f"The provider's worker died {deaths} times in a row: {ended}.")
                return
            delay = restarts.first_delay * 2 ** (deaths - 1) * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load
            message = f"{ended}; restart {deaths} of {restarts.most}"
            say(f"{message}, in {delay:.1f} s.")
            report(Vitals("degraded", message, 0, self._vitals.resource_types))
            if self._stopping.wait(delay):
                return
            ended = self._start_again(report)

    def _start_again(self, report: Callable[[Vitals], None]) -> WorkerEnded:
        """Serves a new worker for as long as it lives; the reason of its end."""
        self._worker = worker = Worker(self._installed, self._settings)
        self._serves_since = math.inf
        if self._stopping.is_set():  # `stop` may have seen the last worker
            return WorkerEnded("the runtime stops")
        try:
            report(self._serving(worker.start(self._settings.handshake_seconds)))
        except WorkerEnded as ended:
            return ended
        return self._serve()

    def _serve(self) -> WorkerEnded:
        try:
            self._worker.serve()
        except WorkerEnded as ended:
            return ended

    def _serving(self, handshake: Handshake) -> Vitals:
        types = handshake.resource_types
        say(f"The worker (SDK {handshake.sdk_version}) serves {len(types)} resource types: {', '.join(types)}.")
        self._vitals = Vitals(resource_types=types)
        self._serves_since = time.monotonic()
        return self._vitals

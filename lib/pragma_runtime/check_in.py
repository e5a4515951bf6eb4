"""What a runtime tells the control plane, and when."""

import json
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from pragma_runtime.log import one_line, say
from pragma_runtime.pubsub import Publisher, PublishError
from pragma_runtime.settings import Settings

_CALL_TIMEOUT = 10.0
_FIRST_BACKOFF = 0.5
_LONGEST_BACKOFF = 30.0
_LEAST_BETWEEN = 1.0  # seconds, between two check-ins about changes
_CONFIRM_AFTER = 10.0  # seconds, from a change to healthy to saying so again
_JITTER = 0.1  # of the interval, so that the pods of one rollout do not keep step


class Vitals(NamedTuple):
    """How the provider fares.

    `message` says why it is degraded; `resource_types` are the names that its worker serves, none without a worker.
    """

    health: Literal["healthy", "degraded"] = "healthy"
    message: str | None = None
    active_resources: int = 0
    resource_types: tuple[str, ...] = ()

    def __str__(self) -> str:
        managed = f", {self.active_resources} active resources" if self.active_resources else ""
        return f"The provider is {self.health}{managed}{f': {self.message}' if self.message else ''}"


class CheckIns:
    """Publishes the latest vitals from a thread of its own: at once, at intervals, and when they change.

    `on_first` is called, on that thread, when the first check-in is with Pub/Sub.
    """

    def __init__(self, settings: Settings, publisher: Publisher, on_first: Callable[[], None]) -> None:
        self._settings = settings
        self._publisher = publisher
        self._on_first = on_first
        self._condition = threading.Condition()
        self._vitals = Vitals()
        self._published: Vitals | None = None
        self._stopped = False
        self._failures = 0
        self._next_at = 0.0  # of the regular check-in, or of the next try; monotonic seconds
        self._earliest_at = 0.0  # of one about a change
        self._thread = threading.Thread(target=self._run, name="check-ins", daemon=True)

    def start(self, vitals: Vitals) -> None:
        """Send the first check-in, with `vitals`, and all later ones from a thread."""
        self._vitals = vitals
        self._thread.start()

    def report(self, vitals: Vitals) -> None:
        """Takes the new vitals; returns at once."""
        with self._condition:
            self._vitals = vitals
            self._condition.notify()

    def say_stopping(self, timeout: float) -> None:
        """The last check-in, with `timeout` seconds to succeed.

        Without a first one there is no last: a runtime that never said it is up has nothing to take back.
        """
        ends_at = time.monotonic() + timeout
        with self._condition:
            self._stopped = True
            self._condition.notify()
            vitals, published = self._vitals, self._published
        if published is None:
            return
        # A check-in under way would otherwise be overtaken by this one.
        self._thread.join(timeout / 2)
        try:
            self._publish(vitals, stopping=True, timeout=max(0.1, ends_at - time.monotonic()))
        except PublishError as error:
            say(f"The last check-in was not published: {error}.")

    def say_failed(self, reason: str, timeout: float) -> None:
        """Tells that this version cannot be started here, and why; tries for `timeout` seconds."""
        with self._condition:
            self._stopped = True  # no regular check-in may come after this one
            self._condition.notify()
            vitals = self._vitals._replace(health="degraded", message=reason)
        ends_at = time.monotonic() + timeout
        failures = 0
        while True:
            try:
                return self._publish(vitals, failed=True, timeout=_CALL_TIMEOUT)
            except PublishError as error:
                failures += 1
                delay = _backoff(failures)
                say(f"The failed start was not reported: {error}.")
                if time.monotonic() + delay > ends_at:
                    return None
                time.sleep(delay)

    def _run(self) -> None:
        while (vitals := self._wait_until_due()) is not None:
            try:
                self._publish(vitals, timeout=_CALL_TIMEOUT)
            except PublishError as error:
                self._failures += 1
                delay = _backoff(self._failures)
                self._next_at = self._earliest_at = time.monotonic() + delay
                say(f"Check-in not published: {error}. Trying again in {delay:.1f} s.")
            else:
                self._record(vitals)

    def _record(self, vitals: Vitals) -> None:
        first = self._published is None
        was_degraded = self._published is not None and self._published.health == "degraded"
        recovered = was_degraded and vitals.health == "healthy"
        self._published = vitals
        self._failures = 0
        interval = self._settings.check_in_seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - spreads load
        # The control plane believes a recovery once it was told twice in a row.
        self._next_at = time.monotonic() + (min(interval, _CONFIRM_AFTER) if recovered else interval)
        self._earliest_at = time.monotonic() + _LEAST_BETWEEN
        if first:
            self._on_first()

    def _wait_until_due(self) -> Vitals | None:
        """The vitals to publish now; None once stopped."""
        with self._condition:
            while not self._stopped:
                due_at = self._next_at if self._vitals == self._published else self._earliest_at
                remaining = due_at - time.monotonic()
                if remaining <= 0:
                    return self._vitals
                self._condition.wait(remaining)
            return None

    def _publish(self, vitals: Vitals, *, timeout: float, stopping: bool = False, failed: bool = False) -> None:
        settings = self._settings
        message = {
            "organization_id": settings.organization_id,
            "provider": settings.provider,
            "version": settings.version,
            "generation": settings.generation,
            "instance_id": settings.instance_id,
            "installation_id": settings.installation_id,
            "lock_sha256": settings.lock.sha256 if settings.lock else None,
            "token": settings.check_in_token,
            "health": vitals.health,
            "message": None if vitals.message is None else one_line(vitals.message),
            "active_resources": vitals.active_resources,
            "resource_types": list(vitals.resource_types),
            "stopping": stopping,
            "failed": failed,
            "sent_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        attributes = {
            "provider": settings.provider,
            "installation_id": settings.installation_id,
            "generation": str(settings.generation),
        }
        self._publisher.publish(
            json.dumps(message).encode(),
            ordering_key=settings.installation_id,
            attributes=attributes,
            timeout=timeout,
        )


def _backoff(failures: int) -> float:
    delay = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2.0 ** min(failures - 1, 10))
    return delay * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load

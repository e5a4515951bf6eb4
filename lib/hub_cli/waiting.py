"""Waiting for an installation to settle: what it takes to be done, failed, superseded or out of time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from hub_cli.api import HubApi, Installation, find_installation
from hub_cli.errors import ClientError, Refused, TimedOut, Unavailable
from hub_cli.progress import Progress

T = TypeVar("T")

POLL_SECONDS = 1.0
_TURNS_PER_POLL = 8


@dataclass(frozen=True, slots=True)
class Waiting:
    """How to wait: at most `timeout` seconds, with each change shown by `progress`."""

    api: HubApi
    progress: Progress
    timeout: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def until_ready(self, row: Installation) -> Installation:
        """The row once the generation that `row` has is READY.

        Raises Refused when that generation failed, was superseded or removed, TimedOut, or Unavailable when the
        API stays away.
        """
        version = row.installed_version

        def settled(now: Installation | None) -> Installation | None:
            if now is None or now.state == "deleting":
                raise Refused(f"{row.canonical} was uninstalled while it was waited for.")
            if now.generation < row.generation or now.state not in ("ready", "failed"):
                return None
            if now.generation > row.generation:
                raise Refused(_superseded(version, now))
            if now.state == "failed":
                raise Refused(f"{row.canonical}: {now.failure_message or f'{version} failed, no reason is known'}")
            return now

        return self._until(row, settled, f"{row.canonical} {version} to be ready")

    def until_gone(self, row: Installation) -> None:
        """Return once the row is gone, or another life of the same name has begun. Raises as `until_ready`."""

        def settled(now: Installation | None) -> bool | None:
            return True if now is None or now.state != "deleting" else None

        self._until(row, settled, f"{row.canonical} to be gone")

    def _until(self, row: Installation, settled: Callable[[Installation | None], T | None], what: str) -> T:
        deadline = self.clock() + self.timeout
        while True:
            now = self._look(row, deadline)
            if now is not None:
                self.progress.changed(f"{state_of(now)} at {now.installed_version}")
            result = settled(now)
            if result is not None:
                return result
            self._pause(deadline, what, now)

    def _look(self, row: Installation, deadline: float) -> Installation | None:
        """The row as it is; an API that is away for a while is waited for too."""
        while True:
            try:
                return find_installation(self.api, row.canonical)
            except Unavailable as error:
                self.progress.changed(f"waiting for the API: {error}", about="API")
                if self.clock() >= deadline:
                    raise
                self.sleep(POLL_SECONDS)

    def _pause(self, deadline: float, what: str, now: Installation | None) -> None:
        if self.clock() >= deadline:
            raise TimedOut(f"waited {self.timeout:g} s for {what}; it goes on without this command.")
        doing = self._doing(now)
        for _ in range(_TURNS_PER_POLL):
            self.progress.moving(doing)
            self.sleep(POLL_SECONDS / _TURNS_PER_POLL)

    def _doing(self, now: Installation | None) -> str:
        """What the cluster says of a deployment under way; a line in the log too when it is news."""
        if now is None or now.state != "processing":
            return now.state if now else ""
        try:
            message = self.api.deployment(now.canonical).get("message")
        except ClientError:
            return now.state  # The message only decorates: the row decides, and its own failures are shown.
        if not message:
            return now.state
        self.progress.changed(f"{now.state}: {message}", about="deployment")
        return f"{now.state}: {message}"


def state_of(row: Installation) -> str:
    """The state, and the health where that is another matter."""
    if row.state == "ready" and row.health != "healthy":
        return f"{row.state} but {row.health} ({row.health_message or 'no reason is known'})"
    return row.state


def _superseded(version: str, now: Installation) -> str:
    """After a failed upgrade the last good version is restored by itself, under a generation of its own."""
    if now.failure_message:
        return f"{now.canonical}: {now.failure_message}"
    return f"another change came in between: {now.canonical} is {now.state} at {now.installed_version}."

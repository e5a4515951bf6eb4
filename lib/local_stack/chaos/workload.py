"""Tenants who install, upgrade, change and uninstall again and again, and check that every change comes to its end."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import urllib3

from local_stack.api_client import ApiClient, Json
from local_stack.running import Stack

HEALTHY = ("1.0.0", "1.1.0")
BROKEN = "1.2.0"
PROVIDER = "platform/weather"
_AGAIN = frozenset({429, 500, 502, 503, 504})
_PATH = f"/providers/installed/{PROVIDER}"


class Violated(Exception):
    """A rule was broken; the message says which, and after which steps."""


@dataclass
class Tally:
    """What all tenants have done so far, under one lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    histories: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    slowest: str = ""

    def waited(self, seconds: float, what: str) -> None:
        """Record a wait for an installation to settle; `what` describes the longest in the report."""
        with self.lock:
            if not self.waits or seconds > max(self.waits):
                self.slowest = what
            self.waits.append(seconds)

    def count(self, counter: Counter[str], name: str) -> None:
        """Add one to `name` in `histories` or `ends`."""
        with self.lock:
            counter[name] += 1

    def violated(self, what: str) -> None:
        """Record a broken promise of the system."""
        with self.lock:
            self.violations.append(what)


class Tenant:
    """One organization that makes one change after the other.

    `patience` is the longest wait in seconds, `poll` the time between two looks at what is waited for.
    """

    def __init__(self, stack: Stack, slug: str, random: Random, tally: Tally, patience: float, poll: float) -> None:
        self._api = ApiClient(stack.info.api_url, stack.tokens.user(slug, lifetime=86400))
        self._random = random
        self._tally = tally
        self._patience = patience
        self._poll = poll
        self._steps: list[str] = []
        self.slug = slug

    def live(self, until: float) -> None:
        """One history after the other until that monotonic time, and to the end of the last."""
        histories: Sequence[Callable[[], None]] = (
            self._stays,
            self._upgrades,
            self._upgrades_to_broken,
            self._changes_its_mind,
            self._changes_settings,
        )
        while time.monotonic() < until:
            history = self._random.choice(histories)
            self._steps = []
            try:
                history()
                self._uninstall()
            except Violated as violated:
                self._tally.violated(f"{self.slug}, {history.__name__.strip('_')}: {violated}\n  {self._history()}")
                return
            self._tally.count(self._tally.histories, history.__name__.strip("_").replace("_", " "))
        self._api.http.clear()

    def _stays(self) -> None:
        self._install("1.0.0")
        self._settled("1.0.0")

    def _upgrades(self) -> None:
        self._install("1.0.0")
        self._settled("1.0.0")
        self._change("POST", "/upgrade", {"version": "1.1.0"})
        self._settled("1.1.0", "1.0.0")
        self._change("POST", "/downgrade", {"target_version": "1.0.0"}, (200, 409, 422))
        self._settled("1.0.0", "1.1.0")

    def _upgrades_to_broken(self) -> None:
        self._install("1.1.0")
        self._settled("1.1.0")
        self._change("POST", "/upgrade", {"version": BROKEN})
        self._settled("1.1.0")

    def _changes_its_mind(self) -> None:
        self._install("1.0.0")
        time.sleep(self._random.uniform(0, 2))
        self._uninstall()
        self._install("1.1.0")
        self._settled("1.1.0")

    def _changes_settings(self) -> None:
        self._install("1.0.0")
        time.sleep(self._random.uniform(0, 3))
        config = {"STATIONS": str(self._random.randrange(1000))}
        self._change("PATCH", "", {"config": config})
        self._settled("1.0.0")

    def _install(self, version: str) -> None:
        body = {"provider_name": PROVIDER, "version": version, "resource_tier": "free"}
        self._change("POST", "/providers/install", body, (201, 409), absolute=True)

    def _settled(self, *versions: str) -> None:
        """READY at one of these, or FAILED with the reason."""
        row = self._until(lambda row: row.get("lifecycle_state") in ("ready", "failed"), f"{versions[0]} to settle")
        state = row["lifecycle_state"]
        if state == "failed" and not row["failure_message"]:
            raise Violated("FAILED without a reason")
        if state == "ready" and row["current_version"] not in versions:
            raise Violated(f"READY at {row['current_version']}, not at {' or '.join(versions)}")
        self._tally.count(self._tally.ends, f"{state}{' after all' if row['generation'] > 2 else ''}")

    def _uninstall(self) -> None:
        self._change("DELETE", "?cascade=true", None, (202, 404, 409))
        self._until(lambda row: "lifecycle_state" not in row, "the row to go")
        self._tally.count(self._tally.ends, "gone")

    def _until(self, reached: Callable[[Json], bool], what: str) -> Json:
        began = time.monotonic()
        while True:
            status, row = self._call("GET", _PATH, None)
            if status in (200, 404) and reached(row):
                seconds = time.monotonic() - began
                self._tally.waited(seconds, f"{self.slug} waited for {what}")
                return row
            if time.monotonic() - began > self._patience:
                shown = {key: row.get(key) for key in ("lifecycle_state", "generation", "failure_message", "detail")}
                raise Violated(f"waited {self._patience:g} s in vain for {what}: {status} {shown}")
            time.sleep(self._poll)

    def _change(
        self, method: str, path: str, body: Any, expected: Sequence[int] = (200, 409), *, absolute: bool = False
    ) -> None:
        """Ask for a change, again while no answer comes: a 409 then says that an earlier try was carried out."""
        began = time.monotonic()
        while True:
            status, answer = self._call(method, path if absolute else _PATH + path, body)
            if status not in _AGAIN:
                break
            if time.monotonic() - began > self._patience:
                raise Violated(f"{method} {path} was answered with {status} for {self._patience:g} s: {answer}")
            time.sleep(self._poll)
        self._steps.append(f"{time.strftime('%H:%M:%S')} {method} {path} {body or ''}: {status}")
        if status not in expected:
            raise Violated(f"{method} {path} was answered with {status}: {answer}")

    def _call(self, method: str, path: str, body: Any) -> tuple[int, Json]:
        """The status and the answer; 503 for every way in which a connection can break."""
        try:
            return self._api.send(method, path, body)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            return 503, {"detail": type(error).__name__}

    def _history(self) -> str:
        """The steps so far, one a line."""
        return "\n  ".join(self._steps)

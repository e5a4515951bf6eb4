"""The fault world as a place to measure in: the real functions, whose every call is metered, and no fault.

Nothing happens by itself here: no sweep is scheduled, and a pod checks in when it comes up, when it stops, and when it
is told to. So whatever is counted belongs to the operation that is being measured.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from provider_hub.actions import drift, keys, known_rows, sweep
from provider_hub.actions.outbox import version_entry
from provider_hub.domain.catalog import StoredLock
from provider_hub.domain.cells import DEFAULT_CELL
from provider_hub.domain.dependencies import DependencyLock, LockedWheel
from provider_hub.domain.installation import Installation, LifecycleState
from provider_hub.domain.messages import VersionPublished, check_in_token
from provider_hub.domain.names import namespace_for
from provider_hub.domain.records import Topic
from provider_hub.settings.everything import AllSettings
from tests.builders import RUNTIME
from tests.faults.runtimes import Nodes, Pod
from tests.faults.world import NAME, Backend, World
from tests.simulate.metering import Meter

_KEY = b"k" * 32
_BETWEEN_SECONDS = 0.05


class _Pods(Nodes):
    """Looks at the namespaces of the present operation alone, since it would list each of hundreds at every step."""

    def look(self) -> None:
        """As the nodes; the pods of other namespaces are left as they are."""
        others = {name: pod for name, pod in self._pods.items() if pod.namespace not in self.namespaces}
        for name in others:
            del self._pods[name]
        super().look()
        self._pods |= others

    def _check_in_regularly(self, pod: Pod, *, essential: bool = False) -> None:
        if essential:
            self._publish(self._check_in(pod))

    def _check_in(self, pod: Pod, *, failed: bool = False, message: str | None = None) -> dict[str, Any]:
        named = {"instance_id": pod.name, "installation_id": pod.environment["PRAGMA_INSTALLATION_ID"]}
        return {**super()._check_in(pod, failed=failed, message=message), **named}

    def _end(self, pod: Pod) -> None:
        super()._end(pod)
        if pod.is_up:
            self._publish({**self._check_in(pod), "stopping": True})


class Stage(World):
    """One hub with a meter on it."""

    def __init__(self) -> None:
        self.meter = Meter()
        super().__init__(backend=Backend(database=lambda: self.meter.firestore))
        valid = self.nodes.valid
        self.nodes = _Pods(self.cluster, self.agenda, self._send)
        self.nodes.valid = valid

    @contextmanager
    def running(self) -> Iterator["Stage"]:
        """As the world, where check-ins of an installation come to another of many instances each time."""
        with super().running(), patch.object(known_rows, "KNOWN_FOR", timedelta(0)):
            yield self

    def set(self, **settings: Any) -> None:
        """Give the functions other settings; each starts anew at its next call. Raises KeyError for one they lack."""
        for name in settings:
            AllSettings.model_fields[name]
        self.functions.settings = self.functions.settings.model_copy(update=settings)
        self.functions.kill_all()

    def call(self, slug: str, method: str, path: str, body: Any = None) -> int:
        """As in the world, metered."""
        with self.meter.call("installations", self.injector.points):
            return super().call(slug, method, path, body)

    def asked(self, slug: str, method: str, path: str, body: Any = None) -> None:
        """A call, and all that follows from it. Raises AssertionError for a refusal."""
        self.focus(slug)
        status = self.call(slug, method, path, body)
        if not 200 <= status < 300:
            raise AssertionError(f"{method} {path} of {slug} was answered with {status}")
        self.finish()

    def settle_in(self, slug: str) -> None:
        """The organization has its row, and its place in a cell: a first install gives it that, and no later one."""
        self.asked(slug, "GET", "/providers/installed")
        key = keys.organization(f"org_{slug}")

        def place(transaction: Any) -> None:
            (organization,) = transaction.read(key)
            transaction.write(key, replace(organization, cell=DEFAULT_CELL))

        self.store.transact(place)

    def focus(self, *slugs: str) -> None:
        """Only these organizations' pods live from now on."""
        self.nodes.namespaces = {namespace_for(slug) for slug in slugs}

    def finish(self, until: Callable[[], bool] = lambda: False) -> None:
        """Let all happen that is under way, up to what `until` says; then a moment passes."""
        self.nodes.look()
        while self.agenda.essentials() and not until():
            self.agenda.step()
            self.nodes.look()
        self.clock.turn(seconds=_BETWEEN_SECONDS)

    def sweep(self) -> None:
        """One run of the sweeper, one thing after the other. Raises AssertionError where it fails."""
        with patch.object(drift, "MOST_SIDE_BY_SIDE", 1), patch.object(sweep, "MOST_SIDE_BY_SIDE", 1):
            is_done = self._deliver("sweeper", "/", b"")
        if not is_done:
            raise AssertionError("the sweeper failed: " + self.injector.script[-1])

    def installed(self, slug: str) -> Installation:
        """The row of a tenant that has one. Raises AssertionError otherwise."""
        row = self.row(slug)
        if row is None:
            raise AssertionError(f"{slug} has no installation of {NAME}")
        return row

    def ready(self, slug: str) -> Installation:
        """As `installed`, of one that is READY."""
        row = self.installed(slug)
        if row.lifecycle_state is not LifecycleState.READY:
            raise AssertionError(f"{slug} is {row.lifecycle_state} and not ready: {row.failure_message}")
        return row

    def check_in(self, slug: str, **news: Any) -> None:
        """The tenant's pod says what it said last, but for `news`."""
        row = self.ready(slug)
        pod = row.instances[0].instance_id if row.instances else "another"
        about = (row.organization_id, row.installation_id, row.generation)
        message = {
            "organization_id": row.organization_id,
            "provider": row.canonical,
            "version": row.installed_version,
            "generation": row.generation,
            "token": check_in_token(_KEY, *about),
            "health": "healthy",
            "instance_id": pod,
            "installation_id": row.installation_id,
            "active_resources": row.active_resources,
            "sent_at": self.clock().isoformat(),
            **news,
        }
        self._send(message)
        self.finish()

    def is_written_at(self, slug: str, moment: datetime) -> bool:
        """Whether a check-in of that moment is written; it says nothing new."""
        before = self.ready(slug).last_check_in_at
        self.clock.now = moment
        self.check_in(slug)
        return self.ready(slug).last_check_in_at != before

    def malformed(self) -> None:
        """A message that no consumer can read."""
        self.pubsub.put(Topic.INSTALLATION_EVENTS.value, b"nonsense", {}, "")
        self.finish()

    def relock(self, text: str) -> None:
        """The version gets another lock, as `publishing` gives it once an author asks for one."""
        wheel = LockedWheel("dep", "1.0", "dep-1.0-py3-none-any.whl", "https://files.example/dep.whl", "d" * 64, 1000)
        lock = DependencyLock.of(RUNTIME.image, (wheel,))
        now = self.clock()

        def decide(transaction: Any) -> None:
            (known,) = transaction.read(keys.version(NAME, text))
            transaction.write(keys.version(NAME, text), replace(known, lock_sha256=lock.sha256, lock_packages=1))
            # Its wheel counts as copied: there is no host here to copy it from.
            transaction.write(keys.lock(NAME, lock.sha256), replace(StoredLock.of(NAME, lock, now), mirror_due_at=None))
            told = VersionPublished(NAME.canonical, text, now, lock_sha256=lock.sha256)
            transaction.emit(version_entry(told, now))

        self.store.transact(decide)

    def _send(self, message: dict[str, Any]) -> None:
        data = json.dumps(message).encode()
        attributes = {key: str(message[key]) for key in ("provider", "installation_id", "generation")}
        self.pubsub.put(Topic.CHECK_INS.value, data, attributes, message["installation_id"])

    def _deliver(self, function: str, path: str, body: bytes) -> bool:
        pushed = len(body) if path.startswith("/projects/") else 0
        with self.meter.call(function, self.injector.points, pushed):
            return super()._deliver(function, path, body)

    def _sweep_at(self, seconds: float) -> None:
        """A sweep runs when it is asked for."""

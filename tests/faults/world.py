"""The whole system in one process under a simulated clock: functions, queues, cluster, runtimes, and its users."""

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from local_stack.callers import PUSH_ACCOUNT, SCHEDULER_ACCOUNT, TASKS_ACCOUNT
from local_stack.function_list import consumer_of, queue_servers, scheduled
from provider_hub.actions import keys
from provider_hub.actions.outbox import version_entry
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.domain.catalog import StoredLock, VersionStatus
from provider_hub.domain.dependencies import DependencyLock
from provider_hub.domain.installation import Installation, LifecycleState
from provider_hub.domain.messages import VersionPublished
from provider_hub.domain.names import ProviderName, namespace_for
from provider_hub.domain.records import Queue, Topic
from provider_hub.settings.everything import AllSettings
from tests import callers
from tests.builders import RUNTIME, provider, version
from tests.fakes import FakeClock
from tests.faults.clusters import TestCluster
from tests.faults.functions import QUEUE_URLS, Functions
from tests.faults.injection import OF_MESSAGES, Crash, Injector, Kind, Plan, Process, no_fault
from tests.faults.invariants import ClusterWatcher, Violation, Watcher, check_counts, check_objects, check_rows
from tests.faults.memory_firestore import MemoryFirestore
from tests.faults.runtimes import Nodes
from tests.faults.transport import Agenda, CloudTasks, PubSub

PROJECT = "p"
SWEEP_SECONDS = 60.0
DEPLOY_DEADLINE_SECONDS = 240.0
QUEUE_DEADLINE_SECONDS = 900.0
PAUSE_SECONDS = 20.0
LONG_PAUSE_SECONDS = DEPLOY_DEADLINE_SECONDS * 2
WHOLE_WALK = 6  # sweeps until the walks through rows and objects have seen everything once
MAX_SWEEPS = 120
HTTP_TRIES = 8
CLIENT_SECONDS = 5.0
NAME = ProviderName("platform", "weather")
VERSIONS = ("1.0.0", "1.1.0", "1.2.0", "1.3.0")
# Versions without a lock would be for the sweeper to lock, and it would ask the wheel's host, which is none.
LOCK = DependencyLock.of(RUNTIME.image, ())
LOCKED = {"requirements": (), "lock_sha256": LOCK.sha256, "lock_packages": 0}
_CONSUMERS = {topic.value: consumer_of(topic) for topic in Topic}

Step = Callable[["World"], None]


@dataclass(frozen=True)
class Backend:
    """Which database and cluster a history runs against: None is in memory, else what makes a Firestore client."""

    database: Callable[[], Any] = MemoryFirestore
    kubeconfig: str | None = None
    locks: bool = False
    project: str = PROJECT


class World:
    """Everything there is; `play` a script in it, then look at what is left."""

    def __init__(self, plan: Plan = no_fault, backend: Backend | None = None) -> None:
        backend = backend or Backend()
        self.clock = FakeClock()
        self.agenda = Agenda(self.clock)
        self.injector = Injector(plan, pause=self._pause, pauses_in_transactions=not backend.locks)
        settings = AllSettings(
            project=backend.project,
            queue_urls=QUEUE_URLS,
            check_in_keys="k" * 32,
            kubeconfig="in this process",
            artifacts_bucket="artifacts",
            push_service_account=PUSH_ACCOUNT,
            tasks_service_account=TASKS_ACCOUNT,
            scheduler_service_account=SCHEDULER_ACCOUNT,
            caller_issuer=callers.ISSUER,
            caller_jwks_url=callers.KEYS_URL,
            deploy_deadline_seconds=DEPLOY_DEADLINE_SECONDS,
            queue_deadline_seconds=QUEUE_DEADLINE_SECONDS,
            release_age_seconds=60,
            bake_seconds=60,
            wave_failures_percent=5,
        )
        database = backend.database()
        self.functions = Functions(settings, self.clock, self.injector, database)
        self.cluster = TestCluster(self.clock, backend.kubeconfig)
        self.pubsub = PubSub(self.agenda, _CONSUMERS, self._deliver)
        self.tasks = CloudTasks(
            self.agenda, {QUEUE_URLS[Queue(queue)]: server for queue, server in queue_servers().items()}, self._deliver
        )
        self.nodes = Nodes(self.cluster, self.agenda, self._check_in)
        self.functions.cluster, self.functions.pubsub = self.cluster, self.pubsub
        self.functions.tasks = self.tasks
        self.watcher = Watcher(self.nodes.valid)
        self.cluster_watcher = ClusterWatcher(self.watcher)
        self.cluster.listen(self.cluster_watcher.observe)
        self.functions.observe = self.watcher.observe
        self.store = FirestoreStore(database, settings.project, settings.database, (("authorization", "Bearer owner"),))
        self.slugs: set[str] = set()
        self._script: deque[Step] = deque()
        self._sweeps = 0
        self.points_of_script = 0
        self.pause_seconds = PAUSE_SECONDS
        self._sweep_at(SWEEP_SECONDS)

    @contextmanager
    def running(self) -> Iterator["World"]:
        """The functions are wired to this world for as long as the block lasts."""
        with self.functions.wired():
            self.put_catalog()
            yield self

    def put_catalog(self, name: ProviderName = NAME, versions: Sequence[str] = VERSIONS) -> None:
        """Versions that are published already."""

        def decide(transaction: Any) -> None:
            transaction.write(keys.provider(name), provider(name, latest_version=versions[-1]))
            transaction.write(keys.runtime_version(RUNTIME.version), RUNTIME)
            for text in versions:
                transaction.write(keys.version(name, text), version(text, name, **LOCKED))
            transaction.write(keys.lock(name, LOCK.sha256), StoredLock.of(name, LOCK, self.clock()))

        self.store.transact(decide)

    def tell(self, line: str) -> None:
        """One line of the script that a counter-example is printed as."""
        self.injector.tell(f"{self.clock():%H:%M:%S} {line}")

    def play(self, script: Sequence[Step]) -> None:
        """Do every step, then wait until the world is quiet, then check what must hold."""
        self._script.extend(script)
        while self._script:
            self._script.popleft()(self)
        self.points_of_script = len(self.injector.points)
        self.injector.plan = no_fault
        self.settle()
        self.check()

    def call(self, slug: str, method: str, path: str, body: Any = None) -> int:
        """One HTTPS call of a tenant; the status, 0 where the connection broke."""
        self._meet(slug)
        raw = b"" if body is None else json.dumps(body).encode()
        try:
            response = self.functions.call("installations", path, raw, method, {"Authorization": f"Bearer {slug}"})
        except Crash:
            return 0
        return response.status_code

    def insist(self, slug: str, method: str, path: str, body: Any = None) -> int:
        """A call that is made again until it is answered with anything but "try again"."""
        status = 0
        for _ in range(HTTP_TRIES):
            status = self.call(slug, method, path, body)
            if status not in (0, 429, 500, 503):
                break
            self.wait(CLIENT_SECONDS)
        self.tell(f"{slug} {method} {path} {body or ''}: {status}")
        return status

    def wait(self, seconds: float) -> None:
        """Let time pass, and all that happens meanwhile."""
        until = self.clock() + timedelta(seconds=seconds)
        self.nodes.look()
        while self.agenda.step(until):
            self.nodes.look()
        self.clock.now = max(self.clock.now, until)

    def wait_until(self, reached: Callable[[], bool], seconds: float) -> bool:
        """Let time pass until that is so, or so many seconds are over."""
        until = self.clock() + timedelta(seconds=seconds)
        self.nodes.look()
        while not reached():
            if not self.agenda.step(until):
                return False
            self.nodes.look()
        return True

    def row(self, slug: str, name: ProviderName = NAME) -> Installation | None:
        return self.store.get(keys.installation(f"org_{slug}", name))

    def publish(self, text: str, name: ProviderName = NAME) -> None:
        """A version is registered, as `publishing` does once it has fetched the wheel."""

        def decide(transaction: Any) -> None:
            (known,) = transaction.read(keys.provider(name))
            now = self.clock()
            transaction.write(keys.provider(name), replace(known, latest_version=text))
            transaction.write(keys.version(name, text), version(text, name, published_at=now, **LOCKED))
            transaction.emit(version_entry(VersionPublished(name.canonical, text, now), now))

        self.store.transact(decide)
        self.tell(f"{name} {text} is published")

    def yank(self, text: str, name: ProviderName = NAME) -> None:
        """The author takes a version back."""

        def decide(transaction: Any) -> None:
            transaction.write(keys.version(name, text), version(text, name, status=VersionStatus.YANKED, **LOCKED))

        self.store.transact(decide)
        self.tell(f"{name} {text} is yanked")

    def lose_row(self, row: Installation) -> None:
        """What no code of ours does: the row is gone, its objects are not."""
        self.store.delete_all([keys.installation_of(row)])
        self.watcher.rows.clear()

    def rows(self) -> list[Installation]:
        return [row for slug in sorted(self.slugs) for row in self.store.installations_of(f"org_{slug}")]

    def settle(self) -> None:
        """Until nothing is under way and a whole round of sweeps changes nothing. Raises Violation if that never is."""
        quiet_since, before = self._sweeps, self._fingerprint()
        for _ in range(MAX_SWEEPS):
            self.wait(SWEEP_SECONDS)
            now = self._fingerprint()
            if now != before or self._unfinished():
                quiet_since, before = self._sweeps, now
            if self._sweeps - quiet_since >= WHOLE_WALK:
                return
        raise Violation(f"not quiet after {MAX_SWEEPS} sweeps: {', '.join(self._unfinished()) or 'it keeps changing'}")

    def check(self) -> None:
        """Raises Violation for whatever is not as it must be in a quiet world, or was not on the way."""
        if self.watcher.seen:
            raise self.watcher.seen[0]
        rows = self.rows()
        check_rows(rows)
        check_counts(rows, self.store.installed_counts_after(None, 100))
        namespaces = {namespace_for(slug) for slug in self.slugs}
        check_objects(rows, {namespace: list(self.cluster.objects(namespace)) for namespace in namespaces})
        left = self.store.left_behind(self.clock(), 10)
        if left:
            raise Violation(f"left in the outbox: {', '.join(entry.event_id for entry in left)}")

    def outcome(self) -> dict[str, tuple[str, str, str | None]]:
        """What became of each installation, without what may differ from try to try."""
        return {
            f"{row.organization_id} {row.canonical}": (
                row.lifecycle_state.value,
                row.installed_version,
                row.current_version,
            )
            for row in self.rows()
        }

    def _fingerprint(self) -> list[Any]:
        rows = [(row.installation_id, row.generation, row.lifecycle_state, row.health) for row in self.rows()]
        return [*rows, self.cluster.version]

    def _unfinished(self) -> list[str]:
        waiting = [f"{row.canonical} {row.lifecycle_state}" for row in self.rows() if row.deadline_at is not None]
        rollouts = self.store.due_rollouts(self.clock() + timedelta(days=1), 10)
        moving = [f"rollout of {rollout.version} {rollout.state}" for rollout in rollouts]
        # Check-ins never end; who still waits for one is waiting.
        coming = [what for what in self.agenda.essentials() if not what.startswith("runtime-check-ins")]
        return [*coming, *waiting, *moving]

    def _meet(self, slug: str) -> None:
        self.slugs.add(slug)
        self.nodes.namespaces.add(namespace_for(slug))

    def _deliver(self, function: str, path: str, body: bytes) -> bool:
        try:
            status = self.functions.call(function, path, body).status_code
        except Crash:
            self.tell(f"{function} died")
            return False
        except Exception as error:  # functions-framework answers 500 then
            self.tell(f"{function} failed: {error!r}")
            return False
        self.tell(f"{function} answers {status}")
        return 200 <= status < 300

    def _sweep_at(self, seconds: float) -> None:
        self.agenda.add(seconds, "sweep", self._sweep, essential=False)

    def _sweep(self) -> None:
        self._sweep_at(SWEEP_SECONDS)
        answered = [self._deliver(function, "/", b"") for function in scheduled()]
        if all(answered):
            self._sweeps += 1

    def _check_in(self, message: dict[str, Any]) -> None:
        """A runtime publishes; its messages are transported as badly as all others."""
        process = Process(f"runtime of {message['version']}")
        kind = self.injector.met(process, "publish check-in", OF_MESSAGES)
        data = json.dumps(message).encode()
        self.pubsub.put("runtime-check-ins", data, {}, message["organization_id"], kind)

    def _pause(self, kind: Kind) -> None:
        """What the world does while one call waits: the next step of the script, or all of them, and their effects."""
        steps = len(self._script) if kind is Kind.PAUSE_LONG else min(1, len(self._script))
        for _ in range(steps):
            if self._script:
                self._script.popleft()(self)
        self.wait(LONG_PAUSE_SECONDS if kind is Kind.PAUSE_LONG else self.pause_seconds)


def install(slug: str = "acme", wanted: str = "1.0.0", **fields: Any) -> Step:
    body = {"provider_name": NAME.canonical, "version": wanted, **fields}
    return lambda world: _done(world.insist(slug, "POST", "/providers/install", body))


def change(verb: str, slug: str = "acme", **body: Any) -> Step:
    return lambda world: _done(world.insist(slug, "POST", f"/providers/installed/{NAME}/{verb}", body))


def patch(slug: str = "acme", **body: Any) -> Step:
    return lambda world: _done(world.insist(slug, "PATCH", f"/providers/installed/{NAME}", body))


def uninstall(slug: str = "acme") -> Step:
    return lambda world: _done(world.insist(slug, "DELETE", f"/providers/installed/{NAME}?cascade=true"))


def settled(slug: str = "acme", seconds: float = DEPLOY_DEADLINE_SECONDS * 3) -> Step:
    """Wait until the installation is READY, FAILED or gone."""

    def reached(world: World) -> bool:
        row = world.row(slug)
        return row is None or row.lifecycle_state in (LifecycleState.READY, LifecycleState.FAILED)

    return lambda world: _done(world.wait_until(lambda: reached(world), seconds))


def taken(slug: str = "acme") -> Step:
    """Wait until the installer has begun."""

    def reached(world: World) -> bool:
        row = world.row(slug)
        return row is None or row.lifecycle_state is not LifecycleState.PENDING

    return lambda world: _done(world.wait_until(lambda: reached(world), 30.0))


def forge_a_check_in(world: "World") -> None:
    """Somebody who does not know the token says that the installation of acme is up."""
    row = world.row("acme")
    if row is None:
        return
    message = {
        "organization_id": row.organization_id,
        "provider": row.canonical,
        "version": row.installed_version,
        "generation": row.generation,
        "token": "guessed",
    }
    world.pubsub.put("runtime-check-ins", json.dumps(message).encode(), {}, "")


def passing(seconds: float) -> Step:
    return lambda world: world.wait(seconds)


def _done(_result: object) -> None:
    """What a step came to is read from the world."""

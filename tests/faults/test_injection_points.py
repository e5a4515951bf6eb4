"""No adapter speaks to the world outside but through an injection point."""

import socket
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest

from provider_hub.actions import cluster, keys, ports
from provider_hub.actions.cluster import LogRequest
from provider_hub.actions.scheduled_calls import step_of
from provider_hub.adapters import kubernetes, pubsub, tasks
from provider_hub.adapters.firestore import store as firestore
from provider_hub.domain.provenance import Origin
from provider_hub.domain.records import OutboxEntry, Queue, Topic
from tests.builders import WEATHER, rollout, wish
from tests.fakes import START
from tests.faults.exhaustive import run
from tests.faults.histories import HISTORIES
from tests.faults.injection import Crash, Kind, Process, no_fault
from tests.faults.world import World

ROW = wish()
ROLLOUT = rollout()
ENTRY = OutboxEntry("e1", Topic.INSTALLATION_EVENTS, "k", "{}", START, {})
METADATA = {"name": "x", "namespace": "n", "annotations": {"provider-hub/installation-id": "01"}}
CONFIG_MAP = {"apiVersion": "v1", "kind": "Secret", "metadata": METADATA}
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
ROW_KEY = keys.installation_of(ROW)

Adapter = Any
STORE: dict[str, Callable[[Adapter], object]] = {
    "transact": lambda store: store.transact(lambda transaction: transaction.emit(ENTRY)),
    "change": lambda store: store.change(ROW_KEY, lambda _row, writes: writes.write(ROW_KEY, ROW)),
    "see": lambda store: store.see(ROW_KEY),
    "see_beside": lambda store: store.see_beside(ROW_KEY, keys.version(WEATHER, "1.0.0")),
    "get": lambda store: store.get(ROW_KEY),
    "get_all": lambda store: store.get_all([ROW_KEY]),
    "get_parts": lambda store: store.get_parts(Origin, [keys.version(WEATHER, "1.0.0")]),
    "delete_all": lambda store: store.delete_all([ROW_KEY]),
    "installations_of": lambda store: store.installations_of("org_acme"),
    "count_installations_of": lambda store: store.count_installations_of("org_acme"),
    "install_count": lambda store: store.install_count(WEATHER),
    "install_counts": lambda store: store.install_counts([WEATHER]),
    "version_numbers": lambda store: store.version_numbers(WEATHER),
    "lock_digests": lambda store: store.lock_digests(WEATHER),
    "versions_to_lock": lambda store: store.versions_to_lock(START, 1),
    "versions_after": lambda store: store.versions_after(None, 1),
    "locks_to_mirror": lambda store: store.locks_to_mirror(START, 1),
    "locks_after": lambda store: store.locks_after(None, 1),
    "versions_with_lock": lambda store: store.versions_with_lock(WEATHER, "a" * 64),
    "current_locks": lambda store: store.current_locks([keys.version(WEATHER, "1.0.0")]),
    "publishers_of": lambda store: store.publishers_of(WEATHER, 1),
    "publishers_of_repository": lambda store: store.publishers_of_repository("i", "r", 1),
    "count_publishers_of": lambda store: store.count_publishers_of("org_acme"),
    "count_versions_of": lambda store: store.count_versions_of(WEATHER),
    "providers_under": lambda store: store.providers_under("acme", ("public",), None, 1),
    "providers_of_distributions": lambda store: store.providers_of_distributions("acme", ("weather",), ("public",), 1),
    "listed_versions": lambda store: store.listed_versions(WEATHER, None, 1),
    "count_providers_under": lambda store: store.count_providers_under("acme"),
    "version_statuses": lambda store: store.version_statuses(WEATHER),
    "newest_runtimes": lambda store: store.newest_runtimes(1),
    "find_providers": lambda store: store.find_providers(("public",), None, 1, 0),
    "dead_letters_of": lambda store: store.dead_letters_of("org_acme", None, 1),
    "audit_entries": lambda store: store.audit_entries("org_acme", None, None, None, 1),
    "count_auto_installations": lambda store: store.count_auto_installations(WEATHER, None),
    "auto_installations": lambda store: store.auto_installations(WEATHER, None, None, 1),
    "rollouts_of": lambda store: store.rollouts_of(WEATHER, 1),
    "started_members": lambda store: store.started_members(WEATHER, "1.0.0", 1),
    "wave_members": lambda store: store.wave_members(WEATHER, "1.0.0", 1, 1),
    "due_offers": lambda store: store.due_offers(START, 1),
    "due_rollouts": lambda store: store.due_rollouts(START, 1),
    "interrupted_deletions": lambda store: store.interrupted_deletions(START, 1),
    "installations_after": lambda store: store.installations_after(None, 1),
    "installed_counts_after": lambda store: store.installed_counts_after(None, 1),
    "overdue": lambda store: store.overdue(START, 1),
    "silent": lambda store: store.silent(START, 1, 1),
    "left_behind": lambda store: store.left_behind(START, 1),
}
TOPICS: dict[str, Callable[[Adapter], object]] = {"publish": lambda topics: topics.publish(ENTRY)}
TASKS: dict[str, Callable[[Adapter], object]] = {
    "schedule": lambda queues: queues.schedule(step_of(ROLLOUT)),
    "cancel": lambda queues: queues.cancel(Queue.DEADLINES, "01"),
}
CLUSTER: dict[str, Callable[[Adapter], object]] = {
    "ensure_namespace": lambda cluster: cluster.ensure_namespace([NAMESPACE]),
    "apply": lambda cluster: cluster.apply([CONFIG_MAP]),
    "prune": lambda cluster: cluster.prune("n", "01", frozenset({1})),
    "remove": lambda cluster: cluster.remove("n", "01"),
    "status": lambda cluster: cluster.status("n", "x", "01"),
    "object_owners": lambda cluster: cluster.object_owners(None, 1),
    "pods": lambda cluster: cluster.pods("n", "01"),
    "read_logs": lambda cluster: cluster.read_logs("n", [LogRequest("p")]),
}
PORTS = {"Store": STORE, "Topics": TOPICS, "Tasks": TASKS, "Cluster": CLUSTER}
CALLS = [(port, method) for port, methods in PORTS.items() for method in methods]


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    with made.running():
        yield made


def adapter(world: World, port: str, process: Process) -> Adapter:
    """The adapter as a function's process gets it."""
    world.functions._calling.append(process)
    settings = world.functions.settings
    connect: dict[str, Callable[[], Adapter]] = {
        "Store": lambda: firestore.connect(settings.project, settings.database),
        "Topics": lambda: pubsub.connect(settings.project, {Topic.INSTALLATION_EVENTS: "installation-events"}),
        "Tasks": lambda: tasks.connect(settings),
        "Cluster": lambda: kubernetes.connect(settings).of(ROW),
    }
    return connect[port]()


@pytest.mark.parametrize("port", PORTS)
def test_every_method_of_a_port_is_driven_here(port: str) -> None:
    module = cluster if port == "Cluster" else ports
    protocols = [part for part in getattr(module, port).__mro__ if part.__module__ == module.__name__]
    methods = {name for part in protocols for name in vars(part) if not name.startswith("_")}
    assert methods == set(PORTS[port]), "a new method of a port: call it here, so that its faults are tried"


@pytest.mark.parametrize(("port", "method"), CALLS)
def test_a_call_of_an_adapter_is_an_injection_point(world: World, port: str, method: str) -> None:
    process = Process("test")
    made = adapter(world, port, process)
    world.injector.plan = lambda _point: Kind.CRASH_BEFORE
    with pytest.raises(Crash):
        PORTS[port][method](made)
    assert process.dead
    assert world.injector.points


def test_a_dead_process_does_no_more(world: World) -> None:
    process = Process("test", dead=True)
    for port, methods in PORTS.items():
        made = adapter(world, port, process)
        for call in methods.values():
            with pytest.raises(Crash):
                call(made)
    assert not world.injector.points


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.name.replace(" ", "-"))
def test_a_history_opens_no_connection_that_could_fail_unseen(history: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: socket.socket, address: object) -> NoReturn:
        raise AssertionError(f"something connects to {address} past the injection points")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert run(history, no_fault).injector.points

"""Several slices of a sweep side by side: every row has its turn, a killed or late sweep is gone on with."""

import threading
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from tests import builders
from tests.builders import CLOUD, WEATHER, revision, version, wish
from tests.fakes import START, FakeClock, FakeCluster, only
from tests.faults.memory_firestore import MemoryFirestore
from tests.unit.walks import DEADLINES

from provider_hub.actions import keys, walks
from provider_hub.actions.cluster import ObjectOwner
from provider_hub.actions.desired_state import DesiredStates
from provider_hub.actions.drift import OBJECTS, OBJECTS_A_SLICE, ROWS, ROWS_A_SLICE, WALK_SHARE, Drift
from provider_hub.actions.outbox import Outbox
from provider_hub.actions.services import Services
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.domain.catalog import StoredLock
from provider_hub.domain.installation import Installation, LifecycleState
from provider_hub.domain.installation.silence import watch_of
from provider_hub.domain.manifests import LOCK, RuntimeFacts
from provider_hub.domain.records import Cursor
from provider_hub.domain.runtimes import RuntimeVersion

FACTS = RuntimeFacts("runtime:1", "projects/p/topics/t", "http://pubsub", 300, "", 600, 400)
RUNTIME: RuntimeVersion = builders.RUNTIME


class Visited(FakeCluster):
    """Remembers which organizations' objects were applied; `on_apply` is called with each."""

    def __init__(self) -> None:
        super().__init__()
        self.visits: list[str] = []
        self.on_apply: Any = lambda _namespace: None
        self.pages: list[list[ObjectOwner]] = []
        self.read_pages: list[str | None] = []

    def apply(self, manifests: Sequence[Any]) -> list[str]:
        namespace = manifests[0]["metadata"]["namespace"]
        self.visits.append(namespace)
        self.on_apply(namespace)
        return []

    def ensure_namespace(self, manifests: Sequence[Any]) -> list[str]:
        return []

    def object_owners(self, place: str | None, limit: int) -> tuple[list[ObjectOwner], str | None]:
        assert limit == OBJECTS_A_SLICE
        self.read_pages.append(place)
        number = int(place or 0)
        return self.pages[number], str(number + 1) if number + 1 < len(self.pages) else None


class Walked:
    """So many READY rows, each of an organization of its own, and the walk through them."""

    def __init__(self, rows: int, slices: int) -> None:
        self.clock = FakeClock()
        self.store = FirestoreStore(MemoryFirestore(), "p", "(default)")  # type: ignore[arg-type]
        self.cluster = Visited()
        services: Any = Services(
            store=self.store,
            outbox=Outbox(self.store, None),  # type: ignore[arg-type]
            clock=self.clock,
            new_id=str,
            deadlines=DEADLINES,
        )
        self.drift = Drift(services, only(self.cluster), DesiredStates(self.store, FACTS, b"key"), slices)
        self.names = [f"org-{number:04}" for number in range(rows)]
        self._put(keys.version(WEATHER, "1.0.0"), version("1.0.0"))
        self._put(keys.runtime_version(RUNTIME.version), RUNTIME)
        for walk in (ROWS, OBJECTS):
            walks.go_on(self.store, Cursor(walk, None))
        for name in self.names:
            row = row_of(name)
            self._put(keys.installation_of(row), row)

    def _put(self, key: Any, record: Any) -> None:
        self.store.transact(lambda transaction: transaction.write(key, record))

    @property
    def place(self) -> str | None:
        return walks.reached(self.store, ROWS).place


def row_of(name: str) -> Installation:
    row = wish(
        organization_id=name.replace("-", "_"),
        organization_slug=name.removeprefix("org-"),
        installation_id=f"01{name[-4:]}",
        lifecycle_state=LifecycleState.READY,
        last_check_in_at=START,
    )
    return replace(row, **watch_of(row, START, DEADLINES))


def test_what_pods_are_given_of_a_lock_is_what_their_own_providers_was_packed_into() -> None:
    """The same text in two providers, packed by two releases of zlib; neither's Secret ever changes."""
    store, digest = FirestoreStore(MemoryFirestore(), "p", "(default)"), "c" * 64  # type: ignore[arg-type]
    packed = {WEATHER: "earlier", CLOUD: "later"}
    records = [
        (keys.lock(name, digest), StoredLock(name.prefix, name.name, digest, "", packed[name], START))
        for name in packed
    ]
    for key, record in (*records, (keys.runtime_version(RUNTIME.version), RUNTIME)):
        store.transact(lambda transaction, key=key, record=record: transaction.write(key, record))
    states = DesiredStates(store, FACTS, b"key")
    for name, given in packed.items():
        row = wish(prefix=name.prefix, name=name.name, revision=revision(lock_sha256=digest))
        objects = states.of(row, version(name=name)).installation
        (secret,) = (manifest for manifest in objects if manifest["kind"] == "Secret")
        assert b64decode(secret["data"][LOCK]).decode() == given


@pytest.mark.parametrize("slices", [1, 3, 8])
def test_every_row_has_its_turn_once_a_round(slices: int) -> None:
    walked = Walked(ROWS_A_SLICE * 5 + 3, slices)
    for sweep in count(1):
        walked.drift.repair_slices()
        if walked.place is None:
            break
        assert len(walked.cluster.visits) == sweep * slices * ROWS_A_SLICE
    assert sorted(walked.cluster.visits) == walked.names


def test_rows_are_compared_side_by_side() -> None:
    walked = Walked(32, slices=16)
    together = threading.Barrier(16, timeout=10)
    walked.cluster.on_apply = lambda _namespace: together.wait()
    walked.drift.repair_slices()
    assert sorted(walked.cluster.visits) == walked.names


@pytest.mark.parametrize("slices", [1, 4])
def test_a_sweep_whose_time_is_up_leaves_the_rest_to_the_next_one(slices: int) -> None:
    walked = Walked(ROWS_A_SLICE, slices)
    one_at_a_time = threading.Lock()

    def take_long(_namespace: str) -> None:
        with one_at_a_time:
            walked.clock.turn(seconds=WALK_SHARE.total_seconds() / 7)

    walked.cluster.on_apply = take_long
    for _ in range(10):
        before = len(walked.cluster.visits)
        walked.drift.repair_slices()
        assert 7 <= len(walked.cluster.visits) - before <= 7 + slices or walked.place is None
        if walked.place is None:
            break
    assert sorted(walked.cluster.visits) == walked.names


def test_a_killed_sweep_is_gone_on_with_where_the_one_before_stopped() -> None:
    walked = Walked(ROWS_A_SLICE * 4, slices=2)
    walked.drift.repair_slices()
    stopped = walked.place
    walked.cluster.visits.clear()

    def killed(namespace: str) -> None:
        if namespace == walked.names[ROWS_A_SLICE * 3]:
            raise SystemExit

    walked.cluster.on_apply = killed
    with pytest.raises(SystemExit):
        walked.drift.repair_slices()
    assert walked.place == stopped
    walked.cluster.on_apply = lambda _namespace: None
    walked.drift.repair_slices()
    assert set(walked.cluster.visits) == set(walked.names[ROWS_A_SLICE * 2 :])


def test_one_row_that_cannot_be_looked_at_keeps_none_of_the_others_waiting() -> None:
    walked = Walked(ROWS_A_SLICE * 2, slices=2)

    def fail(namespace: str) -> None:
        if namespace == walked.names[3]:
            raise ValueError("nobody thought of this")

    walked.cluster.on_apply = fail
    with pytest.raises(ValueError, match="nobody thought of this"):
        walked.drift.repair_slices()
    assert sorted(walked.cluster.visits) == walked.names
    assert walked.place == keys.installation_of(row_of(walked.names[-1])).place


def test_two_sweeps_at_the_same_time_look_at_the_same_rows_and_skip_none() -> None:
    walked = Walked(ROWS_A_SLICE * 4, slices=2)
    sweeps = [threading.Thread(target=walked.drift.repair_slices) for _ in range(2)]
    for sweep in sweeps:
        sweep.start()
    for sweep in sweeps:
        sweep.join()
    visited = set(walked.cluster.visits)
    assert walked.place in {keys.installation_of(row_of(walked.names[at])).place for at in (39, 79)}
    assert visited == set(walked.names[: len(visited)])


def owners(names: Sequence[str]) -> list[ObjectOwner]:
    return [ObjectOwner(name, name.replace("-", "_"), "acme/weather", f"01{name[-4:]}") for name in names]


def orphans(count: int) -> list[ObjectOwner]:
    return owners([f"org-9{number:03}" for number in range(count)])


def test_a_sweep_reads_as_many_slices_of_objects_as_it_may_and_begins_anew_at_the_end() -> None:
    walked = Walked(4, slices=3)
    walked.cluster.pages = [owners([name]) for name in walked.names]
    assert [walked.drift.remove_orphans() for _ in range(2)] == [0, 0]
    assert walked.cluster.read_pages == [None, "1", "2", "3"]
    assert walks.reached(walked.store, OBJECTS).place is None


def test_a_sweep_removes_the_orphans_of_one_slice_however_many_slices_it_reads() -> None:
    walked = Walked(8, slices=5)
    walked.cluster.pages = [owners(walked.names), *([*owners(walked.names), *orphans(2)] for _ in range(3))]
    assert walked.drift.remove_orphans() == 2
    assert walked.cluster.read_pages == [None, "1"]


def test_a_slice_that_has_too_many_orphans_stops_the_walk_and_keeps_its_place() -> None:
    walked = Walked(8, slices=5)
    walked.cluster.pages = [owners(walked.names), [*owners(walked.names[:4]), *orphans(5)], owners(walked.names)]
    for _ in range(3):
        assert walked.drift.remove_orphans() == 0
        assert walks.reached(walked.store, OBJECTS).place == "1"
    assert walked.cluster.read_pages == [None, "1", "1", "1"]


def test_a_walk_takes_less_than_a_day_through_a_million_installations_at_the_slices_that_are_documented() -> None:
    """Five objects each: a Deployment, a Secret, a Service, a ServiceAccount, and a PodDisruptionBudget at most."""
    slices = 40
    assert timedelta(minutes=1_000_000 / (slices * ROWS_A_SLICE)) < timedelta(days=1)
    assert timedelta(minutes=5_000_000 / (slices * OBJECTS_A_SLICE)) < timedelta(days=1)

"""A check-in that changes a row which its process knows: what it costs, and what it does where the row was written."""

from dataclasses import replace
from typing import Any

import grpc
import pytest
from tests.builders import wish
from tests.integration.backend import Backend
from tests.integration.one_tenant import World

from provider_hub.actions import keys
from provider_hub.actions.ports import Overtaken, Reading, Writes
from provider_hub.domain.installation import Health, Installation, LifecycleState

ROW, KEY = wish(), keys.installation_of(wish())


def degraded(row: Installation) -> Installation:
    """The row as another process may have left it."""
    return replace(row, health=Health.DEGRADED, active_resources=2)


@pytest.fixture
def world(backend: Backend) -> World:
    """One ready provider, whose row the registration has seen."""
    world = World(backend)
    world.make_ready()
    named(world)
    world.backend.rpcs.calls.clear()
    return world


def named(world: World, **said: Any) -> str:
    """A check-in that names its installation, as every runtime of today does."""
    return world.check_in(installation_id=world.row.installation_id, **said)


def calls(world: World) -> list[str]:
    """What the check-in itself called: the world reads the row first, to know what the runtime knows of itself."""
    return [name for name in world.backend.rpcs.names() if name != "BatchGetDocuments"]


def test_each_that_is_written_costs_one_commit_alone(world: World) -> None:
    for resources in (1, 2, 3):
        assert named(world, active_resources=resources) == "changed"
        assert world.row.active_resources == resources
    assert calls(world) == ["Commit"] * 3


def test_one_that_says_nothing_new_of_the_known_row_is_decided_on_a_read(world: World) -> None:
    world.backend.put(keys.installation_of(world.row), degraded(world.row))
    assert named(world) == "changed"
    assert world.row.health is Health.HEALTHY
    assert calls(world)[-2:] == ["GetDocument", "Commit"]


def test_one_that_an_uninstall_has_overtaken_is_decided_on_a_read_and_changes_nothing(world: World) -> None:
    generation = world.row.generation
    world.uninstall()
    world.backend.rpcs.calls.clear()
    told = f"of generation {generation}, and the row is of {world.row.generation}"
    assert named(world, health=Health.DEGRADED, generation=generation) == told
    assert calls(world) == ["Commit", "GetDocument"]
    assert (world.row.lifecycle_state, world.row.health) == (LifecycleState.DELETING, Health.HEALTHY)


def test_one_whose_first_call_meets_a_dead_connection_is_decided_on_a_read(world: World) -> None:
    world.backend.rpcs.fail("Commit", grpc.StatusCode.UNAVAILABLE, times=1)
    assert named(world, health=Health.DEGRADED) == "changed"
    assert world.row.health is Health.DEGRADED


def test_a_failure_is_decided_on_a_read(world: World) -> None:
    assert named(world, failed=True, message="it broke") == "changed"
    assert calls(world) == ["GetDocument", "Commit"]


def test_one_whose_answer_was_lost_is_known_no_more(world: World) -> None:
    world.backend.rpcs.lose_answers("Commit", grpc.StatusCode.UNAVAILABLE, times=1)
    assert named(world, health=Health.DEGRADED) == "changed"
    world.backend.rpcs.calls.clear()
    assert named(world, health=Health.HEALTHY) == "changed"
    assert calls(world) == ["GetDocument", "Commit"]


@pytest.mark.parametrize("before", [ROW, None])
def test_a_change_leaves_what_a_read_would_find(backend: Backend, before: Installation | None) -> None:
    if before:
        backend.put(KEY, before)
    reading: Reading[Installation] = Reading()
    backend.store.change(KEY, lambda _found, writes: writes.write(KEY, degraded(ROW)), reading)
    found = backend.store.see(KEY)
    assert reading.seen
    assert reading.seen.record == found.record
    assert reading.seen.stored.fields == found.stored.fields
    assert reading.seen.stored.update_time == found.stored.update_time


def test_a_change_that_writes_nothing_leaves_what_was_seen(backend: Backend) -> None:
    backend.put(KEY, ROW)
    seen = backend.store.see(KEY)
    reading = Reading(seen)
    backend.store.change(KEY, lambda _found, _writes: None, reading)
    assert reading.seen is seen


def test_a_change_that_deletes_leaves_nothing(backend: Backend) -> None:
    backend.put(KEY, ROW)
    reading: Reading[Installation] = Reading()
    backend.store.change(KEY, lambda _found, writes: writes.delete(KEY), reading)
    assert reading.seen is None


def test_what_may_be_old_and_is_old_is_not_decided_again(backend: Backend) -> None:
    backend.put(KEY, ROW)
    reading = Reading(backend.store.see(KEY), may_be_old=True)
    backend.put(KEY, degraded(ROW))

    def decide(_found: Installation | None, writes: Writes) -> None:
        writes.write(KEY, ROW)

    with pytest.raises(Overtaken):
        backend.store.change(KEY, decide, reading)
    assert reading.seen is None
    assert backend.store.get(KEY) == degraded(ROW)

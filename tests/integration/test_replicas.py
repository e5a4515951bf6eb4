"""An installation with several pods: what one of them reports hides nothing of what another does."""

from datetime import timedelta

import pytest
from tests.integration.backend import DEADLINES, Backend
from tests.integration.one_tenant import World

from provider_hub.domain.errors import Conflict
from provider_hub.domain.installation import Health, LifecycleState


@pytest.fixture
def world(backend: Backend) -> World:
    return World(backend)


def test_an_uninstall_is_refused_while_any_pod_manages_resources(world: World) -> None:
    world.make_ready()
    world.check_in(instance_id="a", active_resources=5)
    world.check_in(instance_id="b", active_resources=0)
    with pytest.raises(Conflict, match="still manages 5 resources"):
        world.uninstall()
    world.check_in(instance_id="a", active_resources=0)
    world.uninstall()
    assert world.row.lifecycle_state is LifecycleState.DELETING


def test_a_degraded_pod_keeps_the_installation_degraded_however_well_the_others_are(world: World) -> None:
    world.make_ready()
    world.check_in(instance_id="a", health=Health.DEGRADED, message="no disk")
    world.check_in(instance_id="b")
    world.check_in(instance_id="b")
    assert (world.row.health, world.row.health_message) == (Health.DEGRADED, "no disk")


def test_a_pod_that_stops_takes_its_resources_with_it(world: World) -> None:
    world.make_ready()
    world.check_in(instance_id="a", active_resources=5)
    world.check_in(instance_id="b", active_resources=1)
    assert world.check_in(instance_id="a", stopping=True) == "changed"
    assert world.row.active_resources == 1


def test_a_process_that_stopped_before_the_one_in_its_pod_started_takes_nothing_with_it(world: World) -> None:
    world.make_ready()
    now = world.backend.clock()
    world.check_in(instance_id="a", active_resources=5, sent_at=now)
    world.check_in(instance_id="b")
    late = world.check_in(instance_id="a", stopping=True, sent_at=now - timedelta(seconds=20))
    assert late == "older than what its pod sent before"
    assert world.row.active_resources == 5


def test_a_pod_that_vanished_without_a_word_is_forgotten_after_the_silence_interval(world: World) -> None:
    world.make_ready()
    world.check_in(instance_id="a", active_resources=5)
    world.check_in(instance_id="b")
    world.backend.clock.turn(seconds=DEADLINES.silence.total_seconds())
    world.check_in(instance_id="b")
    assert (world.row.active_resources, world.row.health) == (0, Health.HEALTHY)
    world.uninstall()

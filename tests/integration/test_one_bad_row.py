"""What one row, one object or one rollout does wrong costs a log line: the others are swept all the same."""

import logging
from dataclasses import replace
from typing import Any

import pytest
from tests.builders import WEATHER, rollout
from tests.fakes import FakeCluster, only
from tests.integration.backend import Backend
from tests.integration.one_tenant import World

from provider_hub.actions import keys
from provider_hub.actions.cluster import ObjectOwner
from provider_hub.actions.dead_letters import Delivery, note_failure
from provider_hub.actions.inspect import deployment_status
from provider_hub.domain.deployment import DeploymentStatus
from provider_hub.domain.installation import LifecycleState
from provider_hub.domain.records import Topic
from provider_hub.domain.rollout import RolloutState


@pytest.fixture
def world(backend: Backend) -> World:
    return World(backend)


class NonsenseCluster(FakeCluster):
    """Reading or removing what belongs to org_bad meets something that no code expected."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.removed: list[tuple[str, str]] = []

    def apply(self, manifests: Any) -> list[str]:
        _refuse(manifests[0]["metadata"]["namespace"])
        return super().apply(manifests)

    def remove(self, namespace: str, installation_id: str) -> list[str]:
        _refuse(namespace)
        self.removed.append((namespace, installation_id))
        return super().remove(namespace, installation_id)


def _refuse(namespace: str) -> None:
    if namespace == "org-aaa-bad":
        raise ValueError("invalid literal for int() with base 10: '²'")


def put_bad_row(world: World, **changes: Any) -> None:
    """A row that every walk meets first."""
    bad = replace(world.row, organization_id="org_aaa_bad", organization_slug="aaa-bad", installation_id="01BAD")
    world.backend.put(keys.installation("org_aaa_bad", WEATHER), replace(bad, **changes))


def nonsense_in(world: World) -> NonsenseCluster:
    cluster = NonsenseCluster(objects=world.cluster.objects, namespaces=world.cluster.namespaces)
    clusters = only(cluster)
    drift = replace(world.sweeper.drift, clusters=clusters)
    world.sweeper = replace(world.sweeper, drift=drift, expiry=replace(world.sweeper.expiry, clusters=clusters))
    return cluster


def test_an_object_that_cannot_be_read_keeps_no_other_row_from_its_repair(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.make_ready()
    put_bad_row(world)
    cluster = nonsense_in(world)
    cluster.objects.clear()
    with caplog.at_level(logging.ERROR):
        swept = world.sweeper.sweep()
    assert swept.failed == ("repairs",)
    assert cluster.kinds() == ["Deployment", "Secret", "Service", "ServiceAccount"]
    assert "01BAD cannot be swept" in caplog.text


def test_an_orphan_that_cannot_be_removed_keeps_no_other_one(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world.make_ready()
    cluster = nonsense_in(world)
    owners = [ObjectOwner(f"org-{slug}", "org_x", "acme/weather", f"01{slug}") for slug in ("aaa-bad", "b")]
    monkeypatch.setattr(cluster, "object_owners", lambda _place, _limit: (owners, None))
    with caplog.at_level(logging.ERROR):
        assert world.sweeper.sweep().failed == ("orphans",)
    assert "01aaa-bad cannot be swept" in caplog.text
    assert ("org-b", "01b") in cluster.removed


def test_a_row_that_cannot_expire_keeps_no_other_one_waiting(world: World) -> None:
    world.installer.handle(world.install())
    put_bad_row(world)
    cluster = nonsense_in(world)
    cluster.status = lambda namespace, _name, _id: _refuse(namespace)  # type: ignore[method-assign]
    world.backend.clock.turn(minutes=10)
    assert world.sweeper.sweep().failed == ("deadlines",)
    assert world.row.lifecycle_state is LifecycleState.FAILED


def test_a_rollout_that_cannot_take_its_step_keeps_no_other_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    due = world.backend.clock()
    for version in ("1.5.0", "2.0.0"):
        made = rollout(version, state=RolloutState.WAITING, due_at=due)
        world.backend.put(keys.rollout(WEATHER, version), made)
    take = type(world.sweeper.waves).take_step

    def take_step(waves: Any, of: Any) -> str:
        if of.version == "1.5.0":
            raise ValueError("nonsense")
        return take(waves, of)

    monkeypatch.setattr(type(world.sweeper.waves), "take_step", take_step)
    world.backend.clock.turn(minutes=3)
    assert world.sweeper.sweep().failed == ("rollout steps",)
    moved = world.backend.store.get(keys.rollout(WEATHER, "2.0.0"))
    assert moved
    assert moved.state is RolloutState.RUNNING


def test_a_deployment_that_somebody_deletes_before_it_is_ready_is_told(world: World) -> None:
    world.installer.handle(world.install())
    world.cluster.shown = None
    shown = deployment_status(only(world.cluster), world.row)
    assert (shown.status, shown.healthy) == ("pending", False)
    assert "somebody deleted the Deployment: deploy again" in str(shown.message)


def test_an_upgrade_that_a_quota_kept_out_names_the_quota_and_blames_no_version(
    world: World,
) -> None:
    world.make_ready()
    world.installer.handle(world.upgrade())
    world.cluster.shown = DeploymentStatus(1, "p", "available", 1, 1, "1.0.0", "i", None, None, healthy=True)
    reason = "the cluster refused to POST secrets (403): exceeded quota: q"
    delivery = Delivery(Topic.INSTALLATION_EVENTS, f"{world.row.installation_id}-2", "", "", "{}", attempt=3)
    note_failure(world.backend.services, delivery, reason)
    world.backend.clock.turn(minutes=10)
    world.deadline()
    assert world.row.failure_message == (
        f"2.0.0 failed: the deadline passed, and the cluster did not take 2.0.0: {reason}; restored 1.0.0"
    )
    assert world.row.failed_versions == ()


def test_an_upgrade_under_way_says_how_many_replicas_are_updated(world: World) -> None:
    world.make_ready()
    shown = DeploymentStatus(1, "p", "progressing", 1, 1, "1.0.0", "i", None, None, healthy=False, progress="1 of 2 …")
    world.cluster.shown = shown
    assert deployment_status(only(world.cluster), world.row).message == "1 of 2 …"
    world.cluster.shown = replace(shown, message="ImportError: x")
    assert deployment_status(only(world.cluster), world.row).message == "ImportError: x"

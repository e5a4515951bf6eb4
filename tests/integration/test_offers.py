"""Versions that an installation is offered after their rollout has passed it by."""

from dataclasses import replace

import pytest
from tests.fakes import START, FakeCluster
from tests.integration.actors import sweeper_over
from tests.integration.backend import Backend
from tests.integration.rolling_out import NAME, World

from provider_hub.actions import keys
from provider_hub.actions.change import change_settings
from provider_hub.actions.offer import OFFER_AGAIN, offer_when_due
from provider_hub.actions.steps import apply_event
from provider_hub.actions.wishes.installations import SettingsWish
from provider_hub.domain.attestations import PUBLISH
from provider_hub.domain.installation import (
    WAIT_AFTER_DEADLINE,
    CheckedIn,
    DeadlinePassed,
    Health,
    Installation,
    LifecycleState,
    Outcome,
    ResourceTier,
    Revision,
    Taken,
    Trigger,
    UpgradePolicy,
)
from provider_hub.domain.organizations import Organization
from provider_hub.domain.provenance import ProvenancePolicy, ProvenanceRule
from provider_hub.domain.publishers.records import PublishedBy, PublisherKind
from provider_hub.domain.records import Topic
from provider_hub.domain.rollout import RolloutState

MANUAL = Organization("org_manual", "Manual", "manual", "active", START, START)
TAKE_AUTO = SettingsWish(upgrade_policy=UpgradePolicy.AUTO)


def switched(world: World) -> Installation:
    return change_settings(world.waves.services, MANUAL, NAME, TAKE_AUTO, "user_1").row


def test_switching_to_auto_after_a_rollout_is_done_upgrades_at_once(backend: Backend) -> None:
    world = World(backend, installations=1)
    world.put("org_manual", upgrade_policy=UpgradePolicy.MANUAL)
    world.waves.begin(world.publish("1.1.0"))
    assert world.run("1.1.0").state is RolloutState.DONE
    row = switched(world)
    assert (row.installed_version, row.lifecycle_state) == ("1.1.0", LifecycleState.PENDING)
    assert row.timeline[-1].reason == "1.0.0 to 1.1.0, which its policy takes"
    assert backend.topics.pull(Topic.INSTALLATION_EVENTS, wanted=2)


def test_switching_to_auto_does_not_jump_a_rollout_that_was_halted(backend: Backend) -> None:
    world = World(backend, installations=20)
    world.put("org_manual", upgrade_policy=UpgradePolicy.MANUAL)
    world.waves.begin(world.publish("1.1.0"))
    assert world.run("1.1.0", well=False).state is RolloutState.HALTED
    assert switched(world).installed_version == "1.0.0"


def test_switching_to_auto_with_a_config_that_the_latest_refuses_keeps_the_policy_and_says_why(
    backend: Backend,
) -> None:
    world = World(backend, installations=1)
    config = {"PORT": "no number"}
    world.put("org_manual", upgrade_policy=UpgradePolicy.MANUAL, revision=Revision("1.0.0", ResourceTier.FREE, config))
    event = world.publish("1.1.0")
    key = keys.version(NAME, "1.1.0")
    stored = backend.store.get(key)
    assert stored
    backend.put(key, replace(stored, config_schema='{"properties": {"PORT": {"type": "integer"}}}'))
    world.waves.begin(event)
    world.run("1.1.0")
    row = switched(world)
    assert (row.installed_version, row.upgrade_policy) == ("1.0.0", UpgradePolicy.AUTO)
    assert row.timeline[-1].event is Trigger.SKIPPED


def attested(world: World, text: str) -> None:
    by = PublishedBy("publisher_1", PublisherKind.TRUSTED_PUBLISHER, issuer="https://ci", repository="acme/weather")
    key = keys.version(NAME, text)
    stored = world.backend.store.get(key)
    assert stored
    world.backend.put(key, replace(stored, published_by=by, attestations=(PUBLISH,)))


TRUSTED = ProvenancePolicy("org_manual", ProvenanceRule("https://ci", "acme/*"), (), START, "user_1")


@pytest.mark.parametrize(
    ("has_attested", "version", "event"), [(True, "1.1.0", Trigger.CHANGE), (False, "1.0.0", Trigger.SKIPPED)]
)
def test_the_newest_version_that_comes_from_where_the_organization_requires_is_offered(
    backend: Backend, has_attested: bool, version: str, event: Trigger
) -> None:
    world = World(backend, installations=1)
    (lock,) = backend.store.current_locks([keys.version(NAME, "1.0.0")])
    revision = Revision("1.0.0", ResourceTier.FREE, {}, lock_sha256=lock)
    world.put("org_manual", upgrade_policy=UpgradePolicy.MANUAL, revision=revision)
    backend.put(keys.provenance_policy("org_manual"), TRUSTED)
    for text in ("1.1.0", "1.2.0"):
        world.waves.begin(world.publish(text))
        assert world.run(text).state is RolloutState.DONE
    if has_attested:
        attested(world, "1.1.0")
    row = switched(world)
    assert (row.installed_version, row.timeline[-1].event) == (version, event)


def sweep(world: World, minutes: float = 0) -> None:
    world.backend.clock.turn(minutes=minutes)
    sweeper_over(world.backend, FakeCluster(), world.tasks).sweep()


def row_of(world: World, organization_id: str) -> Installation:
    found = world.backend.store.get(keys.installation(organization_id, NAME))
    assert found
    return found


def now_ready(world: World, organization_id: str) -> None:
    """Its runtime checks in."""
    row = row_of(world, organization_id)
    event = CheckedIn(row.installation_id, row.generation, row.installed_version, Health.HEALTHY)
    apply_event(world.backend.services, row, event)


@pytest.mark.parametrize("state", [LifecycleState.PENDING, LifecycleState.PROCESSING, LifecycleState.FAILED])
def test_an_installation_that_was_not_ready_during_the_rollout_is_upgraded_once_it_is(
    backend: Backend, state: LifecycleState
) -> None:
    world = World(backend, installations=3)
    world.put("org_late", lifecycle_state=state, failed_by_deadline=state is LifecycleState.FAILED)
    world.waves.begin(world.publish("1.1.0"))
    for _ in range(60):  # like World.run, but nothing checks in for the late one
        if world.rollout("1.1.0").due_at is None:
            break
        world.step("1.1.0")
        for organization_id in world.on("1.1.0"):
            world.put(organization_id, revision=row_of(world, organization_id).revision, generation=2)
    assert world.rollout("1.1.0").state is RolloutState.DONE
    assert row_of(world, "org_late").installed_version == "1.0.0"
    now_ready(world, "org_late")
    sweep(world)
    late = row_of(world, "org_late")
    assert (late.installed_version, late.lifecycle_state) == ("1.1.0", LifecycleState.PENDING)
    assert late.timeline[-1].reason == "1.0.0 to 1.1.0, which its policy takes"
    assert late.offer_due_at is None


def test_an_installation_that_becomes_ready_during_the_rollout_jumps_no_wave(backend: Backend) -> None:
    world = World(backend, installations=20)
    world.put("org_000", lifecycle_state=LifecycleState.PENDING)
    world.waves.begin(world.publish("1.1.0"))
    while (rollout := world.rollout("1.1.0")).state is not RolloutState.BAKING:
        world.step("1.1.0")
        for organization_id in world.on("1.1.0"):
            world.put(organization_id, revision=row_of(world, organization_id).revision, generation=2)
    assert rollout.cursor
    now_ready(world, "org_000")
    sweep(world)
    waiting = row_of(world, "org_000")
    assert (waiting.installed_version, waiting.lifecycle_state) == ("1.0.0", LifecycleState.READY)
    assert waiting.offer_due_at == backend.clock() + OFFER_AGAIN
    assert world.run("1.1.0").state is RolloutState.DONE
    backend.clock.now = max(backend.clock(), waiting.offer_due_at)
    sweep(world)
    assert row_of(world, "org_000").installed_version == "1.1.0"


def test_switching_to_auto_behind_the_cursor_of_a_rollout_under_way_is_not_forgotten(backend: Backend) -> None:
    world = World(backend, installations=20)
    world.put("org_000", organization_slug="000", upgrade_policy=UpgradePolicy.MANUAL)
    world.waves.begin(world.publish("1.1.0"))
    while world.rollout("1.1.0").state is not RolloutState.BAKING:
        world.step("1.1.0")
        world.settle("1.1.0")
    first = Organization("org_000", "First", "000", "active", START, START)
    assert change_settings(world.waves.services, first, NAME, TAKE_AUTO, "user_1").row.installed_version == "1.0.0"
    assert world.run("1.1.0").state is RolloutState.DONE
    sweep(world, minutes=11)
    assert row_of(world, "org_000").installed_version == "1.1.0"


def test_an_offer_that_nothing_comes_of_is_not_made_again(backend: Backend) -> None:
    world = World(backend, installations=1)
    world.put("org_late", lifecycle_state=LifecycleState.PENDING)
    now_ready(world, "org_late")
    assert row_of(world, "org_late").offer_due_at == backend.clock()
    sweep(world)
    late = row_of(world, "org_late")
    assert (late.installed_version, late.offer_due_at) == ("1.0.0", None)


def too_late(world: World, organization_id: str) -> None:
    """The installer takes what it is asked for, no runtime checks in before the deadline, and the rollback is READY."""
    row = row_of(world, organization_id)
    world.backend.clock.turn(minutes=1)
    apply_event(world.backend.services, row, Taken(row.installation_id, row.generation))
    deadline = row_of(world, organization_id).deadline_at
    assert deadline
    world.backend.clock.now = deadline
    apply_event(world.backend.services, row, DeadlinePassed(row.installation_id, row.generation, "out of memory"))
    now_ready(world, organization_id)


def test_a_version_that_misses_its_deadline_is_offered_once_more_a_day_later_and_then_never_again(
    backend: Backend,
) -> None:
    world = World(backend, installations=0)
    (lock,) = backend.store.current_locks([keys.version(NAME, "1.0.0")])
    revision = Revision("1.0.0", ResourceTier.FREE, {}, lock_sha256=lock)
    world.put("org_late", lifecycle_state=LifecycleState.PENDING, revision=revision)
    world.waves.begin(world.publish("1.1.0"))
    while world.rollout("1.1.0").state is not RolloutState.DONE:
        world.step("1.1.0")
    now_ready(world, "org_late")
    sweep(world)
    assert row_of(world, "org_late").installed_version == "1.1.0"

    too_late(world, "org_late")
    back_at = backend.clock()
    sweep(world)
    back = row_of(world, "org_late")
    assert (back.installed_version, back.lifecycle_state) == ("1.0.0", LifecycleState.READY)
    assert back.offer_due_at == back_at + WAIT_AFTER_DEADLINE
    backend.clock.now = back.offer_due_at
    sweep(world)
    assert row_of(world, "org_late").installed_version == "1.1.0"

    too_late(world, "org_late")
    sweep(world)
    given_up = row_of(world, "org_late")
    assert (given_up.installed_version, given_up.offer_due_at) == ("1.0.0", None)


def test_an_offer_whose_row_was_changed_meanwhile_leaves_the_change_alone(backend: Backend) -> None:
    world = World(backend, installations=1)
    world.put("org_late", lifecycle_state=LifecycleState.PENDING, offer_due_at=START)
    seen = row_of(world, "org_late")
    backend.clock.turn(minutes=1)
    now_ready(world, "org_late")
    assert offer_when_due(world.waves.services, seen) is Outcome.STALE
    assert row_of(world, "org_late").offer_due_at == backend.clock()

"""Auto-upgrade reaches the installations that want it, in waves, and stops where it hurts."""

import json
from dataclasses import replace

import pytest
from tests.builders import actor_of
from tests.fakes import FakeCluster, FakeWheels
from tests.integration.actors import sweeper_over
from tests.integration.backend import Backend
from tests.integration.rolling_out import NAME, PACE, World, wish_for

from provider_hub.actions import keys
from provider_hub.actions.curate import delete_provider
from provider_hub.actions.publish import publish
from provider_hub.actions.rollouts import list_rollouts, pause, resume
from provider_hub.actions.scheduled_calls import StepCall
from provider_hub.actions.steps import apply_event
from provider_hub.actions.waves import _Slot
from provider_hub.domain.catalog import PLATFORM_AUTHOR
from provider_hub.domain.errors import Conflict, Forbidden, NotFound, TemporaryError
from provider_hub.domain.installation import (
    DeadlinePassed,
    Health,
    LifecycleState,
    ResourceTier,
    Revision,
    Trigger,
    UpgradePolicy,
)
from provider_hub.domain.messages import VersionPublished
from provider_hub.domain.names import ProviderName
from provider_hub.domain.offers import wants
from provider_hub.domain.rollout import RolloutState


def test_a_version_reaches_one_then_a_tenth_then_the_rest(backend: Backend) -> None:
    world = World(backend, installations=30)
    world.waves.begin(world.publish("1.1.0"))
    seen: dict[int, int] = {}
    while world.rollout("1.1.0").due_at is not None:
        rollout = world.step("1.1.0")
        seen[rollout.wave] = max(seen.get(rollout.wave, 0), rollout.wave_started)
        world.settle("1.1.0")
    assert seen == {1: 1, 2: 3, 3: 26}
    done = world.rollout("1.1.0")
    assert (done.state, done.succeeded, done.failed) == (RolloutState.DONE, 30, 0)
    assert len(world.on("1.1.0")) == 30


def test_no_wave_starts_before_the_one_before_has_settled_and_baked(backend: Backend) -> None:
    world = World(backend, installations=20)
    world.waves.begin(world.publish("1.1.0"))
    assert world.rollout("1.1.0").due_at == backend.clock() + PACE.minimum_age
    world.step("1.1.0")
    world.step("1.1.0")
    assert len(world.on("1.1.0")) == 1
    for _ in range(3):
        assert world.step("1.1.0").state is RolloutState.RUNNING
    assert len(world.on("1.1.0")) == 1
    world.settle("1.1.0")
    baking = world.step("1.1.0")
    assert (baking.state, baking.due_at) == (RolloutState.BAKING, backend.clock() + PACE.bake)


def test_a_version_that_fails_in_three_organizations_halts_its_rollout_and_its_author_resumes_it(
    backend: Backend,
) -> None:
    world = World(backend, installations=20)
    world.waves.begin(world.publish("1.1.0"))
    halted = world.run("1.1.0", well=False)
    assert (halted.state, halted.failed, halted.started) == (RolloutState.HALTED, 3, 3)
    assert halted.halted_reason == "3 of 3 upgrades of wave 1 failed"
    (shown,) = list_rollouts(backend.services, actor_of("org_acme"), NAME)
    assert shown.state is RolloutState.HALTED
    resumed = resume(world.waves.services, world.waves.tasks, actor_of("org_acme"), NAME, "1.1.0")
    assert resumed.state is RolloutState.RUNNING
    done = world.run("1.1.0")
    assert (done.state, done.succeeded, done.failed) == (RolloutState.DONE, 17, 3)
    with pytest.raises(Conflict, match="not halted"):
        resume(world.waves.services, world.waves.tasks, actor_of("org_acme"), NAME, "1.1.0")


def test_a_halted_wave_that_is_resumed_has_to_succeed_before_a_larger_one_begins(backend: Backend) -> None:
    world = World(backend, installations=40)
    author = actor_of("org_acme")
    world.waves.begin(world.publish("1.1.0"))
    assert world.run("1.1.0", well=False).wave == 1
    resume(backend.services, world.tasks, author, NAME, "1.1.0")
    again = world.run("1.1.0", well=False)
    assert (again.state, again.wave, again.started) == (RolloutState.HALTED, 1, 6)
    resume(backend.services, world.tasks, author, NAME, "1.1.0")
    while world.rollout("1.1.0").state is RolloutState.RUNNING:
        world.step("1.1.0")
        world.settle("1.1.0")
    baking = world.rollout("1.1.0")
    assert (baking.state, baking.wave, baking.succeeded) == (RolloutState.BAKING, 1, 1)


def test_a_paused_rollout_upgrades_nobody_else_and_goes_on_where_it_was(backend: Backend) -> None:
    world = World(backend, installations=20)
    author = actor_of("org_acme")
    world.waves.begin(world.publish("1.1.0"))
    due = world.rollout("1.1.0").due_at
    assert (pause(backend.services, author, NAME, "1.1.0").due_at, world.on("1.1.0")) == (None, [])
    waiting = resume(backend.services, world.tasks, author, NAME, "1.1.0")
    assert (waiting.state, waiting.due_at) == (RolloutState.WAITING, due), "the release is no older by that"
    while not world.on("1.1.0"):
        world.step("1.1.0")
    running = world.rollout("1.1.0")
    paused = pause(backend.services, author, NAME, "1.1.0")
    assert (paused.state, paused.started) == (RolloutState.PAUSED, 1)
    assert world.waves.take_step(running) == "paused", "a step that was under way writes nothing more"
    world.settle("1.1.0", well=False)
    assert world.waves.step(StepCall(NAME.canonical, "1.1.0", running.step)) == "stale"
    assert (world.rollout("1.1.0"), world.on("1.1.0")) == (paused, [])
    assert resume(backend.services, world.tasks, author, NAME, "1.1.0").state is RolloutState.RUNNING
    assert world.waves.step(StepCall(NAME.canonical, "1.1.0", running.step)) == "stale", "the task of before the pause"
    done = world.run("1.1.0")
    assert (done.state, done.succeeded, done.failed) == (RolloutState.DONE, 19, 1), "what failed meanwhile counts"


def test_a_rollout_that_is_resumed_while_there_can_be_no_task_says_so_and_the_sweeper_takes_its_step(
    backend: Backend,
) -> None:
    world = World(backend, installations=2)
    world.waves.begin(world.publish("1.1.0"))
    pause(backend.services, actor_of("org_acme"), NAME, "1.1.0")
    world.tasks.failing = TemporaryError("the queue does not answer")
    assert resume(backend.services, world.tasks, actor_of("org_acme"), NAME, "1.1.0").state is RolloutState.WAITING
    world.tasks.failing = None
    backend.clock.turn(minutes=65)
    assert sweeper_over(backend, FakeCluster(), world.tasks).sweep().done["rollout steps"] == 1
    assert world.rollout("1.1.0").state is RolloutState.RUNNING


def test_failures_of_before_a_pause_still_halt_the_rollout_and_one_that_ended_cannot_be_paused(
    backend: Backend,
) -> None:
    world = World(backend, installations=20)
    author = actor_of("org_acme")
    world.waves.begin(world.publish("1.1.0"))
    while world.rollout("1.1.0").failed < 2:
        world.step("1.1.0")
        world.settle("1.1.0", well=False)
    pause(backend.services, author, NAME, "1.1.0")
    resume(backend.services, world.tasks, author, NAME, "1.1.0")
    halted = world.run("1.1.0", well=False)
    assert (halted.state, halted.failed) == (RolloutState.HALTED, 3)
    with pytest.raises(Conflict, match="is halted: there is nothing to pause"):
        pause(backend.services, author, NAME, "1.1.0")
    with pytest.raises(NotFound):
        pause(backend.services, actor_of("org_other"), NAME, "1.1.0")


@pytest.mark.parametrize("faulty", [1, 2])
def test_faults_of_one_or_two_organizations_halt_nobody_else(backend: Backend, faulty: int) -> None:
    world = World(backend, installations=20)
    world.waves.begin(world.publish("1.1.0"))
    for _ in range(faulty):
        while not any(row.lifecycle_state is LifecycleState.PENDING for row in world.rows()):
            world.step("1.1.0")
        world.settle("1.1.0", well=False)
    done = world.run("1.1.0")
    assert (done.state, done.succeeded, done.failed) == (RolloutState.DONE, 20 - faulty, faulty)


@pytest.mark.parametrize("installations", [1, 2])
def test_fewer_organizations_than_three_halt_it_when_all_of_them_fail(backend: Backend, installations: int) -> None:
    world = World(backend, installations=installations)
    world.waves.begin(world.publish("1.1.0"))
    halted = world.run("1.1.0", well=False)
    assert (halted.state, halted.failed) == (RolloutState.HALTED, installations)


def test_a_canary_goes_first_and_its_failure_alone_halts_the_rollout(backend: Backend) -> None:
    world = World(backend, installations=20)
    world.waves = replace(world.waves, pace=replace(PACE, canaries=frozenset({"org_019", "org_none"})))
    world.waves.begin(world.publish("1.1.0"))
    world.step("1.1.0")
    world.step("1.1.0")
    assert world.on("1.1.0") == ["org_019"]
    world.settle("1.1.0", well=False)
    halted = world.step("1.1.0")
    assert halted.halted_reason == "the upgrade of a canary organization failed"


def test_a_wave_that_does_not_fare_well_while_it_bakes_halts_the_rollout(backend: Backend) -> None:
    world = World(backend, installations=20)
    world.waves.begin(world.publish("1.1.0"))
    upgraded: list[str] = []
    while world.rollout("1.1.0").due_at is not None:
        world.step("1.1.0")
        world.settle("1.1.0")
        upgraded = world.on("1.1.0")
        for row in world.rows():
            if row.installed_version == "1.1.0" and row.lifecycle_state is LifecycleState.READY:
                world.put(row.organization_id, revision=row.revision, health=Health.DEGRADED)
    halted = world.rollout("1.1.0")
    assert (halted.state, halted.due_at, len(upgraded)) == (RolloutState.HALTED, None, 3)
    assert halted.halted_reason == "3 of 3 installations of wave 1 are not well since"


def test_only_installations_that_want_it_are_upgraded(backend: Backend) -> None:
    world = World(backend, installations=0)
    world.put("org_auto")
    world.put("org_manual", upgrade_policy=UpgradePolicy.MANUAL)
    world.put("org_failed", lifecycle_state=LifecycleState.FAILED)
    world.put("org_hurt", failed_versions=("1.1.0",))
    world.waves.begin(world.publish("1.1.0"))
    assert world.run("1.1.0").state is RolloutState.DONE
    assert world.on("1.1.0") == ["org_auto"]


def test_a_major_version_is_taken_only_where_it_is_allowed(backend: Backend) -> None:
    world = World(backend, installations=3)
    world.put("org_bold", allow_major_upgrades=True)
    world.waves.begin(world.publish("2.0.0"))
    assert world.run("2.0.0").state is RolloutState.DONE
    assert world.on("2.0.0") == ["org_bold"]


@pytest.mark.parametrize("version", ["1.1.0-rc.1", "0.9.0"])
def test_neither_a_prerelease_nor_an_older_version_is_rolled_out(backend: Backend, version: str) -> None:
    world = World(backend, installations=2)
    assert world.waves.begin(world.publish(version)) == "not rolled out by itself"
    assert backend.store.get(keys.rollout(NAME, version)) is None


def test_a_step_that_is_called_twice_takes_no_slot_twice(backend: Backend) -> None:
    world = World(backend, installations=10)
    world.waves.begin(world.publish("1.1.0"))
    world.step("1.1.0")
    rollout = world.rollout("1.1.0")
    call = StepCall(NAME.canonical, "1.1.0", rollout.step)
    world.waves.step(call)
    assert world.waves.step(call) == "stale"
    assert world.waves.take_step(rollout) == "running"
    assert world.rollout("1.1.0").started == 1
    assert world.waves.begin(VersionPublished(NAME.canonical, "1.1.0", backend.clock())) == "running"
    assert world.rollout("1.1.0").started == 1


def test_a_step_that_lost_to_its_twin_does_not_cut_the_bake_short(backend: Backend) -> None:
    world = World(backend, installations=20)
    world.waves.begin(world.publish("1.1.0"))
    world.step("1.1.0")
    world.step("1.1.0")
    world.settle("1.1.0")
    seen_by_both = world.rollout("1.1.0")
    assert world.step("1.1.0").state is RolloutState.BAKING
    world.waves.take_step(seen_by_both)
    baking = world.rollout("1.1.0")
    assert (baking.state, baking.wave) == (RolloutState.BAKING, 1)


def test_two_runs_of_one_step_at_a_time_skip_nobody(backend: Backend) -> None:
    world = World(backend, installations=20)
    world.waves.begin(world.publish("1.1.0"))
    world.step("1.1.0")
    rollout = world.rollout("1.1.0")
    assert world.waves._take_slot(rollout, world.rows()[5]) is _Slot.TAKEN
    world.waves._take_slots(rollout)
    assert (world.rollout("1.1.0").cursor, world.rollout("1.1.0").exhausted) == (None, False)
    assert world.run("1.1.0").started == 20


def test_a_provider_that_is_deleted_and_published_again_is_rolled_out_again(backend: Backend) -> None:
    world = World(backend, installations=2)
    world.waves.begin(world.publish("1.1.0"))
    world.step("1.1.0")
    world.step("1.1.0")
    backend.store.delete_all([keys.installation_of(row) for row in world.rows()])
    delete_provider(backend.services, actor_of("org_acme"), NAME)
    assert list(backend.documents.under("providers")) == []
    again = World(backend, installations=2)
    again.waves.begin(again.publish("1.1.0"))
    assert again.run("1.1.0").succeeded == 2


def test_a_provider_that_is_deleted_leaves_no_member_of_its_finished_rollouts(backend: Backend) -> None:
    world = World(backend, installations=3)
    world.waves.begin(world.publish("1.1.0"))
    assert world.run("1.1.0").state is RolloutState.DONE
    backend.store.delete_all([keys.installation_of(row) for row in world.rows()])
    delete_provider(backend.services, actor_of("org_acme"), NAME)
    assert list(backend.documents.under("providers")) == []


def test_the_tenants_timeline_says_which_wave_upgraded_it(backend: Backend) -> None:
    world = World(backend, installations=1)
    world.waves.begin(world.publish("1.1.0"))
    world.step("1.1.0")
    world.step("1.1.0")
    (row,) = world.rows()
    entry = row.timeline[-1]
    assert (entry.event, entry.cause, entry.reason) == (Trigger.CHANGE, "auto-upgrade", "1.0.0 to 1.1.0, wave 1")


def test_only_the_author_sees_the_rollouts(backend: Backend) -> None:
    platform = ProviderName("platform", "weather")
    publish(backend.services, FakeWheels(), platform, wish_for(platform, "1.0.0"), PLATFORM_AUTHOR, actor_of(None))
    with pytest.raises(Forbidden, match="only its author"):
        list_rollouts(backend.services, actor_of("org_acme"), platform)


@pytest.mark.parametrize(
    ("port", "kind"), [("no number", {"type": "integer"}), ("NaN", {"type": "number", "multipleOf": 0.5})]
)
def test_a_tenant_whose_config_the_version_refuses_is_skipped_and_its_timeline_says_why(
    backend: Backend, port: str, kind: dict[str, str | float]
) -> None:
    world = World(backend, installations=2)
    world.put("org_000", revision=Revision("1.0.0", ResourceTier.FREE, {"PORT": port}))
    world.put("org_001", revision=Revision("1.0.0", ResourceTier.FREE, {"PORT": "80"}))
    event = world.publish("1.1.0")
    key = keys.version(NAME, "1.1.0")
    stored = backend.store.get(key)
    assert stored
    backend.put(key, replace(stored, config_schema=json.dumps({"properties": {"PORT": kind}})))
    world.waves.begin(event)
    assert world.run("1.1.0").state is RolloutState.DONE
    assert world.on("1.1.0") == ["org_001"]
    skipped = next(row for row in world.rows() if row.organization_id == "org_000")
    assert skipped.generation == 1
    (entry,) = [entry for entry in skipped.timeline if entry.event is Trigger.SKIPPED]
    assert entry.cause == "auto-upgrade"
    assert entry.reason == (
        "auto-upgrade to 1.1.0 skipped: the installation's config does not fit 1.1.0: "
        f'does not fit the provider\'s config_schema: type "{kind["type"]}"'
    )


def test_a_patch_of_the_installed_major_is_offered_after_a_new_major_is_the_latest(backend: Backend) -> None:
    world = World(backend, installations=3)
    world.waves.begin(world.publish("2.0.0"))
    assert world.run("2.0.0").state is RolloutState.DONE
    assert world.waves.begin(world.publish("1.0.1")) == "waiting"
    assert world.run("1.0.1").state is RolloutState.DONE
    assert len(world.on("1.0.1")) == 3


def test_below_one_a_minor_is_taken_only_where_majors_are_allowed(backend: Backend) -> None:
    world = World(backend, installations=0, version="0.1.0")
    beta = Revision("0.1.0", ResourceTier.FREE, {})
    world.put("org_careful", revision=beta, ready_revision=beta, current_version="0.1.0")
    world.put("org_bold", revision=beta, ready_revision=beta, current_version="0.1.0", allow_major_upgrades=True)
    world.waves.begin(world.publish("0.2.0"))
    for _ in range(2):
        world.step("0.2.0")
    assert world.on("0.2.0") == ["org_bold"]
    assert world.on("0.1.0") == ["org_careful"]


def test_upgrades_that_ran_out_of_time_halt_the_rollout_and_the_version_can_be_offered_again(backend: Backend) -> None:
    world = World(backend, installations=1)
    world.waves.begin(world.publish("1.1.0"))
    world.step("1.1.0")
    world.step("1.1.0")
    (late,) = [row for row in world.rows() if row.lifecycle_state is LifecycleState.PENDING]
    assert late.deadline_at
    backend.clock.now = late.deadline_at
    event = DeadlinePassed(late.installation_id, late.generation, "the wheel host did not answer")
    back = apply_event(backend.services, late, event).kept
    assert (back.installed_version, back.is_rollback, back.failed_versions) == ("1.0.0", True, ())
    halted = world.step("1.1.0")
    assert (halted.state, halted.failed) == (RolloutState.HALTED, 1)
    assert wants(replace(back, lifecycle_state=LifecycleState.READY), "1.1.0")

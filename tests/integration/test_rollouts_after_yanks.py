"""A yank, or the end of one, makes another version the one to offer: that one reaches whoever wants it."""

from collections.abc import Set
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import actor_of
from tests.integration.backend import Backend
from tests.integration.rolling_out import NAME, PACE, World

from provider_hub.actions import keys, waves
from provider_hub.actions.configuration import ConfigCheck
from provider_hub.actions.curate import unyank, yank
from provider_hub.actions.rollouts import resume
from provider_hub.actions.version_choice import runnable
from provider_hub.domain.audit import Actor
from provider_hub.domain.catalog import ProviderVersion
from provider_hub.domain.errors import Invalid
from provider_hub.domain.installation import Installation, LifecycleState
from provider_hub.domain.rollout import RolloutState

ADA = actor_of("org_acme")


def test_a_version_that_a_yank_makes_the_latest_is_rolled_out(backend: Backend) -> None:
    world = World(backend, installations=2)
    for text in ("1.2.0", "1.1.1"):
        world.publish(text)
    world.deliver()
    assert (world.has_rollout("1.2.0"), world.has_rollout("1.1.1")) == (True, False)
    yank(backend.services, ADA, NAME, "1.2.0", "it hums")
    assert world.deliver() == ["waiting"]
    assert world.run("1.1.1").state is RolloutState.DONE
    assert len(world.on("1.1.1")) == 2
    unyank(backend.services, ADA, NAME, "1.2.0")
    assert world.deliver() == [], "1.2.0 has a rollout"


def test_a_version_that_was_yanked_before_its_message_came_is_rolled_out_once_it_is_back_and_waits_no_longer(
    backend: Backend,
) -> None:
    world = World(backend, installations=1)
    published_at = backend.clock()
    world.publish("1.1.0")
    yank(backend.services, ADA, NAME, "1.1.0", None)
    world.deliver()
    assert not world.has_rollout("1.1.0")
    backend.clock.turn(minutes=20)
    unyank(backend.services, ADA, NAME, "1.1.0")
    assert world.deliver() == ["waiting"]
    assert world.rollout("1.1.0").due_at == published_at + PACE.minimum_age


def test_a_first_version_that_was_yanked_late_begins_one_rollout_by_both_messages(backend: Backend) -> None:
    world = World(backend, installations=1)
    world.publish("1.1.0")
    yank(backend.services, ADA, NAME, "1.1.0", "it hums")
    unyank(backend.services, ADA, NAME, "1.1.0")
    world.deliver()
    before = world.rollout("1.1.0")
    assert before.state is RolloutState.WAITING
    unyank(backend.services, ADA, NAME, "1.1.0")
    assert world.deliver() == [], "it was published already"
    assert world.rollout("1.1.0") == before


def test_the_mend_of_a_yanked_version_reaches_those_on_it_though_there_is_a_newer_major(backend: Backend) -> None:
    world = World(backend, installations=3)
    world.publish("2.0.0")
    yank(backend.services, ADA, NAME, "1.0.0", "it leaks")
    world.deliver()
    assert world.waves.begin(world.publish("1.0.1")) == "waiting"
    assert world.run("1.0.1", well=False).state is RolloutState.HALTED
    resume(backend.services, world.tasks, ADA, NAME, "1.0.1")


def test_the_first_version_of_an_older_line_is_offered_to_nobody(backend: Backend) -> None:
    world = World(backend, installations=0, version="2.0.0")
    world.publish("1.0.1")
    yank(backend.services, ADA, NAME, "1.0.1", None)
    assert world.waves.begin(world.publish("1.0.0")) == "not rolled out by itself"


def test_what_became_ready_while_a_version_was_yanked_gets_it_once_it_is_back(backend: Backend) -> None:
    world = World(backend, installations=2)
    world.put("org_000", lifecycle_state=LifecycleState.FAILED)
    world.waves.begin(world.publish("1.1.0"))
    assert world.run("1.1.0").state is RolloutState.DONE
    yank(backend.services, ADA, NAME, "1.1.0", None)
    world.put("org_000")  # READY, and the sweeper had no other version for it
    unyank(backend.services, ADA, NAME, "1.1.0")
    back = world.rollout("1.1.0")
    assert (back.state, back.due_at) == (RolloutState.RUNNING, backend.clock())
    done = world.run("1.1.0")
    assert (done.state, done.succeeded) == (RolloutState.DONE, 2)
    assert world.on("1.1.0") == ["org_000", "org_001"]


def test_a_yank_of_an_older_version_that_is_taken_back_starts_no_rollout_again(backend: Backend) -> None:
    world = World(backend, installations=1)
    for text in ("1.1.0", "1.2.0"):
        world.waves.begin(world.publish(text))
        assert world.run(text).state is RolloutState.DONE
    before = world.rollout("1.1.0")
    yank(backend.services, ADA, NAME, "1.1.0", None)
    unyank(backend.services, ADA, NAME, "1.1.0")
    assert world.rollout("1.1.0") == before


def test_a_rollout_that_a_yank_halted_is_resumed_from_its_first_installation(backend: Backend) -> None:
    world = World(backend, installations=20)
    world.put("org_000", lifecycle_state=LifecycleState.FAILED)
    world.waves.begin(world.publish("1.1.0"))
    while world.rollout("1.1.0").wave < 3:
        world.step("1.1.0")
        world.settle("1.1.0")
    yank(backend.services, ADA, NAME, "1.1.0", None)
    assert world.run("1.1.0").state is RolloutState.HALTED
    world.put("org_000")
    unyank(backend.services, ADA, NAME, "1.1.0")
    resume(backend.services, world.tasks, ADA, NAME, "1.1.0")
    assert world.run("1.1.0").state is RolloutState.DONE
    assert len(world.on("1.1.0")) == 20


def test_a_rollout_that_goes_on_after_a_yank_reaches_what_became_ready_meanwhile(backend: Backend) -> None:
    world = World(backend, installations=20)
    world.put("org_000", lifecycle_state=LifecycleState.FAILED)
    world.waves.begin(world.publish("1.1.0"))
    while not world.on("1.1.0"):
        world.step("1.1.0")
    world.settle("1.1.0")
    world.waves.begin(world.publish("1.2.0"))
    assert world.rollout("1.1.0").cursor is not None
    world.put("org_000")
    yank(backend.services, ADA, NAME, "1.2.0", None)
    assert world.run("1.1.0").state is RolloutState.DONE
    assert len(world.on("1.1.0")) == 20


def test_a_rollout_goes_on_after_a_yank_though_fifty_of_another_major_are_newer(backend: Backend) -> None:
    world = World(backend, installations=1)
    for text in ("1.1.0", "1.2.0"):
        world.waves.begin(world.publish(text))
    old = world.rollout("1.1.0")
    for number in range(50):
        other = replace(old, version=f"2.0.{number}", state=RolloutState.DONE, due_at=None)
        backend.put(keys.rollout_of(other), replace(other, created_at=old.created_at + timedelta(seconds=1)))
    yank(backend.services, ADA, NAME, "1.2.0", None)
    assert world.rollout("1.1.0").state is RolloutState.WAITING


def test_a_canary_that_missed_a_deadline_is_passed_by_until_its_wait_ends(
    backend: Backend,
) -> None:
    world = World(backend, installations=5)
    world.waves = replace(world.waves, pace=replace(PACE, canaries=frozenset({"org_004"})))
    world.waves.begin(world.publish("1.1.0"))
    world.put("org_004", overdue_versions=("1.1.0",), overdue_until=backend.clock() + timedelta(hours=24))
    assert world.run("1.1.0").state is RolloutState.DONE
    assert world.on("1.1.0") == ["org_000", "org_001", "org_002", "org_003"]


def test_a_rollout_whose_only_upgrade_missed_its_deadline_reaches_it_when_it_is_resumed_after_the_wait(
    backend: Backend,
) -> None:
    world = World(backend, installations=1)
    world.waves.begin(world.publish("1.1.0"))
    assert world.run("1.1.0", well=False).state is RolloutState.HALTED
    world.put("org_000", overdue_versions=("1.1.0",), overdue_until=backend.clock() + timedelta(hours=24))
    resume(backend.services, world.tasks, ADA, NAME, "1.1.0")
    assert world.run("1.1.0").state is RolloutState.HALTED, "nobody may be offered it yet"
    backend.clock.turn(hours=25)
    resume(backend.services, world.tasks, ADA, NAME, "1.1.0")
    assert world.run("1.1.0").state is RolloutState.DONE
    assert world.on("1.1.0") == ["org_000"]


def break_the_rows_of(organizations: Set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of these organizations' configs meets something that no code expected."""
    needed = waves.stored_check_needed

    def needed_or_nonsense(row: Installation, version: ProviderVersion | None) -> ConfigCheck | None:
        if row.organization_id in organizations:
            raise ValueError("invalid literal for int() with base 10: '²'")
        return needed(row, version)

    monkeypatch.setattr(waves, "stored_check_needed", needed_or_nonsense)


def test_a_row_that_no_code_expected_keeps_a_rollout_from_no_other_one_and_is_offered_the_version_later(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(backend, installations=3)
    world.waves.begin(world.publish("1.1.0"))
    break_the_rows_of({"org_000"}, monkeypatch)
    assert world.run("1.1.0").state is RolloutState.DONE
    assert world.on("1.1.0") == ["org_001", "org_002"]
    assert "passes 01org_000 by" in caplog.text
    left = backend.store.get(keys.installation("org_000", NAME))
    assert left
    assert left.offer_due_at is not None


@pytest.mark.parametrize(("by", "yanker"), [(ADA, "its author"), (actor_of(None), "the platform")])
def test_a_rollout_and_an_install_say_who_yanked_the_version(backend: Backend, by: Actor, yanker: str) -> None:
    world = World(backend, installations=1)
    world.waves.begin(world.publish("1.1.0"))
    yank(backend.services, by, NAME, "1.1.0", None)
    assert world.run("1.1.0").halted_reason == f"1.1.0 was yanked by {yanker}"
    version = backend.store.get(keys.version(NAME, "1.1.0"))
    with pytest.raises(Invalid, match=f"1.1.0 was yanked by {yanker}: choose another version"):
        runnable(version, NAME, "1.1.0", "version")


def test_a_fault_that_three_rows_of_a_step_meet_halts_the_rollout_until_somebody_resumes_it(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(backend, installations=9)
    world.waves.begin(world.publish("1.1.0"))
    with monkeypatch.context() as patched:
        break_the_rows_of({f"org_{number:03}" for number in range(9)}, patched)
        halted = world.run("1.1.0")
    assert (halted.state, halted.started, world.on("1.1.0")) == (RolloutState.HALTED, 0, [])
    assert halted.halted_reason == (
        "the hub met a fault of its own over 3 installations: the platform has to see to it"
    )
    left = [row.organization_id for row in world.rows() if row.offer_due_at is not None]
    assert left == ["org_000", "org_001", "org_002"], "the others wait for the rollout"
    resume(backend.services, world.tasks, ADA, NAME, "1.1.0")
    assert world.run("1.1.0").state is RolloutState.DONE
    assert world.on("1.1.0") == [f"org_{number:03}" for number in range(2, 9)]

"""A newer version takes over from an older one's rollout, and gives way again where it is yanked."""

from dataclasses import replace

import pytest
from tests.builders import actor_of
from tests.integration.backend import Backend
from tests.integration.rolling_out import NAME, PACE, World

from provider_hub.actions import keys
from provider_hub.actions.curate import unyank, yank
from provider_hub.actions.rollouts import resume
from provider_hub.domain.errors import Conflict, TemporaryError
from provider_hub.domain.names import ProviderName
from provider_hub.domain.rollout import Rollout, RolloutState


def test_a_newer_version_takes_over_from_one_that_is_under_way(backend: Backend) -> None:
    world = World(backend, installations=20)
    world.waves.begin(world.publish("1.1.0"))
    world.step("1.1.0")
    world.waves.begin(world.publish("1.2.0"))
    old = world.rollout("1.1.0")
    assert (old.state, old.halted_reason) == (RolloutState.SUPERSEDED, "1.2.0 took over")
    assert world.run("1.2.0").state is RolloutState.DONE
    assert len(world.on("1.2.0")) == 20


def test_a_newer_version_takes_over_from_one_that_takes_a_step_at_that_moment(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(backend, installations=20)
    world.waves.begin(world.publish("1.1.0"))
    listed = backend.store.rollouts_of

    def listed_before_the_step(name: ProviderName, limit: int) -> list[Rollout]:
        found = listed(name, limit)
        world.step("1.1.0")
        return found

    monkeypatch.setattr(world.waves.services.store, "rollouts_of", listed_before_the_step)
    world.waves.begin(world.publish("1.2.0"))
    assert world.rollout("1.1.0").state is RolloutState.SUPERSEDED


@pytest.mark.parametrize("steps", [0, 2])
def test_a_rollout_whose_successor_is_yanked_goes_on_where_it_was(backend: Backend, steps: int) -> None:
    world = World(backend, installations=20)
    world.waves.begin(world.publish("1.1.0"))
    for _ in range(steps):
        world.step("1.1.0")
    before = world.rollout("1.1.0")
    world.waves.begin(world.publish("1.2.0"))
    assert world.rollout("1.1.0").state is RolloutState.SUPERSEDED
    yank(backend.services, actor_of("org_acme"), NAME, "1.2.0", "it hums")
    back = world.rollout("1.1.0")
    assert replace(back, updated_at=before.updated_at) == replace(before, step=before.step + 1, cursor=None)
    world.settle("1.1.0")
    assert world.run("1.1.0").state is RolloutState.DONE
    assert len(world.on("1.1.0")) == 20
    assert world.run("1.2.0").state is RolloutState.HALTED


def test_a_rollout_that_is_resumed_after_its_yank_was_taken_back_takes_over_again(backend: Backend) -> None:
    world = World(backend, installations=20)
    author = actor_of("org_acme")
    world.waves.begin(world.publish("1.1.0"))
    world.waves.begin(world.publish("1.2.0"))
    yank(backend.services, author, NAME, "1.2.0", None)
    assert world.run("1.2.0").state is RolloutState.HALTED
    unyank(backend.services, author, NAME, "1.2.0")
    assert world.rollout("1.1.0").state is RolloutState.WAITING
    resume(backend.services, world.tasks, author, NAME, "1.2.0")
    assert world.rollout("1.1.0").state is RolloutState.SUPERSEDED


@pytest.mark.parametrize("steps", [0, 2])
def test_a_yank_that_is_taken_back_leaves_the_newer_rollout_alone(backend: Backend, steps: int) -> None:
    world = World(backend, installations=20)
    author = actor_of("org_acme")
    world.waves.begin(world.publish("1.1.0"))
    world.waves.begin(world.publish("1.2.0"))
    for _ in range(steps):
        world.step("1.2.0")
    before = world.rollout("1.2.0")
    yank(backend.services, author, NAME, "1.2.0", None)
    assert world.rollout("1.1.0").state is RolloutState.WAITING
    unyank(backend.services, author, NAME, "1.2.0")
    old = world.rollout("1.1.0")
    assert (old.state, old.halted_reason) == (RolloutState.SUPERSEDED, "1.2.0 took over")
    newer = world.rollout("1.2.0")
    assert replace(newer, cursor=before.cursor, step=before.step) == before
    assert newer.cursor is None, "what became READY while it was yanked is before its old place"


def test_a_yank_that_is_taken_back_ends_the_older_rollout_where_the_newer_one_is_done(backend: Backend) -> None:
    world = World(backend, installations=2)
    author = actor_of("org_acme")
    world.waves.begin(world.publish("1.1.0"))
    world.waves.begin(world.publish("1.2.0"))
    assert world.run("1.2.0").state is RolloutState.DONE
    yank(backend.services, author, NAME, "1.2.0", None)
    world.step("1.1.0")
    unyank(backend.services, author, NAME, "1.2.0")
    assert world.rollout("1.1.0").state is RolloutState.SUPERSEDED


def test_a_resume_that_cannot_end_the_older_rollout_changes_nothing_and_can_be_asked_for_again(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(backend, installations=20)
    author = actor_of("org_acme")
    for text in ("1.1.0", "1.2.0"):
        world.waves.begin(world.publish(text))
    yank(backend.services, author, NAME, "1.2.0", None)
    assert world.run("1.2.0").state is RolloutState.HALTED
    unyank(backend.services, author, NAME, "1.2.0")

    def silent(_name: ProviderName, _limit: int) -> list[Rollout]:
        raise TemporaryError("the database does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(backend.services.store, "rollouts_of", silent)
        with pytest.raises(TemporaryError, match="does not answer"):
            resume(backend.services, world.tasks, author, NAME, "1.2.0")
    states = [world.rollout(text).state for text in ("1.1.0", "1.2.0")]
    assert states == [RolloutState.WAITING, RolloutState.HALTED]
    resume(backend.services, world.tasks, author, NAME, "1.2.0")
    states = [world.rollout(text).state for text in ("1.1.0", "1.2.0")]
    assert states == [RolloutState.SUPERSEDED, RolloutState.RUNNING]


def test_a_superseded_rollout_goes_on_only_once_every_version_that_supersedes_it_is_yanked(backend: Backend) -> None:
    world = World(backend, installations=2)
    for text in ("1.1.0", "1.2.0", "1.3.0"):
        world.waves.begin(world.publish(text))
    shown = []
    for text in ("1.2.0", "1.3.0"):
        yank(backend.services, actor_of("org_acme"), NAME, text, None)
        shown.append([world.rollout(older).state for older in ("1.1.0", "1.2.0")])
    superseded, back = RolloutState.SUPERSEDED, RolloutState.WAITING
    unyank(backend.services, actor_of("org_acme"), NAME, "1.2.0")
    shown.append([world.rollout(older).state for older in ("1.1.0", "1.2.0")])
    assert shown == [[superseded, superseded], [back, superseded], [superseded, back]]


def test_a_version_that_is_yanked_while_its_rollout_begins_takes_over_from_none(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(backend, installations=2)
    world.waves.begin(world.publish("1.1.0"))
    event, listed = world.publish("1.2.0"), backend.store.rollouts_of

    def listed_before_the_yank(name: ProviderName, limit: int) -> list[Rollout]:
        monkeypatch.setattr(backend.services.store, "rollouts_of", listed)
        found = listed(name, limit)
        yank(backend.services, actor_of("org_acme"), NAME, "1.2.0", None)
        return found

    monkeypatch.setattr(backend.services.store, "rollouts_of", listed_before_the_yank)
    world.waves.begin(event)
    assert world.rollout("1.1.0").state is RolloutState.WAITING


def test_a_superseded_rollout_is_resumed_by_hand_while_its_version_is_offered(backend: Backend) -> None:
    world = World(backend, installations=2)
    author = actor_of("org_acme")
    world.waves.begin(world.publish("1.1.0"))
    world.waves.begin(world.publish("1.2.0"))
    with pytest.raises(Conflict, match=r"1\.1\.0 is not rolled out any more: the latest version is 1\.2\.0"):
        resume(backend.services, world.tasks, author, NAME, "1.1.0")
    left = replace(world.rollout("1.1.0"), paused_from=None, paused_due_at=None)
    yank(backend.services, author, NAME, "1.2.0", None)
    backend.put(keys.rollout(NAME, "1.1.0"), left)  # as a release before this one has left it
    assert resume(backend.services, world.tasks, author, NAME, "1.1.0").state is RolloutState.WAITING
    young = world.step("1.1.0")
    assert (young.state, young.due_at) == (RolloutState.WAITING, left.created_at + PACE.minimum_age)
    assert world.step("1.1.0").state is RolloutState.RUNNING
    assert world.run("1.1.0").state is RolloutState.DONE


def test_a_yank_brings_no_rollout_back_that_the_yanked_version_did_not_supersede(backend: Backend) -> None:
    world = World(backend, installations=2)
    author = actor_of("org_acme")
    world.publish("0.9.0")
    world.waves.begin(world.publish("1.1.0"))
    world.waves.begin(world.publish("1.2.0"))
    left = world.rollout("1.1.0")
    yank(backend.services, author, NAME, "1.2.0", None)
    backend.put(keys.rollout(NAME, "1.1.0"), left)  # as a release left it that brought none back
    yank(backend.services, author, NAME, "0.9.0", None)
    unyank(backend.services, author, NAME, "0.9.0")
    assert world.rollout("1.1.0") == left


def test_an_event_that_comes_again_does_not_end_the_rollout_of_a_newer_version(backend: Backend) -> None:
    world = World(backend, installations=20)
    older = world.publish("1.1.0")
    world.waves.begin(older)
    under_way = world.rollout("1.1.0")
    world.waves.begin(world.publish("1.2.0"))
    backend.put(keys.rollout(NAME, "1.1.0"), under_way)  # its end was not committed yet
    world.waves.begin(older)
    assert world.rollout("1.2.0").state is RolloutState.WAITING


def test_a_halted_rollout_is_not_resumed_once_there_is_a_newer_version(backend: Backend) -> None:
    world = World(backend, installations=20)
    world.waves.begin(world.publish("1.1.0"))
    assert world.run("1.1.0", well=False).state is RolloutState.HALTED
    world.publish("1.2.0")
    with pytest.raises(Conflict, match=r"1\.1\.0 is not rolled out any more: the latest version is 1\.2\.0"):
        resume(world.waves.services, world.waves.tasks, actor_of("org_acme"), NAME, "1.1.0")


def test_a_new_major_leaves_the_rollout_of_the_installed_major_running(backend: Backend) -> None:
    world = World(backend, installations=3)
    world.waves.begin(world.publish("1.1.0"))
    world.waves.begin(world.publish("2.0.0"))
    assert world.run("1.1.0").state is RolloutState.DONE
    assert len(world.on("1.1.0")) == 3

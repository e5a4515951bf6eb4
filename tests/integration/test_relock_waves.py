"""A version that was locked again reaches those that have it as a new version does: offered, in waves, or by hand."""

import pytest
from tests.builders import actor_of
from tests.fakes import START, FakeWheels
from tests.integration.backend import Backend
from tests.integration.rolling_out import AUTHOR, NAME, World, wish_for
from tests.integration.test_relock import Hosts

from provider_hub.actions import change, keys
from provider_hub.actions.curate import unyank, yank
from provider_hub.actions.inspect import get_installed
from provider_hub.actions.offer import offer_when_due
from provider_hub.actions.publish import publish
from provider_hub.actions.relock import Relocking
from provider_hub.actions.relock_request import request_relock
from provider_hub.actions.rollouts import pause, resume
from provider_hub.actions.steps import apply_event
from provider_hub.domain.errors import Conflict, NotFound
from provider_hub.domain.installation import (
    DeployFailed,
    Installation,
    LifecycleState,
    Outcome,
    ResourceTier,
    Revision,
    UpgradePolicy,
)
from provider_hub.domain.messages import VersionPublished, decode
from provider_hub.domain.organizations import Organization
from provider_hub.domain.records import Topic
from provider_hub.domain.rollout import Rollout, RolloutState
from provider_hub.domain.versions import relock_id

ADA = actor_of("org_acme")
NEEDY = FakeWheels(requirements=("tide>=1",))


def tenant(slug: str) -> Organization:
    return Organization(f"org_{slug}", slug.title(), slug, "active", START, START)


class Relocked(World):
    """Installations of 1.1.0, which needs `tide`, and the sweeper's hand that locks it again."""

    def __init__(self, backend: Backend, installations: int) -> None:
        super().__init__(backend, installations=0)
        publish(backend.services, NEEDY, NAME, wish_for(NAME, "1.1.0"), AUTHOR, ADA)
        backend.topics.pull(Topic.VERSION_EVENTS, 2)
        self.first_lock = self.lock
        for number in range(installations):
            self.install(f"org_{number:03}")

    @property
    def lock(self) -> str:
        version = self.backend.store.get(keys.version(NAME, "1.1.0"))
        assert version is not None
        assert version.lock_sha256 is not None
        return version.lock_sha256

    @property
    def rollout_id(self) -> str:
        return relock_id("1.1.0", self.lock)

    def install(self, organization_id: str, **changes: object) -> None:
        revision = Revision("1.1.0", ResourceTier.FREE, {}, self.first_lock)
        given = {"revision": revision, "ready_revision": revision, "current_version": "1.1.0"}
        self.put(organization_id, **{**given, **changes})

    def relock(self, digit: str) -> list[VersionPublished]:
        """Have it locked again, with `tide` by another digest; the messages about it."""
        self.backend.resolver.digest = digit * 64
        request_relock(self.backend.services, ADA, NAME, "1.1.0")
        Relocking(self.backend.services, Hosts()).lock_slice()
        found = self.backend.topics.pull_now(Topic.VERSION_EVENTS)
        return [decode(VersionPublished, message.data) for message in found]

    def begin(self, digit: str = "e") -> VersionPublished:
        """Lock it again and begin the rollout."""
        (event,) = self.relock(digit)
        assert self.waves.begin(event) == "waiting"
        return event

    def with_lock(self, lock: str) -> list[str]:
        return [row.organization_id for row in self.rows() if row.revision.lock_sha256 == lock]

    def row(self, organization_id: str) -> Installation:
        found = self.backend.store.get(keys.installation(organization_id, NAME))
        assert found is not None
        return found

    def fail(self) -> None:
        """What is under way cannot run with the new lock; what it is rolled back to can."""
        for row in self.rows():
            if row.lifecycle_state is not LifecycleState.PENDING:
                continue
            failed = DeployFailed(row.installation_id, row.generation, "ImportError: tide", "runtime")
            back = apply_event(self.backend.services, row, failed).kept
            assert (back.revision.lock_sha256, back.is_rollback) == (self.first_lock, True)
            self.install(row.organization_id, generation=back.generation, failed_versions=back.failed_versions)

    def run_failing(self) -> Rollout:
        while self.rollout(self.rollout_id).due_at is not None:
            self.step(self.rollout_id)
            self.fail()
        return self.rollout(self.rollout_id)


def test_another_lock_reaches_one_then_a_tenth_then_the_rest_of_those_on_its_version(backend: Backend) -> None:
    world = Relocked(backend, installations=12)
    for number in range(15):
        world.put(f"org_older_{number}")
    world.install("org_manual", upgrade_policy=UpgradePolicy.MANUAL)
    world.begin()
    seen: dict[int, int] = {}
    while world.rollout(world.rollout_id).due_at is not None:
        rollout = world.step(world.rollout_id)
        seen[rollout.wave] = max(seen.get(rollout.wave, 0), rollout.wave_started)
        world.settle("1.1.0")
    assert seen == {1: 1, 2: 2, 3: 9}, "a tenth of those on the version, and not of all"
    done = world.rollout(world.rollout_id)
    assert (done.state, done.succeeded, done.candidates) == (RolloutState.DONE, 12, 12)
    assert world.with_lock(world.first_lock) == ["org_manual"]
    assert len(world.with_lock(world.lock)) == 12


def test_the_timeline_says_that_it_was_the_lock(backend: Backend) -> None:
    world = Relocked(backend, installations=1)
    world.begin()
    world.step(world.rollout_id)
    world.step(world.rollout_id)
    entry = world.row("org_000").timeline[-1]
    assert (entry.cause, entry.reason) == ("auto-upgrade", "1.1.0 as it was locked again, wave 1")


def test_a_relock_that_changes_nothing_begins_no_rollout(backend: Backend) -> None:
    world = Relocked(backend, installations=1)
    assert world.relock("d") == []
    assert backend.documents.under("outbox") == {}


def test_a_lock_that_nobody_takes_by_himself_has_no_rollout(backend: Backend) -> None:
    world = Relocked(backend, installations=0)
    world.install("org_manual", upgrade_policy=UpgradePolicy.MANUAL)
    (event,) = world.relock("e")
    assert world.waves.begin(event) == "on no installation that follows by itself"
    assert backend.store.rollouts_of(NAME, 10) == []


def test_a_lock_that_fails_in_three_organizations_halts_and_all_run_with_the_former_one(backend: Backend) -> None:
    world = Relocked(backend, installations=12)
    world.begin()
    halted = world.run_failing()
    assert (halted.state, halted.failed, halted.started) == (RolloutState.HALTED, 3, 3)
    assert len(world.with_lock(world.first_lock)) == 12
    hurt = [row for row in world.rows() if row.failed_versions]
    assert [row.failed_versions for row in hurt] == [(world.rollout_id,)] * 3
    resumed = resume(world.waves.services, world.tasks, ADA, NAME, world.rollout_id)
    assert (resumed.state, resumed.lock_sha256) == (RolloutState.RUNNING, world.lock)
    done = world.run(world.rollout_id)
    assert (done.state, done.succeeded, done.failed) == (RolloutState.DONE, 9, 3)
    # The sweeper offers to each that became READY; the lock that hurt it is not offered again.
    assert offer_when_due(world.waves.services, world.row(hurt[0].organization_id)) is not Outcome.CHANGED


def test_a_rollout_of_a_former_lock_is_not_resumed(backend: Backend) -> None:
    world = Relocked(backend, installations=5)
    world.begin()
    former = world.run_failing().rollout_id
    world.begin("f")
    with pytest.raises(Conflict, match="not rolled out any more: the version was yanked or locked again"):
        resume(world.waves.services, world.tasks, ADA, NAME, former)
    for nonsense in ("1.1.0@../x", "1.1.0@", "@", "x@0123456789ab"):
        with pytest.raises(NotFound):
            resume(world.waves.services, world.tasks, ADA, NAME, nonsense)


def test_a_later_lock_takes_over_and_a_late_message_about_the_former_changes_nothing(backend: Backend) -> None:
    world = Relocked(backend, installations=5)
    event = world.begin()
    former = world.rollout_id
    world.step(former)
    world.begin("f")
    assert world.rollout(former).state is RolloutState.SUPERSEDED
    assert world.waves.begin(event) == "not rolled out by itself"
    assert world.run(world.rollout_id).succeeded == 5


def test_a_lock_that_comes_back_is_rolled_out_again_and_a_message_that_comes_twice_is_not(backend: Backend) -> None:
    world = Relocked(backend, installations=2)
    for digit in ("e", "f"):
        event = world.begin(digit)
        assert world.run(world.rollout_id).succeeded == 2
        assert world.waves.begin(event) == "not rolled out by itself"
    backend.clock.turn(minutes=1)
    event = world.begin("e")
    assert world.run(world.rollout_id).succeeded == 2
    assert world.with_lock(world.lock) == ["org_000", "org_001"]
    assert world.waves.begin(event) == "not rolled out by itself"


def test_a_newer_version_takes_over_from_the_lock_of_an_older_one(backend: Backend) -> None:
    world = Relocked(backend, installations=5)
    world.begin()
    under_way = world.rollout_id
    world.waves.begin(world.publish("1.2.0"))
    assert world.rollout(under_way).state is RolloutState.SUPERSEDED
    assert world.run("1.2.0").succeeded == 5


def test_the_rollout_of_a_lock_goes_on_once_the_version_that_took_over_is_yanked(backend: Backend) -> None:
    world = Relocked(backend, installations=5)
    world.begin()
    under_way = world.rollout_id
    for text in ("1.2.0", "1.3.0"):
        world.waves.begin(world.publish(text))
    shown = []
    for text in ("1.3.0", "1.2.0"):
        yank(backend.services, ADA, NAME, text, None)
        shown.append(world.rollout(under_way).state)
    assert shown == [RolloutState.SUPERSEDED, RolloutState.WAITING]
    assert world.run(under_way).succeeded == 5


def test_the_rollout_of_a_lock_goes_on_once_its_own_version_is_published_again(backend: Backend) -> None:
    world = Relocked(backend, installations=5)
    world.begin()
    world.waves.begin(world.publish("1.2.0"))
    for text in ("1.1.0", "1.2.0"):
        yank(backend.services, ADA, NAME, text, None)
    assert world.rollout(world.rollout_id).state is RolloutState.SUPERSEDED
    unyank(backend.services, ADA, NAME, "1.1.0")
    assert world.rollout(world.rollout_id).state is RolloutState.WAITING


@pytest.mark.parametrize("is_paused", [False, True])
def test_the_rollout_of_a_lock_is_not_resumed_beside_the_version_that_took_over(
    backend: Backend, is_paused: bool
) -> None:
    world = Relocked(backend, installations=5)
    world.begin()
    if is_paused:
        pause(backend.services, ADA, NAME, world.rollout_id)
    world.waves.begin(world.publish("1.2.0"))
    before = world.rollout(world.rollout_id)
    with pytest.raises(Conflict, match=r"not rolled out any more: the rollout of 1\.2\.0 took over"):
        resume(world.waves.services, world.tasks, ADA, NAME, world.rollout_id)
    yank(backend.services, ADA, NAME, "1.2.0", None)
    backend.put(keys.rollout(NAME, world.rollout_id), before)
    assert resume(world.waves.services, world.tasks, ADA, NAME, world.rollout_id).state is RolloutState.WAITING


def test_one_that_takes_more_versions_after_the_rollout_is_offered_the_lock(backend: Backend) -> None:
    world = Relocked(backend, installations=1)
    world.install("org_late", lifecycle_state=LifecycleState.PROCESSING)
    world.begin()
    assert offer_when_due(world.waves.services, world.row("org_000")) is not Outcome.CHANGED, "it jumps no wave"
    assert world.run(world.rollout_id).state is RolloutState.DONE
    world.install("org_late", offer_due_at=backend.clock())
    assert offer_when_due(world.waves.services, world.row("org_late")) is Outcome.CHANGED
    late = world.row("org_late")
    assert (late.revision.lock_sha256, late.timeline[-1].reason) == (
        world.lock,
        "1.1.0 as it was locked again, which its policy takes",
    )


def test_by_hand_it_is_an_upgrade_to_the_same_version_and_a_rollback_restores_the_former_lock(backend: Backend) -> None:
    world = Relocked(backend, installations=0)
    world.install("org_manual", upgrade_policy=UpgradePolicy.MANUAL)
    services, manual = world.waves.services, tenant("manual")
    assert not get_installed(services, manual, NAME).lock.is_superseded
    world.relock("e")
    assert get_installed(services, manual, NAME).lock.is_superseded
    upgraded = change.upgrade(services, manual, NAME, None, "user_1").row
    assert (upgraded.revision.version, upgraded.revision.lock_sha256, upgraded.generation) == ("1.1.0", world.lock, 2)
    world.install(
        "org_manual",
        revision=upgraded.revision,
        ready_revision=upgraded.ready_revision,
        generation=2,
        upgrade_policy=UpgradePolicy.MANUAL,
    )
    assert not get_installed(services, manual, NAME).lock.is_superseded
    with pytest.raises(Conflict, match="already"):
        change.upgrade(services, manual, NAME, None, "user_1")
    back = change.rollback(services, manual, NAME, "user_1").row
    assert (back.revision.lock_sha256, back.generation) == (world.first_lock, 3)


def test_a_lock_that_its_version_got_while_it_was_yanked_is_rolled_out_once_that_is_published_again(
    backend: Backend,
) -> None:
    world = Relocked(backend, installations=2)
    backend.clock.turn(minutes=1)
    (event,) = world.relock("e")
    yank(backend.services, ADA, NAME, "1.1.0", None)
    assert world.waves.begin(event) == "not rolled out by itself"
    unyank(backend.services, ADA, NAME, "1.1.0")
    world.deliver()
    assert world.run(world.rollout_id).succeeded == 2
    yank(backend.services, ADA, NAME, "1.1.0", None)
    unyank(backend.services, ADA, NAME, "1.1.0")
    assert world.deliver() == ["not rolled out by itself"], "that is of 1.0.0: the lock has its rollout"


def test_a_version_that_keeps_its_lock_has_no_rollout_of_it_after_a_yank(backend: Backend) -> None:
    world = Relocked(backend, installations=2)
    world.waves.begin(world.publish("1.2.0"))
    yank(backend.services, ADA, NAME, "1.1.0", None)
    unyank(backend.services, ADA, NAME, "1.1.0")
    world.deliver()
    assert [one.rollout_id for one in backend.store.rollouts_of(NAME, 10)] == ["1.2.0"]

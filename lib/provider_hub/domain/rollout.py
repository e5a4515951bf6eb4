"""Rollouts: a new version reaches the installations with policy `auto` in waves; each wave tests it for the next.

A version that was locked again reaches in the same way those that are on it.

The waves are one installation (and those of the canary organizations), a tenth, and the rest. A wave starts when every
upgrade of the wave before has ended and the version has then run for a while. One organization's fault may be its own,
so another installation takes the place of a failed one in its wave. The rollout halts, until its author or the platform
resumes it, once too large a share of a wave failed and that in at least three organizations, or in one canary.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.installation import Health, Installation, LifecycleState
from provider_hub.domain.names import ProviderName
from provider_hub.domain.versions import rollout_id

LAST_WAVE = 3
# How many organizations must fail: one or two may do so for reasons of their own.
LEAST_FAILED_ORGANIZATIONS = 3


class RolloutState(StrEnum):
    """WAITING: the release is too young. BAKING: between two waves. The last four take no more steps.

    HALTED and PAUSED go on once somebody resumes them: the first halted by itself, the second was told to wait. A
    SUPERSEDED one goes on once nothing that superseded it is published any more.
    """

    WAITING = "waiting"
    RUNNING = "running"
    BAKING = "baking"
    HALTED = "halted"
    PAUSED = "paused"
    SUPERSEDED = "superseded"
    DONE = "done"


ACTIVE = frozenset({RolloutState.WAITING, RolloutState.RUNNING, RolloutState.BAKING})
# Somebody has to resume these. No installation is offered anything until then.
HELD = frozenset({RolloutState.HALTED, RolloutState.PAUSED})
# No installation waits for a superseded rollout, but its author may resume it.
RESUMABLE = HELD | {RolloutState.SUPERSEDED}


class MemberState(StrEnum):
    """How an installation's upgrade went. `LEFT`: its tenant chose something else meanwhile."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Member:
    """An installation that a rollout upgraded, in which wave, and how that went."""

    organization_id: str
    prefix: str
    name: str
    installation_id: str
    wave: int
    state: MemberState
    started_at: datetime
    settled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """The rollout of one version. `due_at` is the time of its next step, None where there is none.

    `lock_sha256` is the lock that a version got which was published before: its rollout takes the installations of that
    very version to the lock. It is None for the rollout of a new version, which takes those of older ones to it.
    `candidates` is the number of installations with policy `auto` at the start. `cursor` is the path of the last
    installation that was offered the version. `exhausted` means that there are no more behind it. `wave_started` and
    `wave_failed` count within the wave, the other counters over all waves. `wave_unwell` is how many of the wave
    were not well when it last had baked. `canaries` is how many installations the canary organizations have.
    `paused_from` and `paused_due_at` are the state and `due_at` to which one that is paused or superseded goes back. If
    the platform paused it (`paused_by_platform`), the author cannot resume it.
    """

    prefix: str
    name: str
    version: str
    state: RolloutState
    candidates: int
    created_at: datetime
    updated_at: datetime
    due_at: datetime | None
    step: int = 0
    wave: int = 1
    wave_started: int = 0
    wave_failed: int = 0
    wave_unwell: int = 0
    canaries: int = 0
    started: int = 0
    succeeded: int = 0
    failed: int = 0
    left: int = 0
    cursor: str | None = None
    exhausted: bool = False
    halted_reason: str | None = None
    paused_from: RolloutState | None = None
    paused_due_at: datetime | None = None
    lock_sha256: str | None = None
    paused_by_platform: bool = False

    @property
    def rollout_id(self) -> str:
        """Its name among the provider's rollouts: the version, with the beginning of the lock where it is for one."""
        return rollout_id(self.version, self.lock_sha256)

    @property
    def provider_name(self) -> ProviderName:
        """The provider whose version it is."""
        return ProviderName(self.prefix, self.name)

    @property
    def unsettled(self) -> int:
        """How many upgrades have started and not ended."""
        return self.started - self.succeeded - self.failed - self.left

    @property
    def room(self) -> int:
        """How many more installations this wave may still upgrade; each that failed in it makes room for another."""
        size = max(wave_size(self.wave, self.candidates), self.canaries if self.wave == 1 else 0)
        return 0 if self.exhausted else max(0, size + self.wave_failed + self.wave_unwell - self.wave_started)


@dataclass(frozen=True, slots=True)
class Pace:
    """How careful rollouts are.

    `minimum_age` is the least age of a release, `bake` the time between waves, `poll` the time between two steps while
    upgrades are under way, and `failures_percent` the share of a wave that may fail. `canaries` are the ids of the
    organizations that get a version first, and of which one that fails is enough to halt.
    """

    minimum_age: timedelta
    bake: timedelta
    poll: timedelta
    failures_percent: float
    canaries: frozenset[str] = frozenset()


def wave_size(wave: int, candidates: int) -> int:
    """The size of a wave: 1, a tenth of `candidates`, then without limit, as there may be more installations by now."""
    sizes = {1: 1, 2: max(1, ceil(candidates / 10))}
    return sizes.get(wave, 2**31)


def fate(member: Member, row: Installation | None, version: str, lock_sha256: str | None = None) -> MemberState:
    """A member's state by its installation as it is now."""
    if row is None or row.installation_id != member.installation_id:
        return MemberState.LEFT
    if _failed_since(row, version, lock_sha256, member.started_at):
        return MemberState.FAILED
    if not _is_on(row, version, lock_sha256) or row.lifecycle_state is LifecycleState.DELETING:
        return MemberState.LEFT
    if row.lifecycle_state is LifecycleState.FAILED:
        return MemberState.FAILED
    return MemberState.SUCCEEDED if row.lifecycle_state is LifecycleState.READY else MemberState.STARTED


def _is_on(row: Installation, version: str, lock_sha256: str | None) -> bool:
    return row.installed_version == version and lock_sha256 in (None, row.revision.lock_sha256)


def _failed_since(row: Installation, version: str, lock_sha256: str | None, since: datetime) -> bool:
    """Whether the version, or its lock, failed for this installation, also where it was rolled back by now.

    The first deadline that passes blames no version (`failed_versions`), but it counts as a failure of the wave.
    """
    if rollout_id(version, lock_sha256) in row.failed_versions:
        return True
    return any(
        entry.to_state is LifecycleState.FAILED and entry.version == version and entry.at >= since
        for entry in row.timeline
    )


def started_one(rollout: Rollout) -> Rollout:
    """The rollout after one more slot of the wave was taken."""
    return replace(rollout, started=rollout.started + 1, wave_started=rollout.wave_started + 1)


def settled(rollout: Rollout, member: Member, pace: Pace) -> Rollout:
    """Count a member that has ended; halt when more of this wave failed than `pace` permits."""
    if member.state is MemberState.SUCCEEDED:
        return replace(rollout, succeeded=rollout.succeeded + 1)
    if member.state is not MemberState.FAILED:
        return replace(rollout, left=rollout.left + 1)
    counted = replace(rollout, failed=rollout.failed + 1, wave_failed=rollout.wave_failed + 1)
    if counted.state not in ACTIVE:
        return counted
    if member.organization_id in pace.canaries:
        return halted(counted, "the upgrade of a canary organization failed")
    if _is_permitted(counted.wave_failed, counted, pace):
        return counted
    return halted(counted, f"{counted.wave_failed} of {counted.wave_started} upgrades of wave {counted.wave} failed")


def is_unwell(member: Member, row: Installation | None, version: str, lock_sha256: str | None = None) -> bool:
    """Whether an installation is degraded or failed since its upgrade succeeded. Baking waits for such failures."""
    if member.state is not MemberState.SUCCEEDED or row is None or row.installation_id != member.installation_id:
        return False
    if _failed_since(row, version, lock_sha256, member.started_at):
        return True
    return _is_on(row, version, lock_sha256) and row.health is Health.DEGRADED


def baked(rollout: Rollout, unwell: Sequence[Member], pace: Pace) -> Rollout:
    """The rollout after its wave has baked: halted when more of the wave are unwell than `pace` permits."""
    if any(member.organization_id in pace.canaries for member in unwell):
        return halted(rollout, "a canary organization is not well since its upgrade")
    if _is_permitted(rollout.wave_failed + len(unwell), rollout, pace):
        return replace(rollout, wave_unwell=len(unwell))
    return halted(
        rollout, f"{len(unwell)} of {rollout.wave_started} installations of wave {rollout.wave} are not well since"
    )


def halted(rollout: Rollout, reason: str) -> Rollout:
    """The rollout without a next step, until its author resumes it.

    `reason` is for the author, who may be a tenant: it names no organization.
    """
    return replace(rollout, state=RolloutState.HALTED, halted_reason=reason, due_at=None)


def moved_on(rollout: Rollout, now: datetime, pace: Pace) -> Rollout:
    """The rollout after a step: its wave goes on, bakes, or ends and the next begins; or the rollout is done."""
    match rollout.state:
        case RolloutState.WAITING if rollout.step and now < rollout.created_at + pace.minimum_age:
            # It was resumed, and its release may still be too young: `resumed` does not know the pace.
            return replace(rollout, due_at=rollout.created_at + pace.minimum_age, updated_at=now)
        case RolloutState.WAITING:
            return replace(rollout, state=RolloutState.RUNNING, due_at=now, updated_at=now)
        case RolloutState.BAKING if rollout.room:  # another installation takes the place of one that is not well
            return replace(rollout, state=RolloutState.RUNNING, due_at=now, updated_at=now)
        case RolloutState.BAKING:
            return _next_wave(rollout, now)
        case RolloutState.RUNNING:
            return _after_run(rollout, now, pace)
    return rollout


def _after_run(rollout: Rollout, now: datetime, pace: Pace) -> Rollout:
    if rollout.room or rollout.unsettled:
        return replace(rollout, due_at=now + pace.poll, updated_at=now)
    if not rollout.exhausted and rollout.wave < LAST_WAVE:
        return replace(rollout, state=RolloutState.BAKING, due_at=now + pace.bake, updated_at=now)
    if rollout.failed and not rollout.succeeded:
        return replace(halted(rollout, "every upgrade failed"), updated_at=now)
    return replace(rollout, state=RolloutState.DONE, due_at=None, updated_at=now)


def can_be_paused(rollout: Rollout, *, by_platform: bool) -> bool:
    """Whether a pause changes anything. The platform's also keeps the author from resuming a halted or paused one."""
    if rollout.state in ACTIVE:
        return True
    return by_platform and rollout.state in HELD and not rollout.paused_by_platform


def paused(rollout: Rollout, now: datetime, *, by_platform: bool = False) -> Rollout:
    """A rollout that takes no step until it is resumed; the upgrades that it has started go on.

    One that its author has paused stays so, and becomes the platform's.
    """
    if rollout.state is RolloutState.PAUSED:
        return replace(rollout, paused_by_platform=by_platform, updated_at=now)
    return replace(
        rollout,
        paused_by_platform=by_platform,
        state=RolloutState.PAUSED,
        paused_from=rollout.state,
        paused_due_at=rollout.due_at,
        due_at=None,
        updated_at=now,
    )


def resumed(rollout: Rollout, now: datetime) -> Rollout:
    """A rollout that goes on: a halted one with its wave, whose failures no longer count; a paused one where it was.

    A paused one counts them still, and its release has to be as old as before. So does a superseded one, which looks at
    all installations again: what became READY meanwhile was given up for the version that superseded it. One that was
    paused while it was halted goes on as a halted one does. A halted one that has reached the last installation begins
    with the first again: otherwise it would halt at once, and those that missed a deadline may take the version by now.

    The document of a superseded one may be from before it kept where the rollout was. Such a rollout waits, and its
    next step sees to its release's age.
    """
    back = replace(
        rollout,
        paused_from=None,
        paused_due_at=None,
        paused_by_platform=False,
        halted_reason=None,
        updated_at=now,
    )
    if rollout.state is RolloutState.SUPERSEDED or (rollout.exhausted and rollout.paused_from not in ACTIVE):
        back = replace(back, cursor=None, exhausted=False)
    if rollout.paused_from in ACTIVE:
        return replace(back, state=rollout.paused_from, due_at=max(now, rollout.paused_due_at or now))
    if rollout.state is RolloutState.SUPERSEDED:
        return replace(back, state=RolloutState.WAITING, due_at=now)
    # Those that failed fill no place in the wave: otherwise it would be full, and the next, larger one would begin.
    started = back.wave_started - back.wave_failed
    return replace(back, state=RolloutState.RUNNING, wave_started=started, wave_failed=0, wave_unwell=0, due_at=now)


def from_the_start(rollout: Rollout, now: datetime) -> Rollout:
    """The rollout of a version that is published again: it looks at all installations again.

    What became READY while the version was yanked was offered another one, or none. A rollout that was done goes on
    with its last wave. The step is a new one, so that one that is under way does not write its old cursor.
    """
    again = replace(rollout, cursor=None, exhausted=False)
    if rollout.state is RolloutState.DONE:
        last = replace(again, state=RolloutState.RUNNING, wave=LAST_WAVE, due_at=now, updated_at=now)
        return replace(last, step=rollout.step + 1, wave_started=0, wave_failed=0, wave_unwell=0)
    return rollout if again == rollout else replace(again, step=rollout.step + 1, updated_at=now)


def _is_permitted(failures: int, rollout: Rollout, pace: Pace) -> bool:
    """Every installation of a provider is another organization's, so failures are counted as organizations."""
    if failures < min(LEAST_FAILED_ORGANIZATIONS, rollout.candidates):
        return True
    return failures * 100 <= pace.failures_percent * rollout.wave_started


def _next_wave(rollout: Rollout, now: datetime) -> Rollout:
    return replace(
        rollout,
        state=RolloutState.RUNNING,
        wave=rollout.wave + 1,
        wave_started=0,
        wave_failed=0,
        wave_unwell=0,
        due_at=now,
        updated_at=now,
    )

"""Rollouts: a new version reaches the installations with policy `auto` in waves, each a proof for the next.

One installation, then a tenth, then the rest. A wave starts once everything of the one before has settled
and has then run for a while; too many failures in a wave halt the rollout until its author resumes it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from provider_hub.domain.installation import Health, Installation, LifecycleState, UpgradePolicy
from provider_hub.domain.names import ProviderName
from provider_hub.domain.versions import Version, is_newer

LAST_WAVE = 3


class RolloutState(StrEnum):
    """`WAITING` for the release to be old enough, `BAKING` between two waves; the last three are ends."""

    WAITING = "waiting"
    RUNNING = "running"
    BAKING = "baking"
    HALTED = "halted"
    SUPERSEDED = "superseded"
    DONE = "done"


ACTIVE = frozenset({RolloutState.WAITING, RolloutState.RUNNING, RolloutState.BAKING})


class MemberState(StrEnum):
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Member:
    """An installation that a rollout upgraded; `LEFT` when its tenant chose something else meanwhile."""

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
    """One version's way to the installations. `due_at` is when it wants to be looked at next, None never again.

    `cursor` is the last installation that was looked at, as the path of its document; `wave_started` and
    `wave_failed` count within the wave, the others in all.
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
    started: int = 0
    succeeded: int = 0
    failed: int = 0
    left: int = 0
    cursor: str | None = None
    exhausted: bool = False
    halted_reason: str | None = None

    @property
    def provider_name(self) -> ProviderName:
        return ProviderName(self.prefix, self.name)

    @property
    def unsettled(self) -> int:
        return self.started - self.succeeded - self.failed - self.left

    @property
    def room(self) -> int:
        """How many more installations this wave may still upgrade."""
        return 0 if self.exhausted else max(0, wave_size(self.wave, self.candidates) - self.wave_started)


@dataclass(frozen=True, slots=True)
class Pace:
    """How careful rollouts are: the least age of a release, the run between waves, the failures borne (percent)."""

    minimum_age: timedelta
    bake: timedelta
    poll: timedelta
    failures_percent: float


def wave_size(wave: int, candidates: int) -> int:
    """1, then a tenth, then the rest (there may be more by now than were counted at the start)."""
    sizes = {1: 1, 2: max(1, ceil(candidates / 10))}
    return sizes.get(wave, 2**31)


def is_offered(version: str, latest: str | None) -> bool:
    """Whether a published version is rolled out by itself: the latest, and no pre-release."""
    return version == latest and not Version.parse(version).is_prerelease


def wants(row: Installation, version: str) -> bool:
    """Whether an installation is upgraded to `version` by itself: it asks for that, is well, and was not hurt by it."""
    return (
        row.upgrade_policy is UpgradePolicy.AUTO
        and row.lifecycle_state is LifecycleState.READY
        and version not in row.failed_versions
        and is_newer(version, than=row.installed_version)
        and (row.allow_major_upgrades or _major(version) == _major(row.installed_version))
    )


def fate(member: Member, row: Installation | None, version: str) -> MemberState:
    """What became of a member, by its installation as it is now."""
    if row is None or row.installation_id != member.installation_id:
        return MemberState.LEFT
    if version in row.failed_versions:
        return MemberState.FAILED
    if row.installed_version != version or row.lifecycle_state is LifecycleState.DELETING:
        return MemberState.LEFT
    if row.lifecycle_state is LifecycleState.FAILED:
        return MemberState.FAILED
    return MemberState.SUCCEEDED if row.lifecycle_state is LifecycleState.READY else MemberState.STARTED


def started_one(rollout: Rollout) -> Rollout:
    """One more slot of the wave is taken."""
    return replace(rollout, started=rollout.started + 1, wave_started=rollout.wave_started + 1)


def settled(rollout: Rollout, state: MemberState, pace: Pace) -> Rollout:
    """Count what became of one member; halt when more of this wave failed than are borne."""
    if state is MemberState.SUCCEEDED:
        return replace(rollout, succeeded=rollout.succeeded + 1)
    if state is not MemberState.FAILED:
        return replace(rollout, left=rollout.left + 1)
    counted = replace(rollout, failed=rollout.failed + 1, wave_failed=rollout.wave_failed + 1)
    if counted.state not in ACTIVE or _is_borne(counted.wave_failed, counted, pace):
        return counted
    return halted(counted, f"{counted.wave_failed} of {counted.wave_started} upgrades of wave {counted.wave} failed")


def is_unwell(member: Member, row: Installation | None, version: str) -> bool:
    """Whether an installation whose upgrade succeeded has fared badly since: what baking is there to show."""
    if member.state is not MemberState.SUCCEEDED or row is None or row.installation_id != member.installation_id:
        return False
    if version in row.failed_versions:
        return True
    return row.installed_version == version and row.health is Health.DEGRADED


def baked(rollout: Rollout, unwell: int, pace: Pace) -> Rollout:
    """A rollout whose wave has run for a while: halted when more of it fare badly than are borne."""
    if not unwell or _is_borne(unwell, rollout, pace):
        return rollout
    return halted(
        rollout, f"{unwell} of {rollout.wave_started} installations of wave {rollout.wave} are not well since"
    )


def halted(rollout: Rollout, reason: str) -> Rollout:
    """No further installation is upgraded until the author resumes."""
    return replace(rollout, state=RolloutState.HALTED, halted_reason=reason, due_at=None)


def moved_on(rollout: Rollout, now: datetime, pace: Pace) -> Rollout:
    """The rollout after a look at it: the wave goes on, bakes, gives way to the next, or all is done."""
    if rollout.state is RolloutState.WAITING:
        return replace(rollout, state=RolloutState.RUNNING, due_at=now, updated_at=now)
    if rollout.state is RolloutState.BAKING:
        return _next_wave(rollout, now)
    if rollout.state is not RolloutState.RUNNING:
        return rollout
    if rollout.room or rollout.unsettled:
        return replace(rollout, due_at=now + pace.poll, updated_at=now)
    if rollout.exhausted or rollout.wave == LAST_WAVE:
        return replace(rollout, state=RolloutState.DONE, due_at=None, updated_at=now)
    return replace(rollout, state=RolloutState.BAKING, due_at=now + pace.bake, updated_at=now)


def resumed(rollout: Rollout, now: datetime) -> Rollout:
    """A halted rollout goes on with its wave, its failures forgiven."""
    return replace(rollout, state=RolloutState.RUNNING, wave_failed=0, halted_reason=None, due_at=now, updated_at=now)


def _is_borne(failures: int, rollout: Rollout, pace: Pace) -> bool:
    return failures * 100 <= pace.failures_percent * rollout.wave_started


def _next_wave(rollout: Rollout, now: datetime) -> Rollout:
    return replace(
        rollout,
        state=RolloutState.RUNNING,
        wave=rollout.wave + 1,
        wave_started=0,
        wave_failed=0,
        due_at=now,
        updated_at=now,
    )


def _major(version: str) -> int:
    return Version.parse(version).major

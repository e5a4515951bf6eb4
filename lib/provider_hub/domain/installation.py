"""The installation and its state machine: what a row is, and the only ways it ever changes.

`advance` is a pure function of the row, one event and the time. Every event carries the installation's id
and the generation it speaks of; one of an earlier life or an older generation changes nothing, so that
duplicates, delays and reorderings need no further care anywhere else.

TRANSITIONS is the whole machine as a table; `advance` refuses what the table does not have.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from provider_hub.domain.names import ProviderName

TIMELINE_LENGTH = 50
REASON_LENGTH = 1000
REMEMBERED_FAILURES = 50
RECOVERY_CHECK_INS = 2


class LifecycleState(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"
    DELETING = "deleting"


class Health(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"


class ResourceTier(StrEnum):
    FREE = "free"
    STANDARD = "standard"
    PERFORMANCE = "performance"


class UpgradePolicy(StrEnum):
    AUTO = "auto"
    MANUAL = "manual"


class Trigger(StrEnum):
    """What can happen to an installation."""

    INSTALL = "install"
    TAKEN = "taken by the installer"
    CHECK_IN = "check-in"
    DEPLOY_FAILED = "deploy failed"
    DEADLINE = "deadline passed"
    ROLLBACK = "rollback"
    CHANGE = "change requested"
    SILENCE = "silence"
    DRIFT = "drift repaired"
    UNINSTALL = "uninstall"
    OBJECTS_GONE = "objects gone"


_STARTING = (LifecycleState.PENDING, LifecycleState.PROCESSING)
_ALIVE = (*_STARTING, LifecycleState.READY, LifecycleState.FAILED)

TRANSITIONS: dict[tuple[LifecycleState | None, Trigger], LifecycleState | None] = {
    (None, Trigger.INSTALL): LifecycleState.PENDING,
    (LifecycleState.PENDING, Trigger.TAKEN): LifecycleState.PROCESSING,
    **{(state, Trigger.CHECK_IN): LifecycleState.READY for state in _ALIVE},
    **{(state, Trigger.DEPLOY_FAILED): LifecycleState.FAILED for state in _STARTING},
    **{(state, Trigger.DEADLINE): LifecycleState.FAILED for state in _STARTING},
    (LifecycleState.FAILED, Trigger.ROLLBACK): LifecycleState.PENDING,
    **{(state, Trigger.CHANGE): LifecycleState.PENDING for state in _ALIVE},
    (LifecycleState.READY, Trigger.SILENCE): LifecycleState.READY,
    (LifecycleState.READY, Trigger.DRIFT): LifecycleState.READY,
    **{(state, Trigger.UNINSTALL): LifecycleState.DELETING for state in _ALIVE},
    (LifecycleState.DELETING, Trigger.DEADLINE): LifecycleState.DELETING,
    (LifecycleState.DELETING, Trigger.OBJECTS_GONE): None,
}
"""(from, trigger) → to. `None` is "no row". A FAILED row takes a check-in only when it failed by its deadline;
a removal that overruns its deadline is asked for again, since there is nothing to fall back to."""


class RequestKind(StrEnum):
    """What the installer is asked for by an outbox entry."""

    INSTALL = "INSTALL_REQUESTED"
    UPGRADE = "UPGRADE_REQUESTED"
    UNINSTALL = "UNINSTALL_REQUESTED"


@dataclass(frozen=True, slots=True)
class Revision:
    """What should run: it changes as a whole, and a rollback restores it as a whole."""

    version: str
    resource_tier: ResourceTier
    config: dict[str, str]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened: when, to which generation, who or what caused it, and why."""

    at: datetime
    event: Trigger
    from_state: LifecycleState | None
    to_state: LifecycleState | None
    generation: int
    version: str
    cause: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A provider in a tenant.

    `revision` is what should run, `ready_revision` what last did; `current_version` is the version whose
    runtime last checked in. `deadline_at` is set exactly while something is awaited. `failed_versions` are
    never auto-upgraded to again.
    """

    organization_id: str
    organization_slug: str
    prefix: str
    name: str
    installation_id: str
    generation: int
    revision: Revision
    upgrade_policy: UpgradePolicy
    lifecycle_state: LifecycleState
    created_at: datetime
    updated_at: datetime
    rollback_on_failure: bool = True
    allow_major_upgrades: bool = False
    current_version: str | None = None
    ready_revision: Revision | None = None
    ready_generation: int | None = None
    health: Health = Health.HEALTHY
    health_message: str | None = None
    healthy_streak: int = 0
    last_check_in_at: datetime | None = None
    active_resources: int = 0
    deadline_at: datetime | None = None
    failed_by_deadline: bool = False
    is_rollback: bool = False
    failure_message: str | None = None
    failed_versions: tuple[str, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()

    @property
    def provider_name(self) -> ProviderName:
        return ProviderName(self.prefix, self.name)

    @property
    def canonical(self) -> str:
        return self.provider_name.canonical

    @property
    def installed_version(self) -> str:
        return self.revision.version


@dataclass(frozen=True, slots=True)
class InstallationRequest:
    """What the installer is to do about one generation; its id is unique since a generation is asked for once."""

    kind: RequestKind
    organization_id: str
    provider: str
    installation_id: str
    generation: int
    version: str
    requested_at: datetime

    @property
    def event_id(self) -> str:
        return f"{self.installation_id}-{self.generation}"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a state may wait for the next: PENDING `queue`; PROCESSING and DELETING `deploy`.

    `check_in_writes` is the least time between two writes of a check-in that says nothing new.
    """

    queue: timedelta
    deploy: timedelta
    check_in_writes: timedelta


@dataclass(frozen=True, slots=True)
class Taken:
    """The installer starts on this generation."""

    installation_id: str
    generation: int


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """A runtime whose token was verified says how it is."""

    installation_id: str
    generation: int
    version: str
    health: Health
    message: str | None = None
    active_resources: int = 0


@dataclass(frozen=True, slots=True)
class DeployFailed:
    """This generation can never become READY; `reason` names the cause."""

    installation_id: str
    generation: int
    reason: str
    cause: str


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """Somebody looked at the clock; `reason` is what the cluster showed then."""

    installation_id: str
    generation: int
    reason: str


@dataclass(frozen=True, slots=True)
class ChangeRequested:
    """A person, or an auto-upgrade, wants something else to run (or the same once more)."""

    installation_id: str
    revision: Revision
    cause: str
    reason: str


@dataclass(frozen=True, slots=True)
class FellSilent:
    """No check-in since `cutoff`."""

    installation_id: str
    generation: int
    cutoff: datetime


@dataclass(frozen=True, slots=True)
class DriftRepaired:
    """The cluster no longer showed what this generation is, and was brought back to it; `what` names the objects."""

    installation_id: str
    generation: int
    what: str


@dataclass(frozen=True, slots=True)
class UninstallRequested:
    installation_id: str
    cause: str


@dataclass(frozen=True, slots=True)
class ObjectsGone:
    """The cluster was looked at and shows nothing of this installation any more."""

    installation_id: str
    generation: int


Event = (
    Taken
    | CheckedIn
    | DeployFailed
    | DeadlinePassed
    | ChangeRequested
    | FellSilent
    | DriftRepaired
    | UninstallRequested
    | ObjectsGone
)


class Outcome(StrEnum):
    """What an event came to: `STALE` speaks of another life or generation, `UNCHANGED` says nothing new."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    STALE = "stale"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Step:
    """The row after an event (None: removed), and what the installer is to be asked for, if anything."""

    row: Installation | None
    outcome: Outcome
    request: InstallationRequest | None = None

    @property
    def kept(self) -> Installation:
        """The row of a step that does not remove it."""
        if self.row is None:
            raise ValueError("this step removed the row")
        return self.row


def install(row: Installation, deadlines: Deadlines, cause: str) -> Step:
    """The first step of a new life: `row` as wished for becomes generation 1, PENDING."""
    first = replace(
        row,
        generation=1,
        lifecycle_state=LifecycleState.PENDING,
        deadline_at=row.created_at + deadlines.queue,
        timeline=(
            TimelineEntry(
                row.created_at, Trigger.INSTALL, None, LifecycleState.PENDING, 1, row.installed_version, cause
            ),
        ),
    )
    return Step(first, Outcome.CHANGED, _request(RequestKind.INSTALL, first))


def advance(row: Installation | None, event: Event, now: datetime, deadlines: Deadlines) -> Step:
    """Apply one event to the row as it was just read. Never raises: what does not apply changes nothing."""
    if row is None or event.installation_id != row.installation_id:
        return Step(row, Outcome.STALE)
    if not isinstance(event, ChangeRequested | UninstallRequested) and event.generation != row.generation:
        return Step(row, Outcome.STALE)
    trigger, handle = _HANDLERS[type(event)]
    if (row.lifecycle_state, trigger) not in TRANSITIONS:
        return Step(row, Outcome.UNCHANGED)
    return handle(row, event, now, deadlines)


def _taken(row: Installation, _event: Taken, now: datetime, deadlines: Deadlines) -> Step:
    return _moved(row, Trigger.TAKEN, now, cause="installer", deadline_at=now + deadlines.deploy)


def _checked_in(row: Installation, event: CheckedIn, now: datetime, deadlines: Deadlines) -> Step:
    if event.version != row.installed_version:
        return Step(row, Outcome.STALE)
    if row.lifecycle_state is LifecycleState.READY:
        return _health_reported(row, event, now, deadlines)
    if row.lifecycle_state is LifecycleState.FAILED and not row.failed_by_deadline:
        return Step(row, Outcome.UNCHANGED)
    recovered = row.lifecycle_state is LifecycleState.FAILED
    return _moved(
        row,
        Trigger.CHECK_IN,
        now,
        cause="runtime",
        reason="recovered: the runtime checked in after its deadline" if recovered else None,
        current_version=row.installed_version,
        ready_revision=row.revision,
        ready_generation=row.generation,
        health=event.health,
        health_message=event.message if event.health is Health.DEGRADED else None,
        healthy_streak=0,
        last_check_in_at=now,
        active_resources=event.active_resources,
        deadline_at=None,
        failed_by_deadline=False,
        failure_message=row.failure_message if row.is_rollback else None,
        failed_versions=tuple(version for version in row.failed_versions if version != row.installed_version),
    )


def _health_reported(row: Installation, event: CheckedIn, now: datetime, deadlines: Deadlines) -> Step:
    """READY stays READY; health follows the check-ins, a recovery only after two healthy ones in a row.

    One that says nothing new is not worth a write until the last write is old enough: check-ins are
    the most frequent message of the whole system.
    """
    seen: dict[str, Any] = {"last_check_in_at": now, "active_resources": event.active_resources}
    if event.health is Health.DEGRADED:
        if row.health is Health.DEGRADED:
            return _still_degraded(row, event, now, deadlines)
        return _moved(
            row,
            Trigger.CHECK_IN,
            now,
            cause="runtime",
            reason=f"degraded: {event.message or 'no message'}",
            health=Health.DEGRADED,
            health_message=event.message,
            healthy_streak=0,
            **seen,
        )
    if row.health is Health.HEALTHY:
        return _quiet(row, event, now, deadlines)
    streak = row.healthy_streak + 1
    if streak < RECOVERY_CHECK_INS:
        return Step(replace(row, healthy_streak=streak, **seen), Outcome.CHANGED)
    return _moved(
        row,
        Trigger.CHECK_IN,
        now,
        cause="runtime",
        reason="healthy again",
        health=Health.HEALTHY,
        health_message=None,
        healthy_streak=0,
        **seen,
    )


def _still_degraded(row: Installation, event: CheckedIn, now: datetime, deadlines: Deadlines) -> Step:
    """A new message is worth a write, but no entry in the timeline: some messages count something."""
    if row.health_message == event.message and row.healthy_streak == 0:
        return _quiet(row, event, now, deadlines)
    told = replace(
        row,
        health_message=event.message,
        healthy_streak=0,
        last_check_in_at=now,
        active_resources=event.active_resources,
    )
    return Step(told, Outcome.CHANGED)


def _quiet(row: Installation, event: CheckedIn, now: datetime, deadlines: Deadlines) -> Step:
    fresh = row.last_check_in_at is not None and now - row.last_check_in_at < deadlines.check_in_writes
    if fresh and event.active_resources == row.active_resources:
        return Step(row, Outcome.UNCHANGED)
    return Step(replace(row, last_check_in_at=now, active_resources=event.active_resources), Outcome.CHANGED)


def _fell_silent(row: Installation, event: FellSilent, now: datetime, _deadlines: Deadlines) -> Step:
    if row.health is Health.DEGRADED or (row.last_check_in_at and row.last_check_in_at > event.cutoff):
        return Step(row, Outcome.UNCHANGED)
    since = row.last_check_in_at or row.updated_at
    message = f"no check-in since {since:%Y-%m-%dT%H:%M:%SZ}"
    return _moved(
        row,
        Trigger.SILENCE,
        now,
        cause="sweeper",
        reason=message,
        health=Health.DEGRADED,
        health_message=message,
        healthy_streak=0,
    )


def _deploy_failed(row: Installation, event: DeployFailed, now: datetime, deadlines: Deadlines) -> Step:
    return _failed(row, Trigger.DEPLOY_FAILED, event.reason, event.cause, now, deadlines)


def _deadline_passed(row: Installation, event: DeadlinePassed, now: datetime, deadlines: Deadlines) -> Step:
    if row.deadline_at is None or now < row.deadline_at:
        return Step(row, Outcome.UNCHANGED)
    if row.lifecycle_state is LifecycleState.DELETING:
        return _removal_overran(row, event, now, deadlines)
    return _failed(row, Trigger.DEADLINE, event.reason, "deadline", now, deadlines)


def _removal_overran(row: Installation, event: DeadlinePassed, now: datetime, deadlines: Deadlines) -> Step:
    moved = _moved(
        row,
        Trigger.DEADLINE,
        now,
        cause="deadline",
        reason=f"asked for the removal again: {_trimmed(event.reason)}",
        deadline_at=now + deadlines.deploy,
        failure_message=_trimmed(f"removal takes long: {event.reason}"),
    )
    return replace(moved, request=_request(RequestKind.UNINSTALL, moved.kept))


def _failed(row: Installation, trigger: Trigger, reason: str, cause: str, now: datetime, deadlines: Deadlines) -> Step:
    reason = _trimmed(reason)
    failed = _moved(
        row,
        trigger,
        now,
        cause=cause,
        reason=reason,
        deadline_at=None,
        failed_by_deadline=trigger is Trigger.DEADLINE,
        failure_message=_failure_message(row, reason),
        failed_versions=_remembering(row),
    )
    restored = _restorable(row)
    return _rolled_back(failed.kept, restored, reason, now, deadlines) if restored else failed


def _restorable(row: Installation) -> Revision | None:
    """What a failure goes back to: once, and only to something else than what just failed, so that no loop is."""
    if not row.rollback_on_failure or row.is_rollback or row.ready_revision == row.revision:
        return None
    return row.ready_revision


def _rolled_back(row: Installation, restored: Revision, reason: str, now: datetime, deadlines: Deadlines) -> Step:
    what = f"{row.installed_version} failed" if restored.version != row.installed_version else "the change failed"
    return _next_generation(
        row,
        Trigger.ROLLBACK,
        RequestKind.UPGRADE,
        now,
        deadlines,
        cause="rollback",
        reason=f"back to {restored.version}",
        revision=restored,
        is_rollback=True,
        failed_by_deadline=False,
        failure_message=_trimmed(f"{what}: {reason}") + f"; restored {restored.version}",
    )


def _failure_message(row: Installation, reason: str) -> str:
    """What failed; when the rollback itself failed, what it was to undo stays told."""
    now = _trimmed(f"{row.installed_version} failed: {reason}")
    if row.is_rollback and row.failure_message:
        return f"{_trimmed(row.failure_message)}; then the rollback failed: {_trimmed(reason)}"
    return now


def _remembering(row: Installation) -> tuple[str, ...]:
    """A version is to blame only where another one was READY before, or none ever was."""
    version = row.installed_version
    if (row.ready_revision and row.ready_revision.version == version) or version in row.failed_versions:
        return row.failed_versions
    return (*row.failed_versions, version)[-REMEMBERED_FAILURES:]


def _change_requested(row: Installation, event: ChangeRequested, now: datetime, deadlines: Deadlines) -> Step:
    return _next_generation(
        row,
        Trigger.CHANGE,
        RequestKind.UPGRADE,
        now,
        deadlines,
        cause=event.cause,
        reason=event.reason,
        revision=event.revision,
        is_rollback=False,
        failed_by_deadline=False,
        failure_message=None,
    )


def _drift_repaired(row: Installation, event: DriftRepaired, now: datetime, _deadlines: Deadlines) -> Step:
    return _moved(row, Trigger.DRIFT, now, cause="sweeper", reason=_trimmed(event.what))


def _uninstall_requested(row: Installation, event: UninstallRequested, now: datetime, deadlines: Deadlines) -> Step:
    return _next_generation(
        row,
        Trigger.UNINSTALL,
        RequestKind.UNINSTALL,
        now,
        replace(deadlines, queue=deadlines.deploy),
        cause=event.cause,
        failed_by_deadline=False,
        failure_message=None,
    )


def _objects_gone(row: Installation, _event: ObjectsGone, _now: datetime, _deadlines: Deadlines) -> Step:
    return Step(None, Outcome.REMOVED)


_Handler = Callable[[Installation, Any, datetime, Deadlines], Step]

_HANDLERS: dict[type[Event], tuple[Trigger, _Handler]] = {
    Taken: (Trigger.TAKEN, _taken),
    CheckedIn: (Trigger.CHECK_IN, _checked_in),
    DeployFailed: (Trigger.DEPLOY_FAILED, _deploy_failed),
    DeadlinePassed: (Trigger.DEADLINE, _deadline_passed),
    ChangeRequested: (Trigger.CHANGE, _change_requested),
    FellSilent: (Trigger.SILENCE, _fell_silent),
    DriftRepaired: (Trigger.DRIFT, _drift_repaired),
    UninstallRequested: (Trigger.UNINSTALL, _uninstall_requested),
    ObjectsGone: (Trigger.OBJECTS_GONE, _objects_gone),
}


def _next_generation(
    row: Installation,
    trigger: Trigger,
    kind: RequestKind,
    now: datetime,
    deadlines: Deadlines,
    *,
    cause: str,
    reason: str | None = None,
    **changes: Any,
) -> Step:
    grown = replace(row, generation=row.generation + 1, **changes)
    moved = _moved(
        grown,
        trigger,
        now,
        cause=cause,
        reason=reason,
        from_state=row.lifecycle_state,
        deadline_at=now + deadlines.queue,
    )
    return replace(moved, request=_request(kind, moved.kept))


def _moved(
    row: Installation,
    trigger: Trigger,
    now: datetime,
    *,
    cause: str,
    reason: str | None = None,
    from_state: LifecycleState | None = None,
    **changes: Any,
) -> Step:
    source = from_state or row.lifecycle_state
    target = TRANSITIONS[source, trigger]
    if target is None:
        raise ValueError(f"{trigger} removes the row")
    entry = TimelineEntry(now, trigger, source, target, row.generation, row.installed_version, cause, reason)
    moved = replace(
        row,
        lifecycle_state=target,
        updated_at=now,
        timeline=(*row.timeline, entry)[-TIMELINE_LENGTH:],
        **changes,
    )
    return Step(moved, Outcome.CHANGED)


def _request(kind: RequestKind, row: Installation) -> InstallationRequest:
    return InstallationRequest(
        kind,
        row.organization_id,
        row.canonical,
        row.installation_id,
        row.generation,
        row.installed_version,
        row.updated_at,
    )


def _trimmed(reason: str) -> str:
    return reason if len(reason) <= REASON_LENGTH else reason[: REASON_LENGTH - 1] + "…"

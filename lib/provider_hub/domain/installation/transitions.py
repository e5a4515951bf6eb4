"""`install` and `advance`: the only ways in which a row ever changes its state.

`advance` is a pure function of the row, one event and the time. An event of an earlier life or of an older
generation changes nothing. So duplicates, delays and reordered messages need no other care anywhere.
"""

from dataclasses import replace
from datetime import datetime

from provider_hub.domain.deadlines import Deadlines
from provider_hub.domain.installation.check_ins import checked_in, fell_silent, stopping
from provider_hub.domain.installation.events import (
    ChangeRequested,
    CheckedIn,
    DeadlinePassed,
    DeployFailed,
    DriftRepaired,
    Event,
    FellSilent,
    ObjectsGone,
    Stopping,
    Taken,
    UninstallRequested,
    UpgradeSkipped,
)
from provider_hub.domain.installation.failures import deadline_passed, deploy_failed
from provider_hub.domain.installation.state import POD_FORMAT, Installation, LifecycleState, TimelineEntry, Trigger
from provider_hub.domain.installation.steps import (
    Outcome,
    RequestKind,
    Step,
    moved,
    next_generation,
    request_for,
    trimmed,
    unchanged,
)
from provider_hub.domain.installation.table import TRANSITIONS


def install(row: Installation, deadlines: Deadlines, cause: str) -> Step:
    """The first step of a new life: `row` becomes generation 1 and PENDING, and the installer is asked for it."""
    entry = TimelineEntry(
        row.created_at, Trigger.INSTALL, None, LifecycleState.PENDING, 1, row.installed_version, cause
    )
    first = replace(
        row,
        generation=1,
        pod_format=POD_FORMAT,
        lifecycle_state=LifecycleState.PENDING,
        deadline_at=row.created_at + deadlines.queue,
        timeline=(entry,),
    )
    return Step(first, Outcome.CHANGED, request_for(RequestKind.INSTALL, first), moved=(entry,))


def advance(row: Installation | None, event: Event, now: datetime, deadlines: Deadlines) -> Step:
    """Apply one event to the row as it was just read. Never raises: an event that does not apply changes nothing."""
    if row is None or event.installation_id != row.installation_id:
        return Step(row, Outcome.STALE)
    if not isinstance(event, ChangeRequested | UninstallRequested) and event.generation != row.generation:
        return Step(row, Outcome.STALE)
    if (row.lifecycle_state, event.trigger) not in TRANSITIONS:
        return unchanged(row)
    return _applied(row, event, now, deadlines)


def _applied(  # noqa: PLR0911, C901 - one case for each event
    row: Installation, event: Event, now: datetime, deadlines: Deadlines
) -> Step:
    match event:
        case Taken():
            return moved(row, event.trigger, now, cause="installer", deadline_at=now + deadlines.deploy)
        case CheckedIn():
            return checked_in(row, event, now, deadlines)
        case Stopping():
            return stopping(row, event)
        case DeployFailed():
            return deploy_failed(row, event, now, deadlines)
        case DeadlinePassed():
            return deadline_passed(row, event, now, deadlines)
        case ChangeRequested():
            return _change_requested(row, event, now, deadlines)
        case FellSilent():
            return fell_silent(row, event, now, deadlines)
        case DriftRepaired():
            return moved(row, event.trigger, now, cause="sweeper", reason=trimmed(event.what))
        case UpgradeSkipped():
            return _upgrade_skipped(row, event, now)
        case UninstallRequested():
            return _uninstall_requested(row, event, now, deadlines)
        case ObjectsGone():
            return Step(None, Outcome.REMOVED)


def _change_requested(row: Installation, event: ChangeRequested, now: datetime, deadlines: Deadlines) -> Step:
    return next_generation(
        row,
        event.trigger,
        RequestKind.UPGRADE,
        now,
        deadlines.queue,
        cause=event.cause,
        reason=event.reason,
        revision=event.revision,
        is_rollback=False,
        failed_by_deadline=False,
        failure_message=None,
    )


def _upgrade_skipped(row: Installation, event: UpgradeSkipped, now: datetime) -> Step:
    """A step of a rollout that runs twice skips twice; the timeline says it once."""
    reason, last = trimmed(event.reason), row.timeline[-1] if row.timeline else None
    if last and (last.event, last.reason) == (event.trigger, reason):
        return unchanged(row)
    return moved(row, event.trigger, now, cause="auto-upgrade", reason=reason)


def _uninstall_requested(row: Installation, event: UninstallRequested, now: datetime, deadlines: Deadlines) -> Step:
    return next_generation(
        row,
        event.trigger,
        RequestKind.UNINSTALL,
        now,
        deadlines.deploy,
        cause=event.cause,
        failed_by_deadline=False,
        failure_message=None,
    )

"""Failures: a generation that cannot become READY ends FAILED, and rolls back once to what was READY before."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from provider_hub.domain.deadlines import Deadlines
from provider_hub.domain.installation.blame import blame_for
from provider_hub.domain.installation.events import DeadlinePassed, DeployFailed
from provider_hub.domain.installation.state import Installation, LifecycleState, Revision, Trigger
from provider_hub.domain.installation.steps import (
    RequestKind,
    Step,
    moved,
    next_generation,
    request_for,
    trimmed,
    unchanged,
)

LINES_HEADING = "\nThe pod's last lines:\n"


def deploy_failed(row: Installation, event: DeployFailed, now: datetime, deadlines: Deadlines) -> Step:
    """The installer or the runtime says that this generation can never run."""
    return _failed(row, event, event.reason, event.cause, now, deadlines)


def deadline_passed(row: Installation, event: DeadlinePassed, now: datetime, deadlines: Deadlines) -> Step:
    """Nothing happens before the row's own deadline: an event may be early, or about a wait that has ended."""
    if row.deadline_at is None or now < row.deadline_at:
        return unchanged(row)
    if row.lifecycle_state is LifecycleState.DELETING:
        return _removal_overran(row, event, now, deadlines)
    return _failed(row, event, event.reason, "deadline", now, deadlines)


def _removal_overran(row: Installation, event: DeadlinePassed, now: datetime, deadlines: Deadlines) -> Step:
    step = moved(
        row,
        Trigger.DEADLINE,
        now,
        cause="deadline",
        reason=f"asked for the removal again: {trimmed(event.reason)}",
        deadline_at=now + deadlines.deploy,
        failure_message=trimmed(f"removal takes long: {event.reason}"),
    )
    return replace(step, request=request_for(RequestKind.UNINSTALL, step.kept))


def _failed(
    row: Installation,
    event: DeployFailed | DeadlinePassed,
    reason: str,
    cause: str,
    now: datetime,
    deadlines: Deadlines,
) -> Step:
    reason = trimmed(reason)
    failed = moved(
        row,
        event.trigger,
        now,
        cause=cause,
        reason=_with_lines(reason, event.lines),
        deadline_at=None,
        failed_by_deadline=event.trigger is Trigger.DEADLINE,
        failure_message=_with_lines(_failure_message(row, reason), event.lines),
        **blame_for(row, event.trigger, now),
    )
    restored = _revision_to_restore(row)
    if restored is None:
        return failed
    rolled_back = _rolled_back(failed.kept, restored, reason, event.lines, now, deadlines)
    return replace(rolled_back, moved=failed.moved + rolled_back.moved)


def _with_lines(sentence: str, lines: Sequence[str]) -> str:
    """The sentence stays the first paragraph: clients show it alone where they have one line."""
    return sentence + LINES_HEADING + "\n".join(lines) if lines else sentence


def _revision_to_restore(row: Installation) -> Revision | None:
    """The last READY revision; None where restoring it could not help.

    A rollback that fails is not rolled back, and neither is a failure of the READY revision itself. Otherwise two
    broken revisions would replace each other endlessly.
    """
    if not row.rollback_on_failure or row.is_rollback or row.ready_revision == row.revision:
        return None
    return row.ready_revision


def _rolled_back(
    row: Installation, restored: Revision, reason: str, lines: Sequence[str], now: datetime, deadlines: Deadlines
) -> Step:
    what = f"{row.installed_version} failed" if restored.version != row.installed_version else "the change failed"
    return next_generation(
        row,
        Trigger.ROLLBACK,
        RequestKind.UPGRADE,
        now,
        deadlines.queue,
        cause="rollback",
        reason=f"back to {restored.version}",
        revision=restored,
        is_rollback=True,
        failed_by_deadline=False,
        failure_message=_with_lines(trimmed(f"{what}: {reason}") + f"; restored {restored.version}", lines),
    )


def _failure_message(row: Installation, reason: str) -> str:
    """What failed. When a rollback failed, the message keeps the failure that the rollback was to undo."""
    if row.is_rollback and row.failure_message:
        before = row.failure_message.partition(LINES_HEADING)[0]
        return f"{trimmed(before)}; then the rollback failed: {trimmed(reason)}"
    return trimmed(f"{row.installed_version} failed: {reason}")

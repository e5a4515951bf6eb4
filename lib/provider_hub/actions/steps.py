"""How an action applies an event to a row: one commit writes the row and what it requests."""

import logging
from datetime import datetime

from provider_hub.actions import keys
from provider_hub.actions.installed_counts import add_installed
from provider_hub.actions.outbox import installation_entry
from provider_hub.actions.ports import DocumentStore, Reading, Writes
from provider_hub.actions.services import Services
from provider_hub.domain.installation import Event, Installation, LifecycleState, Outcome, Step, Trigger, advance

log = logging.getLogger(__name__)


def record_step(writes: Writes, step: Step, now: datetime) -> Step:
    """Write the row that a step changed, and its request to the installer."""
    if step.outcome is Outcome.CHANGED:
        row = step.kept
        writes.write(keys.installation_of(row), row)
    if step.request:
        writes.emit(installation_entry(step.request, now))
    return step


def apply_event(
    services: Services[DocumentStore], row: Installation, event: Event, reading: Reading[Installation] | None = None
) -> Step:
    """Apply `event` to the row as it is stored, commit, and publish what the step requests.

    `row` only says which document it is: it may have changed since the caller read it. With `reading`, what the caller
    has read for this, it is not read again unless somebody else changes it first. Raises TemporaryError.
    """
    key = keys.installation_of(row)

    def decide(current: Installation | None, writes: Writes) -> Step:
        now = services.clock()
        step = record_step(writes, advance(current, event, now, services.deadlines), now)
        if step.outcome is Outcome.REMOVED:
            writes.delete(key)
            add_installed(writes, row.organization_id, -1)
        return step

    with services.locks.hold(row.installation_id):
        step = services.outbox.change(key, decide, reading)
    _log_ends(step)
    return step


def _log_ends(step: Step) -> None:
    """Log what metrics count: which installs end READY or FAILED, after how many seconds, and which fall silent.

    The line never has the reason of a failure. The reason comes from a tenant's process and may repeat its config;
    the timeline shows it to the tenant.
    """
    if step.row is None:
        return
    row, about = step.row, {"provider": step.row.canonical, "organization_id": step.row.organization_id}
    for entry in step.moved:
        if entry.event is Trigger.SILENCE:
            log.warning(
                "%s is silent: %s", row.canonical, entry.reason, extra={"event": "installation_silent", **about}
            )
        if entry.from_state == entry.to_state:
            continue
        if entry.to_state is LifecycleState.READY:
            seconds = (entry.at - _requested_at(row)).total_seconds()
            ready = {"event": "installation_ready", "outcome": "ready", "seconds_to_ready": seconds}
            log.info("%s is ready", row.canonical, extra={**about, **ready})
        elif entry.to_state is LifecycleState.FAILED:
            failed = {"event": "installation_failed", "outcome": "failed"}
            generation = f"{row.installation_id}-{entry.generation}"
            log.warning(
                "%s failed: %s, reported by %s", row.canonical, generation, entry.cause, extra={**about, **failed}
            )


def _requested_at(row: Installation) -> datetime:
    """When the row last became PENDING; the timeline may have dropped that entry."""
    requested = (entry.at for entry in reversed(row.timeline) if entry.to_state is LifecycleState.PENDING)
    return next(requested, row.created_at)

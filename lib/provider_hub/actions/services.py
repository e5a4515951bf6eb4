"""What nearly every operation is handed: the documents, the outbox, the time, new ids and the waits."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from provider_hub.actions import keys
from provider_hub.actions.locks import SingleFile
from provider_hub.actions.outbox import Outbox, installation_entry
from provider_hub.actions.ports import Clock, Store, Transaction
from provider_hub.actions.quota import Room
from provider_hub.domain.installation import (
    Deadlines,
    Event,
    Installation,
    LifecycleState,
    Outcome,
    Step,
    advance,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    store: Store
    outbox: Outbox
    clock: Clock
    new_id: Callable[[datetime], str]
    deadlines: Deadlines
    installation_quota: int = 100
    room: Room = field(default_factory=Room)
    single_file: SingleFile = field(default_factory=SingleFile)


def record_step(transaction: Transaction, step: Step, now: datetime) -> Step:
    """Write what a step changed, and the request that it makes of the installer, into one transaction."""
    if step.outcome is Outcome.CHANGED:
        row = step.kept
        transaction.write(keys.installation_of(row), row)
    if step.request:
        transaction.emit(installation_entry(step.request, now))
    return step


def apply_event(services: Services, row: Installation, event: Event) -> Step:
    """Read the row again in a transaction, apply `event` to what it is by then, and commit.

    `row` says only where to look; the decision is made on what the transaction reads.
    """
    key = keys.installation_of(row)

    def decide(transaction: Transaction) -> Step:
        (current,) = transaction.read(key)
        now = services.clock()
        step = record_step(transaction, advance(current, event, now, services.deadlines), now)
        if step.outcome is Outcome.REMOVED:
            transaction.delete(key)
        return step

    with services.single_file.of(row.installation_id):
        step = services.outbox.transact(decide)
    _log_ends(step)
    return step


def _log_ends(step: Step) -> None:
    """Log what metrics count: which installs end READY or FAILED, and the seconds from the request to READY.

    The line never has the reason of a failure. The reason comes from a tenant's process and may repeat its config;
    the timeline shows it to the tenant.
    """
    if step.row is None:
        return
    row, about = step.row, {"provider": step.row.canonical, "organization_id": step.row.organization_id}
    for entry in step.moved:
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

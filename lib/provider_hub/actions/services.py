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
    _tell(step)
    return step


def _tell(step: Step) -> None:
    """Log what metrics count: how installs end, and how long they took from the wish to READY.

    Not why they failed: the reason is out of a tenant's process and may repeat its config. The timeline tells it.
    """
    if step.row is None or step.outcome is not Outcome.CHANGED:
        return
    for entry in step.row.timeline[-2:]:
        if entry.at != step.row.updated_at or entry.from_state == entry.to_state:
            continue
        about = {"provider": step.row.canonical, "organization_id": step.row.organization_id}
        if entry.to_state is LifecycleState.READY:
            seconds = (entry.at - _wished_at(step.row)).total_seconds()
            told = {"event": "installation_ready", "outcome": "ready", "seconds_to_ready": seconds}
            log.info("%s is ready", step.row.canonical, extra={**about, **told})
        elif entry.to_state is LifecycleState.FAILED:
            told = {"event": "installation_failed", "outcome": "failed"}
            at = f"{step.row.installation_id}-{entry.generation}"
            log.warning("%s failed: %s, told by %s", step.row.canonical, at, entry.cause, extra={**about, **told})


def _wished_at(row: Installation) -> datetime:
    wished = (entry.at for entry in reversed(row.timeline) if entry.to_state is LifecycleState.PENDING)
    return next(wished, row.created_at)

"""What nearly every operation is handed: the documents, the outbox, the time, new ids and the waits."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from provider_hub.domain.installation import Deadlines, Event, Installation, Outcome, Step, advance
from provider_hub.operations import keys
from provider_hub.operations.outbox import Outbox, installation_entry
from provider_hub.operations.ports import Clock, Store, Transaction


@dataclass(frozen=True, slots=True)
class Services:
    store: Store
    outbox: Outbox
    clock: Clock
    new_id: Callable[[datetime], str]
    deadlines: Deadlines
    installation_quota: int = 100


def record_step(transaction: Transaction, step: Step, now: datetime) -> Step:
    """Write what a step changed, and the request that it makes of the installer, into one transaction."""
    if step.outcome is Outcome.CHANGED:
        row = step.kept
        transaction.write(keys.installation(row.organization_id, row.provider_name), row)
    if step.request:
        transaction.emit(installation_entry(step.request, now))
    return step


def apply_event(services: Services, row: Installation, event: Event) -> Step:
    """Read the row again in a transaction, apply `event` to what it is by then, and commit.

    `row` says only where to look; the decision is made on what the transaction reads.
    """
    key = keys.installation(row.organization_id, row.provider_name)

    def decide(transaction: Transaction) -> Step:
        (current,) = transaction.read(key)
        now = services.clock()
        step = record_step(transaction, advance(current, event, now, services.deadlines), now)
        if step.outcome is Outcome.REMOVED:
            transaction.delete(key)
        return step

    return services.outbox.transact(decide)

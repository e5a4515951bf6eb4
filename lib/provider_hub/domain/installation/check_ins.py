"""Check-ins: a runtime's first one makes its row READY; later ones carry its health; a missing one degrades it."""

from datetime import datetime
from typing import TypedDict

from provider_hub.domain.installation.events import CheckedIn, FellSilent
from provider_hub.domain.installation.state import Health, Installation, LifecycleState, Trigger
from provider_hub.domain.installation.steps import Deadlines, Outcome, Step, moved, noted, unchanged

RECOVERY_CHECK_INS = 2


class _Vitals(TypedDict):
    """What every check-in that is written updates."""

    last_check_in_at: datetime
    active_resources: int
    resource_types: tuple[str, ...]


def checked_in(row: Installation, event: CheckedIn, now: datetime, deadlines: Deadlines) -> Step:
    """The row becomes READY, or its health is updated where it is READY already."""
    if event.version != row.installed_version:
        return Step(row, Outcome.STALE)
    if row.lifecycle_state is LifecycleState.READY:
        return _health_reported(row, event, now, deadlines)
    if row.lifecycle_state is LifecycleState.FAILED and not row.failed_by_deadline:
        return unchanged(row)
    recovered = row.lifecycle_state is LifecycleState.FAILED
    return moved(
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
        deadline_at=None,
        failed_by_deadline=False,
        failure_message=row.failure_message if row.is_rollback else None,
        failed_versions=tuple(version for version in row.failed_versions if version != row.installed_version),
        **_vitals(event, now),
    )


def fell_silent(row: Installation, event: FellSilent, now: datetime) -> Step:
    """A READY row whose runtime stopped checking in is degraded, once."""
    if row.health is Health.DEGRADED or (row.last_check_in_at and row.last_check_in_at > event.cutoff):
        return unchanged(row)
    since = row.last_check_in_at or row.updated_at
    message = f"no check-in since {since:%Y-%m-%dT%H:%M:%SZ}"
    return moved(
        row,
        Trigger.SILENCE,
        now,
        cause="sweeper",
        reason=message,
        health=Health.DEGRADED,
        health_message=message,
        healthy_streak=0,
    )


def _health_reported(row: Installation, event: CheckedIn, now: datetime, deadlines: Deadlines) -> Step:
    """READY stays READY. A row recovers only after RECOVERY_CHECK_INS healthy check-ins in a row, so it cannot flap."""
    if event.health is Health.DEGRADED:
        return _degraded(row, event, now, deadlines)
    if row.health is Health.HEALTHY:
        return _nothing_new(row, event, now, deadlines)
    streak = row.healthy_streak + 1
    if streak < RECOVERY_CHECK_INS:
        return noted(row, healthy_streak=streak, **_vitals(event, now))
    return moved(
        row,
        Trigger.CHECK_IN,
        now,
        cause="runtime",
        reason="healthy again",
        health=Health.HEALTHY,
        health_message=None,
        healthy_streak=0,
        **_vitals(event, now),
    )


def _degraded(row: Installation, event: CheckedIn, now: datetime, deadlines: Deadlines) -> Step:
    """The first degraded check-in is a transition. A new message later is written without one: some messages count."""
    if row.health is Health.HEALTHY:
        return moved(
            row,
            Trigger.CHECK_IN,
            now,
            cause="runtime",
            reason=f"degraded: {event.message or 'no message'}",
            health=Health.DEGRADED,
            health_message=event.message,
            healthy_streak=0,
            **_vitals(event, now),
        )
    if row.health_message == event.message and row.healthy_streak == 0:
        return _nothing_new(row, event, now, deadlines)
    return noted(row, health_message=event.message, healthy_streak=0, **_vitals(event, now))


def _nothing_new(row: Installation, event: CheckedIn, now: datetime, deadlines: Deadlines) -> Step:
    """Write `last_check_in_at` only when the last write is old enough: check-ins are the most frequent message."""
    fresh = row.last_check_in_at is not None and now - row.last_check_in_at < deadlines.check_in_writes
    said_before = (row.active_resources, row.resource_types)
    if fresh and (event.active_resources, event.resource_types) == said_before:
        return unchanged(row)
    return noted(row, **_vitals(event, now))


def _vitals(event: CheckedIn, now: datetime) -> _Vitals:
    return {
        "last_check_in_at": now,
        "active_resources": event.active_resources,
        "resource_types": event.resource_types,
    }

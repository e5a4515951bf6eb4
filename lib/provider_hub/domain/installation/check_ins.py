"""Check-ins: a runtime's first one makes its row READY; later ones carry its health; a missing one degrades it."""

from dataclasses import replace
from datetime import datetime

from provider_hub.domain.deadlines import Deadlines
from provider_hub.domain.installation import instances
from provider_hub.domain.installation.blame import blame_once_ready
from provider_hub.domain.installation.events import CheckedIn, FellSilent, Stopping
from provider_hub.domain.installation.silence import Watch, full_watch_of, is_silent, watch_of
from provider_hub.domain.installation.state import (
    Health,
    Installation,
    Instance,
    LifecycleState,
    Trigger,
    UpgradePolicy,
)
from provider_hub.domain.installation.steps import Outcome, Step, moved, noted, unchanged


class _Vitals(Watch):
    """What every check-in that is written updates."""

    instances: tuple[Instance, ...]
    health: Health
    health_message: str | None
    active_resources: int
    last_check_in_at: datetime
    resource_types: tuple[str, ...]


def checked_in(row: Installation, event: CheckedIn, now: datetime, deadlines: Deadlines) -> Step:
    """The row becomes READY, or its health is updated where it is READY already."""
    if event.version != row.installed_version or not _is_of_the_lock(row, event):
        return Step(row, Outcome.STALE)
    if instances.is_overtaken(row, event):
        return Step(row, Outcome.STALE)
    if row.lifecycle_state is LifecycleState.READY:
        return _reported(row, event, now, deadlines)
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
        offer_due_at=now if row.upgrade_policy is UpgradePolicy.AUTO else None,
        deadline_at=None,
        failed_by_deadline=False,
        failure_message=row.failure_message if row.is_rollback else None,
        **blame_once_ready(row),
        **_vitals(row, instances.first_of(event, now), event, now, deadlines),
    )


def _is_of_the_lock(row: Installation, event: CheckedIn) -> bool:
    """A runtime that is older than locks names none, and its check-in counts as before."""
    return event.lock_sha256 is None or event.lock_sha256 == row.revision.lock_sha256


def stopping(row: Installation, event: Stopping) -> Step:
    """A READY row forgets a pod that stops. The last pod's resources stay counted: they outlive its restart.

    The health is not decided before the next check-in, so a degraded pod that restarts over and over cannot make its
    row flap.
    """
    if instances.is_overtaken(row, event):
        return Step(row, Outcome.STALE)
    left = instances.without(row.instances, event.instance_id)
    if row.lifecycle_state is not LifecycleState.READY or left == row.instances:
        return unchanged(row)
    if not left:
        return noted(row, instances=left)
    return noted(row, instances=left, active_resources=instances.resources_of(left))


def fell_silent(row: Installation, event: FellSilent, now: datetime, deadlines: Deadlines) -> Step:
    """A READY row whose runtime stopped checking in is degraded, once.

    One that is not silent yet is looked at again when it would be.
    """
    if row.health is Health.DEGRADED:
        return unchanged(row)
    if row.last_check_in_at and not is_silent(row, event.cutoff):
        watch = full_watch_of(row, row.last_check_in_at, deadlines)
        is_as_watched = watch == {"silent_at": row.silent_at, "silence_shard": row.silence_shard}
        return unchanged(row) if is_as_watched else noted(row, **watch)
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
        instances=(),
    )


def _reported(row: Installation, event: CheckedIn, now: datetime, deadlines: Deadlines) -> Step:
    """READY stays READY. Only a change of health is a transition: messages that count would fill the timeline."""
    change = _vitals(row, instances.heard(row, event, now, deadlines.silence), event, now, deadlines)
    if change["health"] is row.health:
        return unchanged(row) if _is_nothing_new(row, event, change, deadlines) else noted(row, **change)
    is_healthy = change["health"] is Health.HEALTHY
    reason = "healthy again" if is_healthy else f"degraded: {event.message or 'no message'}"
    return moved(row, Trigger.CHECK_IN, now, cause="runtime", reason=reason, **change)


def _is_nothing_new(row: Installation, event: CheckedIn, change: _Vitals, deadlines: Deadlines) -> bool:
    """Whether the pod said just this a short while ago: check-ins are the most frequent message."""
    known = next((one for one in row.instances if one.instance_id == event.instance_id), None)
    (told,) = (one for one in change["instances"] if one.instance_id == event.instance_id)
    if known is None or told.checked_in_at - known.checked_in_at >= deadlines.check_in_writes:
        return False
    timeless = replace(told, checked_in_at=known.checked_in_at, sent_at=known.sent_at)
    as_before = tuple(timeless if one is told else one for one in change["instances"])
    return (as_before, event.resource_types) == (row.instances, row.resource_types)


def _vitals(
    row: Installation, heard: tuple[Instance, ...], event: CheckedIn, now: datetime, deadlines: Deadlines
) -> _Vitals:
    health, message = instances.health_of(heard)
    return {
        "instances": heard,
        "health": health,
        "health_message": message,
        "active_resources": instances.resources_of(heard),
        "last_check_in_at": now,
        "resource_types": event.resource_types,
        **watch_of(row, now, deadlines),
    }

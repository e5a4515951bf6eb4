"""The pods of one installation, each with what it last reported, and what they come to together.

Replicas report side by side, so a healthy one must not cover up for a degraded one, nor an idle one for one that
manages resources. The worst health counts, and the managed resources are added up.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from provider_hub.domain.installation.events import CheckedIn, Stopping
from provider_hub.domain.installation.state import Health, Installation, Instance

RECOVERY_CHECK_INS = 2
MOST_INSTANCES = 16
MESSAGE_LENGTH = 2000


def heard(row: Installation, event: CheckedIn, now: datetime, silence: timedelta) -> tuple[Instance, ...]:
    """The row's instances after this check-in; one that was silent for `silence` is forgotten.

    A tenant's pod may report under any name, so the MOST_INSTANCES that reported last are kept.
    """
    others = [
        instance
        for instance in row.instances
        if instance.instance_id != event.instance_id and now - instance.checked_in_at < silence
    ]
    newest = sorted(others, key=lambda instance: instance.checked_in_at, reverse=True)[: MOST_INSTANCES - 1]
    return _by_id((*newest, _reported(row, event, now)))


def without(instances: Iterable[Instance], instance_id: str) -> tuple[Instance, ...]:
    """The instances but this one, which has said that it stops."""
    return tuple(instance for instance in instances if instance.instance_id != instance_id)


def first_of(event: CheckedIn, now: datetime) -> tuple[Instance, ...]:
    """The instances of a generation whose first check-in this is."""
    return (_as_sent(event, now),)


def health_of(instances: Iterable[Instance]) -> tuple[Health, str | None]:
    """The worst health, and what the degraded instances say, each sentence once."""
    degraded = [instance for instance in instances if instance.health is Health.DEGRADED]
    if not degraded:
        return Health.HEALTHY, None
    said = "; ".join(dict.fromkeys(instance.message for instance in degraded if instance.message))
    return Health.DEGRADED, said[:MESSAGE_LENGTH] or None


def resources_of(instances: Iterable[Instance]) -> int:
    """How many resources all of them manage."""
    return sum(instance.active_resources for instance in instances)


def _reported(row: Installation, event: CheckedIn, now: datetime) -> Instance:
    """The instance as of this check-in. It recovers only after RECOVERY_CHECK_INS healthy ones in a row.

    An instance that is new while the row is degraded recovers like the others: it may be the pod that was degraded,
    started once more.
    """
    told = _as_sent(event, now)
    known = next((one for one in row.instances if one.instance_id == event.instance_id), None)
    was_degraded = (known or row).health is Health.DEGRADED
    if event.health is Health.DEGRADED or not was_degraded:
        return told
    streak = known.healthy_streak + 1 if known else 1
    if streak >= RECOVERY_CHECK_INS:
        return told
    message = known.message if known else row.health_message
    return replace(told, health=Health.DEGRADED, message=message, healthy_streak=streak)


def is_overtaken(row: Installation, event: CheckedIn | Stopping) -> bool:
    """Whether a later check-in of the same pod is in the row already: messages may arrive in any order.

    A pod keeps its name while its process is restarted, so what the process before it said last may come late too.
    """
    known = next((one for one in row.instances if one.instance_id == event.instance_id), None)
    if known is None or known.sent_at is None or event.sent_at is None:
        return False
    return event.sent_at < known.sent_at


def _as_sent(event: CheckedIn, now: datetime) -> Instance:
    return Instance(
        event.instance_id, now, event.health, _message_of(event), event.active_resources, sent_at=event.sent_at
    )


def _message_of(event: CheckedIn) -> str | None:
    return event.message if event.health is Health.DEGRADED else None


def _by_id(instances: Iterable[Instance]) -> tuple[Instance, ...]:
    return tuple(sorted(instances, key=lambda instance: instance.instance_id))

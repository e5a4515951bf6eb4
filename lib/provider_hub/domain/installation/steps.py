"""A step: the row after an event, and the two ways to make one, `moved` and `next_generation`."""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypedDict, Unpack

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.installation.state import (
    POD_FORMAT,
    Health,
    Installation,
    Instance,
    LifecycleState,
    Revision,
    TimelineEntry,
    Trigger,
)
from provider_hub.domain.installation.table import TRANSITIONS
from provider_hub.domain.names import is_canonical, is_organization_id

TIMELINE_LENGTH = 50
REASON_LENGTH = 1000


class RequestKind(StrEnum):
    """What an outbox entry asks the installer to do."""

    INSTALL = "INSTALL_REQUESTED"
    UPGRADE = "UPGRADE_REQUESTED"
    UNINSTALL = "UNINSTALL_REQUESTED"


@dataclass(frozen=True, slots=True)
class InstallationRequest:
    """What the installer is to do about one generation. `provider` is the canonical name."""

    kind: RequestKind
    organization_id: str
    provider: str
    installation_id: str
    generation: int
    version: str
    requested_at: datetime

    @property
    def event_id(self) -> str:
        """Unique, because a generation is requested once; a removal that is requested again repeats the same work."""
        return f"{self.installation_id}-{self.generation}"

    def wrong_field(self) -> str | None:
        """As `domain.messages.Message`."""
        if not is_organization_id(self.organization_id):
            return "organization_id"
        return None if is_canonical(self.provider) else "provider"


class Outcome(StrEnum):
    """What an event did: `STALE` was about an older life or generation, `UNCHANGED` carried nothing new."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    STALE = "stale"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Step:
    """What an event came to.

    `row` is None after a removal. `request` is for the installer, if it has something to do. `moved` holds the
    transitions that the step made, oldest first: none, one, or two where a failure was followed by its rollback.
    """

    row: Installation | None
    outcome: Outcome
    request: InstallationRequest | None = None
    moved: tuple[TimelineEntry, ...] = ()

    @property
    def kept(self) -> Installation:
        """The row of a step that does not remove it. Raises ValueError for one that does."""
        if self.row is None:
            raise ValueError("this step removed the row")
        return self.row


class Change(TypedDict, total=False):
    """The fields of a row that a step may set beside its state, generation, timeline and `updated_at`."""

    revision: Revision
    current_version: str | None
    ready_revision: Revision | None
    ready_generation: int | None
    health: Health
    health_message: str | None
    last_check_in_at: datetime | None
    silent_at: datetime | None
    silence_shard: int | None
    instances: tuple[Instance, ...]
    active_resources: int
    resource_types: tuple[str, ...]
    offer_due_at: datetime | None
    deadline_at: datetime | None
    failed_by_deadline: bool
    is_rollback: bool
    failure_message: str | None
    failed_versions: tuple[str, ...]
    overdue_versions: tuple[str, ...]
    overdue_until: datetime | None


def unchanged(row: Installation) -> Step:
    """The step of an event that carries nothing new."""
    return Step(row, Outcome.UNCHANGED)


def noted(row: Installation, **change: Unpack[Change]) -> Step:
    """Write `change` without a transition: the row keeps its state and its timeline."""
    return Step(replace(row, **change), Outcome.CHANGED)


def moved(
    row: Installation,
    trigger: Trigger,
    now: datetime,
    *,
    cause: str,
    reason: str | None = None,
    **change: Unpack[Change],
) -> Step:
    """Take the table's transition for `trigger`, set `change`, and add the timeline entry.

    Raises KeyError when the table does not have the transition, ValueError when it removes the row.
    """
    return _entered(replace(row, **change), row.lifecycle_state, trigger, now, cause, reason)


def next_generation(
    row: Installation,
    trigger: Trigger,
    kind: RequestKind,
    now: datetime,
    deadline: timedelta,
    *,
    cause: str,
    reason: str | None = None,
    **change: Unpack[Change],
) -> Step:
    """As `moved`, and the generation grows by one: the installer is asked for it and has `deadline` to take it.

    The transition's entry carries the new generation, since the event is about what should run from now on.
    """
    change["deadline_at"] = now + deadline
    change["offer_due_at"] = None
    grown = replace(row, generation=row.generation + 1, pod_format=POD_FORMAT, **change)
    step = _entered(grown, row.lifecycle_state, trigger, now, cause, reason)
    return replace(step, request=request_for(kind, step.kept))


def request_for(kind: RequestKind, row: Installation) -> InstallationRequest:
    """What the installer is to do about the row's present generation."""
    return InstallationRequest(
        kind,
        row.organization_id,
        row.canonical,
        row.installation_id,
        row.generation,
        row.installed_version,
        row.updated_at,
    )


def trimmed(reason: str) -> str:
    """`reason`, cut to REASON_LENGTH characters: it may be a tenant's whole traceback."""
    return reason if len(reason) <= REASON_LENGTH else reason[: REASON_LENGTH - 1] + "…"


def _entered(
    row: Installation, source: LifecycleState, trigger: Trigger, now: datetime, cause: str, reason: str | None
) -> Step:
    target = TRANSITIONS[source, trigger]
    if target is None:
        raise ValueError(f"{trigger} removes the row")
    entry = TimelineEntry(now, trigger, source, target, row.generation, row.installed_version, cause, reason)
    timeline = (*row.timeline, entry)[-TIMELINE_LENGTH:]
    after = replace(row, lifecycle_state=target, updated_at=now, timeline=timeline)
    return Step(after, Outcome.CHANGED, moved=(entry,))

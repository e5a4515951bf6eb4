"""The calls that actions have Cloud Tasks make later: of `deadlines` for a generation, of `upgrades` for a rollout."""

from dataclasses import asdict
from hashlib import sha256
from typing import TYPE_CHECKING

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.records import Queue, ScheduledCall

if TYPE_CHECKING:
    from provider_hub.domain.installation import Installation
    from provider_hub.domain.rollout import Rollout


@dataclass(frozen=True, slots=True)
class DeadlineCall:
    """The body of a deadline's call: which generation it is for. `provider` is the canonical name."""

    organization_id: str
    provider: str
    installation_id: str
    generation: int


@dataclass(frozen=True, slots=True)
class StepCall:
    """The body of a step's call: which step of which rollout.

    `provider` is the canonical name. The body calls the rollout's id `version`, as tasks that are waiting have it.
    """

    provider: str
    version: str
    step: int

    @property
    def rollout_id(self) -> str:
        """The version, or that of a version which was locked again (`versions.relock_id`)."""
        return self.version


def deadline_of(row: "Installation") -> ScheduledCall:
    """The call at the row's deadline, one for each generation."""
    if row.deadline_at is None:
        raise AssertionError("a deadline is scheduled for a row that awaits something")
    call = DeadlineCall(row.organization_id, row.canonical, row.installation_id, row.generation)
    return ScheduledCall(Queue.DEADLINES, deadline_name(row), row.deadline_at, asdict(call))


def deadline_name(row: "Installation") -> str:
    """What the call at the deadline of the row's generation is called.

    Cloud Tasks slows down on names that share a beginning, as ids made from a time do: a digest goes first.
    """
    name = f"{row.installation_id}-{row.generation}"
    return f"{sha256(name.encode()).hexdigest()[:8]}-{name}"


def step_of(rollout: "Rollout") -> ScheduledCall:
    """The call for the next step of a rollout, one for each step."""
    if rollout.due_at is None:
        raise AssertionError("a step is scheduled for a rollout that is due some time")
    about = f"{rollout.provider_name} {rollout.rollout_id} {rollout.created_at} {rollout.step}"
    name = f"rollout-{sha256(about.encode()).hexdigest()[:40]}"
    call = StepCall(rollout.provider_name.canonical, rollout.rollout_id, rollout.step)
    return ScheduledCall(Queue.UPGRADES, name, rollout.due_at, asdict(call))

"""The events of an installation: each names the installation's id and, where one is meant, its generation.

An event never carries a row. `advance` compares it with the row that the transaction read.
"""

from datetime import datetime
from typing import ClassVar

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.installation.state import Health, Revision, Trigger


@dataclass(frozen=True, slots=True)
class Taken:
    """The installer starts to deploy this generation."""

    trigger: ClassVar = Trigger.TAKEN

    installation_id: str
    generation: int


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """A runtime reported its health. Its token was verified before this event was made.

    `instance_id` is the pod that reports, "" where it does not say. `sent_at` is by the pod's own clock, None where it
    does not say. `lock_sha256` is the lock that the pod installed, None where it does not say or installed without one.
    """

    trigger: ClassVar = Trigger.CHECK_IN

    installation_id: str
    generation: int
    version: str
    health: Health
    message: str | None = None
    active_resources: int = 0
    resource_types: tuple[str, ...] = ()
    instance_id: str = ""
    sent_at: datetime | None = None
    lock_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Stopping:
    """A runtime reported that its pod stops. Its token was verified before this event was made.

    `instance_id` and `sent_at` are as in `CheckedIn`.
    """

    trigger: ClassVar = Trigger.CHECK_IN

    installation_id: str
    generation: int
    instance_id: str = ""
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeployFailed:
    """This generation can never become READY. `reason` is for the tenant; `cause` says who found out.

    `lines` are the last that its pod printed, masked and bounded.
    """

    trigger: ClassVar = Trigger.DEPLOY_FAILED

    installation_id: str
    generation: int
    reason: str
    cause: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """The row's deadline may have passed. `reason` is what the cluster showed at that time.

    `lines` are the last that its pod printed, masked and bounded.
    """

    trigger: ClassVar = Trigger.DEADLINE

    installation_id: str
    generation: int
    reason: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeRequested:
    """A person or an auto-upgrade asks for another revision, or for the same revision once more."""

    trigger: ClassVar = Trigger.CHANGE

    installation_id: str
    revision: Revision
    cause: str
    reason: str


@dataclass(frozen=True, slots=True)
class FellSilent:
    """The runtime has not checked in since `cutoff`."""

    trigger: ClassVar = Trigger.SILENCE

    installation_id: str
    generation: int
    cutoff: datetime


@dataclass(frozen=True, slots=True)
class DriftRepaired:
    """Objects in the cluster differed from this generation and were applied again; `what` names those objects."""

    trigger: ClassVar = Trigger.DRIFT

    installation_id: str
    generation: int
    what: str


@dataclass(frozen=True, slots=True)
class UpgradeSkipped:
    """An auto-upgrade left this installation as it is: its config does not fit the new version, or its organization
    requires that versions come from elsewhere."""

    trigger: ClassVar = Trigger.SKIPPED

    installation_id: str
    generation: int
    reason: str


@dataclass(frozen=True, slots=True)
class UninstallRequested:
    """The tenant asks for the removal of the installation."""

    trigger: ClassVar = Trigger.UNINSTALL

    installation_id: str
    cause: str


@dataclass(frozen=True, slots=True)
class ObjectsGone:
    """The cluster was read after the removal and holds no object of this installation any more."""

    trigger: ClassVar = Trigger.OBJECTS_GONE

    installation_id: str
    generation: int


Event = (
    Taken
    | CheckedIn
    | Stopping
    | DeployFailed
    | DeadlinePassed
    | ChangeRequested
    | FellSilent
    | DriftRepaired
    | UpgradeSkipped
    | UninstallRequested
    | ObjectsGone
)

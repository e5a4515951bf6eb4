"""The installation and its state machine: what a row is, and the only ways in which it ever changes.

`state` is the row, `events` what can happen to it, `table` the whole machine, `transitions` its two functions.
"""

from provider_hub.domain.deadlines import Deadlines
from provider_hub.domain.installation.blame import REMEMBERED_FAILURES, WAIT_AFTER_DEADLINE, waits_until
from provider_hub.domain.installation.events import (
    ChangeRequested,
    CheckedIn,
    DeadlinePassed,
    DeployFailed,
    DriftRepaired,
    Event,
    FellSilent,
    ObjectsGone,
    Stopping,
    Taken,
    UninstallRequested,
    UpgradeSkipped,
)
from provider_hub.domain.installation.instances import MOST_INSTANCES, RECOVERY_CHECK_INS
from provider_hub.domain.installation.state import (
    POD_FORMAT,
    Health,
    Installation,
    Instance,
    LifecycleState,
    ResourceTier,
    Revision,
    TimelineEntry,
    Trigger,
    UpgradePolicy,
)
from provider_hub.domain.installation.steps import (
    REASON_LENGTH,
    TIMELINE_LENGTH,
    InstallationRequest,
    Outcome,
    RequestKind,
    Step,
)
from provider_hub.domain.installation.table import TRANSITIONS
from provider_hub.domain.installation.transitions import advance, install

__all__ = [
    "MOST_INSTANCES",
    "POD_FORMAT",
    "REASON_LENGTH",
    "RECOVERY_CHECK_INS",
    "REMEMBERED_FAILURES",
    "TIMELINE_LENGTH",
    "TRANSITIONS",
    "WAIT_AFTER_DEADLINE",
    "ChangeRequested",
    "CheckedIn",
    "DeadlinePassed",
    "Deadlines",
    "DeployFailed",
    "DriftRepaired",
    "Event",
    "FellSilent",
    "Health",
    "Installation",
    "InstallationRequest",
    "Instance",
    "LifecycleState",
    "ObjectsGone",
    "Outcome",
    "RequestKind",
    "ResourceTier",
    "Revision",
    "Step",
    "Stopping",
    "Taken",
    "TimelineEntry",
    "Trigger",
    "UninstallRequested",
    "UpgradePolicy",
    "UpgradeSkipped",
    "advance",
    "install",
    "waits_until",
]

"""The installation's row: its states, its fields, and its timeline."""

from collections.abc import Mapping
from dataclasses import field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from provider_hub.domain.cells import DEFAULT_CELL
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.names import ProviderName

# The newest format that the manifests give to pods; 0 is that of generations which began before there was this number.
# Raise it with every change of the pods' template, and have `domain.manifests` make the change from that number on.
# Drift repair applies what the manifests say to every READY row: without this, a new release of the hub would restart
# the pods of all installations.
POD_FORMAT = 1


class LifecycleState(StrEnum):
    """Where an installation is on its way from the request to a running provider, or to its removal."""

    PENDING = "pending"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"
    DELETING = "deleting"


class Health(StrEnum):
    """What a runtime reports about itself."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"


class ResourceTier(StrEnum):
    """How much CPU, memory and disk an installation gets; `domain.tiers.SIZES` has the amounts."""

    FREE = "free"
    STANDARD = "standard"
    PERFORMANCE = "performance"


class UpgradePolicy(StrEnum):
    """Who upgrades an installation: the hub in waves (`AUTO`), or the tenant alone (`MANUAL`)."""

    AUTO = "auto"
    MANUAL = "manual"


class Trigger(StrEnum):
    """What can happen to an installation; the value is the wording of the timeline and of the README's diagram."""

    INSTALL = "install"
    TAKEN = "taken by the installer"
    CHECK_IN = "check-in"
    DEPLOY_FAILED = "deploy failed"
    DEADLINE = "deadline passed"
    ROLLBACK = "rollback"
    CHANGE = "change requested"
    SILENCE = "silence"
    DRIFT = "drift repaired"
    SKIPPED = "upgrade skipped"
    UNINSTALL = "uninstall"
    OBJECTS_GONE = "objects gone"


@dataclass(frozen=True, slots=True)
class Revision:
    """What should run. A change replaces it as a whole, and a rollback restores it as a whole.

    `lock_sha256` is the digest of the lock whose distributions are installed beside the version's wheel. It is None for
    a version without a lock, whose dependencies the runtime resolves by itself. `secrets` are the config's secret
    values, sealed, by their keys: none of them is in `config`.
    """

    version: str
    resource_tier: ResourceTier
    config: dict[str, str]
    lock_sha256: str | None = None
    secrets: dict[str, str] = field(default_factory=dict)

    def at(self, version: str, lock_sha256: str | None) -> Self:
        """The same tier and config with another version and its lock."""
        return replace(self, version=version, lock_sha256=lock_sha256)


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One transition of a row: when, of which generation, who or what caused it, and why.

    `from_state` None means that the row did not exist before. `version` is the one that the row wanted then.
    `reason` is at most REASON_LENGTH characters, except for what a tenant's own sentence and a pod's last lines add.
    """

    at: datetime
    event: Trigger
    from_state: LifecycleState | None
    to_state: LifecycleState | None
    generation: int
    version: str
    cause: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """One pod of an installation, as it last reported.

    `instance_id` is the pod's name, "" for a runtime that does not say it. `health` is DEGRADED until the pod has
    reported itself healthy RECOVERY_CHECK_INS times in a row; `healthy_streak` counts these reports. `sent_at` is when
    the report was sent, by the pod's own clock.
    """

    instance_id: str
    checked_in_at: datetime
    health: Health
    message: str | None
    active_resources: int
    healthy_streak: int = 0
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A provider in a tenant: one row for each organization and provider.

    `installation_id` is new for every install. `generation` starts at 1 and grows by one with every change of what
    should run. `revision` is what should run. `ready_revision` and `ready_generation` are what last became READY.
    `current_version` is the version whose runtime last checked in.

    `cell` names the cluster that it runs in, its organization's, for as long as the row lives.

    `instances` are its pods that report, at most MOST_INSTANCES. `health` is the worst of theirs, `active_resources`
    the sum; when none of them is left, both stay as they last were. `last_check_in_at` is the last one's of any pod.
    `resource_types` are the names that its runtime serves, as it last said.

    `pod_format` is POD_FORMAT as it was when the present generation began.

    `silent_at` is from when the sweeper looks whether it is silent, in the shard `silence_shard` (`silence`).
    `offer_due_at` is when the sweeper is to offer it a version: a rollout passes by a row that is not READY.
    `deadline_at` is set exactly while the row waits for something. `is_rollback` says that the present generation
    restores an earlier revision. `failed_versions` are those that are to blame for a failure, or whose new lock is
    (`versions.relock_id`): auto-upgrade never offers them again (at most REMEMBERED_FAILURES, oldest first).
    `overdue_versions` are those that missed one deadline: it does not offer them before `overdue_until` (`blame`).
    `timeline` holds the last TIMELINE_LENGTH transitions, oldest first.
    """

    organization_id: str
    organization_slug: str
    prefix: str
    name: str
    installation_id: str
    generation: int
    revision: Revision
    upgrade_policy: UpgradePolicy
    lifecycle_state: LifecycleState
    created_at: datetime
    updated_at: datetime
    cell: str = DEFAULT_CELL
    rollback_on_failure: bool = True
    allow_major_upgrades: bool = False
    current_version: str | None = None
    ready_revision: Revision | None = None
    ready_generation: int | None = None
    health: Health = Health.HEALTHY
    health_message: str | None = None
    last_check_in_at: datetime | None = None
    silent_at: datetime | None = None
    silence_shard: int | None = None
    instances: tuple[Instance, ...] = ()
    active_resources: int = 0
    resource_types: tuple[str, ...] = ()
    offer_due_at: datetime | None = None
    deadline_at: datetime | None = None
    failed_by_deadline: bool = False
    is_rollback: bool = False
    failure_message: str | None = None
    failed_versions: tuple[str, ...] = ()
    pod_format: int = 0
    overdue_versions: tuple[str, ...] = ()
    overdue_until: datetime | None = None
    timeline: tuple[TimelineEntry, ...] = ()

    @property
    def provider_name(self) -> ProviderName:
        """The provider that is installed."""
        return ProviderName(self.prefix, self.name)

    @property
    def canonical(self) -> str:
        """The provider's name as `prefix/name`."""
        return self.provider_name.canonical

    @property
    def installed_version(self) -> str:
        """The version that should run; `current_version` is the one that does."""
        return self.revision.version

    def with_settings(self, settings: Mapping[str, Any]) -> Self:
        """The row with other values for fields of its own, or of its revision, by their names. Raises TypeError."""
        of_revision = {name: settings[name] for name in settings if name in _OF_REVISION}
        of_row = {name: settings[name] for name in settings if name not in _OF_REVISION}
        return replace(self, revision=replace(self.revision, **of_revision), **of_row)


_OF_REVISION = frozenset(one.name for one in fields(Revision))

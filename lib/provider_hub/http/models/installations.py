"""What tenants wish for, within which bounds, and what they are shown of it (contract, section 3)."""

import re
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from provider_hub.actions.installed import Installed
from provider_hub.domain.deployment import DeploymentStatus
from provider_hub.domain.installation import Health, LifecycleState, ResourceTier, TimelineEntry, UpgradePolicy
from provider_hub.domain.manifests import is_reserved
from provider_hub.domain.names import MAX_CANONICAL, SHORT_PATTERN, SLUG_PATTERN, ProviderName
from provider_hub.domain.versions import is_newer
from provider_hub.http.models.base import Request, Response
from provider_hub.http.models.fields import Semver, Text

CONFIG_KEYS = 64
CONFIG_KEY_LENGTH = 253  # a Secret's keys are no longer
CONFIG_BYTES = 32 * 1024
_CONFIG_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _canonical(text: str) -> str:
    ProviderName.parse(text)
    return text


def _config(config: dict[str, str]) -> dict[str, str]:
    if len(config) > CONFIG_KEYS:
        raise ValueError(f"has {len(config)} keys; at most {CONFIG_KEYS} are taken")
    for key in config:
        if not _CONFIG_KEY.fullmatch(key):
            raise ValueError(f"key {key[:80]!r} is no name of an environment variable: [A-Za-z_][A-Za-z0-9_]*")
        if len(key) > CONFIG_KEY_LENGTH:
            raise ValueError(f"key {key[:80]!r}… is over {CONFIG_KEY_LENGTH} characters")
        if is_reserved(key):
            raise ValueError(f"key {key[:80]!r} is reserved by the platform: choose another name")
    size = sum(len(key.encode()) + len(value.encode()) for key, value in config.items())
    if size > CONFIG_BYTES:
        raise ValueError(f"is {size} bytes in all; at most {CONFIG_BYTES} are taken")
    return config


Canonical = Annotated[
    str,
    Field(min_length=1, max_length=MAX_CANONICAL, json_schema_extra={"pattern": f"^{SLUG_PATTERN}/{SHORT_PATTERN}$"}),
    AfterValidator(_canonical),
]
Config = Annotated[
    dict[Text, Text],
    Field(
        json_schema_extra={"propertyNames": {"pattern": f"^{_CONFIG_KEY.pattern}$"}, "maxProperties": CONFIG_KEYS},
    ),
    AfterValidator(_config),
]


class InstallRequest(Request):
    provider_name: Canonical
    version: Semver | None = None
    resource_tier: ResourceTier = ResourceTier.STANDARD
    upgrade_policy: UpgradePolicy = UpgradePolicy.MANUAL
    config: Config = Field(default_factory=dict)
    rollback_on_failure: bool = True
    allow_major_upgrades: bool = False

    @model_validator(mode="before")
    @classmethod
    def _null_is_the_default(cls, given: Any) -> Any:
        """Some clients send every field that they know, null where nobody chose."""
        return {key: value for key, value in given.items() if value is not None} if isinstance(given, dict) else given


class SettingsRequest(Request):
    resource_tier: ResourceTier | None = None
    upgrade_policy: UpgradePolicy | None = None
    config: Config | None = None
    rollback_on_failure: bool | None = None
    allow_major_upgrades: bool | None = None


class UpgradeRequest(Request):
    version: Semver | None = None


class DowngradeRequest(Request):
    target_version: Semver


class DeployRequest(Request):
    version: Semver | None = None


class UninstallQuery(Request):
    cascade: bool = False


class EventsQuery(Request):
    limit: int = Field(50, ge=1, le=100)
    page_token: str | None = Field(None, pattern=r"^[0-9]{1,6}$")


class ProviderInstallation(Response):
    prefix: str
    name: str
    canonical: str
    installed_version: str
    current_version: str | None
    upgrade_policy: UpgradePolicy
    resource_tier: ResourceTier
    config: dict[str, str]
    installed_at: datetime
    created_at: datetime
    updated_at: datetime
    lifecycle_state: LifecycleState
    health: Health
    health_message: str | None
    failure_message: str | None
    rollback_on_failure: bool
    allow_major_upgrades: bool
    latest_version: str | None
    upgrade_available: bool
    generation: int

    @classmethod
    def of(cls, installed: Installed) -> Self:
        row, latest = installed.row, installed.provider.latest_version if installed.provider else None
        return cls(
            prefix=row.prefix,
            name=row.name,
            canonical=row.canonical,
            installed_version=row.installed_version,
            current_version=row.current_version,
            upgrade_policy=row.upgrade_policy,
            resource_tier=row.revision.resource_tier,
            config=row.revision.config,
            installed_at=row.created_at,
            created_at=row.created_at,
            updated_at=row.updated_at,
            lifecycle_state=row.lifecycle_state,
            health=row.health,
            health_message=row.health_message,
            failure_message=row.failure_message,
            rollback_on_failure=row.rollback_on_failure,
            allow_major_upgrades=row.allow_major_upgrades,
            latest_version=latest,
            upgrade_available=latest is not None and is_newer(latest, than=row.installed_version),
            generation=row.generation,
        )


class DeploymentStatusBody(Response):
    deployment_name: str
    status: str
    available_replicas: int
    ready_replicas: int
    version: str | None
    image: str | None
    updated_at: datetime | None
    message: str | None
    healthy: bool

    @classmethod
    def of(cls, status: DeploymentStatus) -> Self:
        return cls.model_validate(status)


class TimelineEvent(Response):
    at: datetime
    event: str
    from_state: LifecycleState | None
    to_state: LifecycleState | None
    generation: int
    version: str
    cause: str
    reason: str | None

    @classmethod
    def of(cls, entry: TimelineEntry) -> Self:
        return cls.model_validate(entry)


class Timeline(Response):
    items: list[TimelineEvent]
    next_page_token: str | None

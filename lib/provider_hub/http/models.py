"""Request and response bodies (contract, sections 3 to 6): what is accepted, within which bounds, and what is shown."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from provider_hub.domain.catalog import (
    AuthorKind,
    Organization,
    ProviderVersion,
    ResourceSchema,
    RuntimeVersion,
    Scope,
    VersionStatus,
)
from provider_hub.domain.deployment import DeploymentStatus
from provider_hub.domain.installation import (
    Health,
    LifecycleState,
    ResourceTier,
    TimelineEntry,
    UpgradePolicy,
)
from provider_hub.domain.manifests import is_reserved
from provider_hub.domain.names import MAX_CANONICAL, SHORT_PATTERN, SLUG_PATTERN, ProviderName
from provider_hub.domain.rollout import Rollout, RolloutState
from provider_hub.domain.versions import MAX_LENGTH as MAX_VERSION
from provider_hub.domain.versions import PATTERN as VERSION_PATTERN
from provider_hub.domain.versions import Version, is_newer
from provider_hub.operations.browse import Listing
from provider_hub.operations.install import Installed
from provider_hub.operations.ports import DeadLetter

CONFIG_KEYS = 64
CONFIG_KEY_LENGTH = 253  # a Secret's keys are no longer
CONFIG_BYTES = 32 * 1024
SCHEMA_BYTES = 256 * 1024
_CONFIG_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain a NUL character")
    return text


def _semver(text: str) -> str:
    Version.parse(text)
    return text


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


def _schema(schema: dict[str, Any] | None) -> dict[str, Any] | None:
    """A JSON Schema document, by its own meta-schema."""
    if schema is None:
        return None
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - only publishing and install need it
    from jsonschema.validators import Draft202012Validator, validator_for  # noqa: PLC0415

    if len(json.dumps(schema)) > SCHEMA_BYTES:
        raise ValueError(f"is over {SCHEMA_BYTES} bytes")
    if not isinstance(schema.get("$schema", ""), str):
        raise ValueError("is not a JSON Schema: $schema is not a string")
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"is not a JSON Schema: {error.message[:300]}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except OverflowError:
        raise ValueError("has a pattern whose repetitions are beyond all bounds") from None
    if remote := _remote_reference(schema):
        raise ValueError(f"refers to {remote[:200]!r}: only references within the schema (#…) are taken")
    return schema


def _remote_reference(part: Any) -> str | None:
    """A `$ref` that leads out of the document: nothing is fetched to check a config, so it could never be."""
    if isinstance(part, dict):
        reference = part.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#"):
            return reference
        part = list(part.values())
    if not isinstance(part, list):
        return None
    return next((found for item in part if (found := _remote_reference(item))), None)


# Behind the bounds of a text, so that these are told as of a string: after a validator of ours they count "items".
NO_NUL = AfterValidator(_no_nul)
Text = Annotated[str, NO_NUL]
# What a validator of ours checks is told to readers of the description by an `…_extra`.
Semver = Annotated[
    str,
    Field(min_length=1, max_length=MAX_VERSION, json_schema_extra={"pattern": f"^{VERSION_PATTERN}$"}),
    AfterValidator(_semver),
]
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
JsonSchema = Annotated[dict[str, Any] | None, AfterValidator(_schema)]
# Also the id of a document: no slash in it, and none of the names that Firestore keeps for itself.
RuntimeVersionName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$")]
Tags = Annotated[list[Annotated[str, Field(min_length=1, max_length=50), NO_NUL]], Field(max_length=20)]


# Shown by web pages as a link or picture: no scheme that runs something there.
WebAddress = Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s\x00-\x1f]+$")]
PACKAGE_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"


class Request(BaseModel):
    """A request body or query: unknown fields are ignored."""

    # Built at its first use: each function imports all models and needs a few.
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class NoQuery(Request):
    """A route that takes no query."""


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


class SearchQuery(Request):
    q: Annotated[str, Field(max_length=200), NO_NUL] = ""
    scope: Scope | None = None
    tags: Annotated[list[Annotated[str, Field(max_length=50), NO_NUL]], Field(max_length=20)] = Field(
        default_factory=list
    )
    limit: int = Field(20, ge=1, le=100)
    offset: int = Field(0, ge=0, le=100_000)


class ProviderEdit(Request):
    """Only the fields that are given are changed; `readme` and `icon_url` may be given as null."""

    display_name: Annotated[str, Field(min_length=1, max_length=100), NO_NUL] | None = None
    description: Annotated[str, Field(max_length=500), NO_NUL] | None = None
    readme: Annotated[str, Field(max_length=50_000), NO_NUL] | None = None
    tags: Tags | None = None
    icon_url: WebAddress | None = None


class YankRequest(Request):
    reason: Annotated[str, Field(max_length=500), NO_NUL] | None = None


class ResourceSchemaBody(Request):
    provider: Text | None = None
    resource: Text | None = None
    description: Annotated[str, Field(max_length=5000), NO_NUL] | None = None
    config_schema: JsonSchema = None
    outputs_schema: JsonSchema = None


class MetadataBody(Request):
    display_name: Annotated[str, Field(min_length=1, max_length=100), NO_NUL]
    description: Annotated[str, Field(max_length=500), NO_NUL]
    icon_url: WebAddress | None = None
    tags: Tags | None = None


class PublishRequest(Request):
    organization_id: Annotated[str, Field(max_length=200), NO_NUL] | None = None
    name: Annotated[str, Field(min_length=1, max_length=200), NO_NUL]
    version: Semver
    wheel_url: Annotated[str, Field(min_length=1, max_length=2048), NO_NUL]
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    package_name: Annotated[str, Field(min_length=1, max_length=200, pattern=PACKAGE_PATTERN)] | None = None
    schemas: Annotated[dict[Text, ResourceSchemaBody], Field(max_length=200)] | None = None
    metadata: MetadataBody | None = None
    config_schema: JsonSchema = None
    outputs_schema: JsonSchema = None
    resource_schemas: Annotated[dict[Text, Any], Field(max_length=200)] | None = None
    changelog: Annotated[str, Field(max_length=50_000), NO_NUL] | None = None
    entrypoint: (
        Annotated[
            list[Annotated[str, Field(min_length=1, max_length=1000), NO_NUL]], Field(min_length=1, max_length=50)
        ]
        | None
    ) = None
    runtime_version: RuntimeVersionName | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        """A document holds 1 MiB; the schemas together must leave room for the rest."""
        current = [schema.model_dump() for schema in (self.schemas or {}).values()]
        held = [self.config_schema, self.outputs_schema, self.resource_schemas, current]
        if len(json.dumps(held)) > SCHEMA_BYTES * 2:
            raise ValueError(f"the schemas together are over {SCHEMA_BYTES * 2} bytes")
        return self


class RuntimeVersionRequest(Request):
    version: RuntimeVersionName
    image_url: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\s\x00-\x1f]+$")]
    changelog: Annotated[str, Field(max_length=50_000), NO_NUL] | None = None


class DeadLetterQuery(Request):
    provider: Annotated[str, Field(max_length=200), NO_NUL] | None = None


class DeadLetterDeletion(Request):
    provider: Annotated[str, Field(max_length=200), NO_NUL] | None = None
    all: bool = False


class Response(BaseModel):
    """A response body: every field is there, absent ones are null, times are UTC."""

    # Built at its first use, as above.
    model_config = ConfigDict(from_attributes=True, defer_build=True)


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


class AuthorBody(Response):
    kind: AuthorKind
    organization_id: str | None
    display_name: str


class ProviderBody(Response):
    prefix: str
    name: str
    canonical: str
    display_name: str
    description: str
    author: AuthorBody
    scope: Scope
    icon_url: str | None
    readme: str | None
    tags: list[str]
    latest_version: str | None
    install_count: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, listing: Listing) -> Self:
        provider = listing.provider
        return cls(
            prefix=provider.prefix,
            name=provider.name,
            canonical=provider.canonical,
            display_name=provider.display_name,
            description=provider.description,
            author=AuthorBody.model_validate(provider.author),
            scope=provider.scope,
            icon_url=provider.icon_url,
            readme=provider.readme,
            tags=list(provider.tags),
            latest_version=provider.latest_version,
            install_count=listing.install_count,
            created_at=provider.created_at,
            updated_at=provider.updated_at,
        )


class ProviderPage(Response):
    items: list[ProviderBody]
    total: int
    limit: int
    offset: int


class SchemaBody(Response):
    provider: str
    resource: str
    description: str | None
    config_schema: dict[str, Any] | None
    outputs_schema: dict[str, Any] | None

    @classmethod
    def of(cls, schema: ResourceSchema) -> Self:
        return cls(
            provider=schema.provider,
            resource=schema.resource,
            description=schema.description,
            config_schema=_parsed(schema.config_schema),
            outputs_schema=_parsed(schema.outputs_schema),
        )


def listed_schemas(version: ProviderVersion) -> list[ResourceSchema]:
    """The schemas of every resource type; the provider's own, if it has any, first and as resource `provider`."""
    own = ResourceSchema("provider", version.name, None, version.config_schema, version.outputs_schema)
    has_own = version.config_schema or version.outputs_schema
    return [own, *version.schemas] if has_own else list(version.schemas)


class ProviderVersionBody(Response):
    prefix: str
    name: str
    version: str
    canonical: str
    runtime_version: str | None
    wheel_url: str
    wheel_sha256: str
    package_name: str | None
    entrypoint: list[str] | None
    source_hash: str | None
    build_id: str | None
    schemas: list[SchemaBody]
    changelog: str | None
    status: VersionStatus
    published_at: datetime | None
    error_message: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, version: ProviderVersion) -> Self:
        return cls(
            prefix=version.prefix,
            name=version.name,
            version=version.version,
            canonical=version.provider_name.canonical,
            runtime_version=version.runtime_version,
            wheel_url=version.wheel_url,
            wheel_sha256=version.wheel_sha256,
            package_name=version.package_name,
            entrypoint=None if version.entrypoint is None else list(version.entrypoint),
            source_hash=version.source_hash,
            build_id=version.build_id,
            schemas=[SchemaBody.of(schema) for schema in listed_schemas(version)],
            changelog=version.changelog,
            status=version.status,
            published_at=version.published_at,
            error_message=version.error_message,
            created_at=version.created_at,
            updated_at=version.updated_at,
        )


class RolloutBody(Response):
    """A version's way to the installations with policy `auto`: counts only, no tenant is named."""

    version: str
    state: RolloutState
    wave: int
    candidates: int
    started: int
    succeeded: int
    failed: int
    left: int
    halted_reason: str | None
    created_at: datetime
    updated_at: datetime
    due_at: datetime | None

    @classmethod
    def of(cls, rollout: Rollout) -> Self:
        return cls.model_validate(rollout)


class RuntimeVersionBody(Response):
    version: str
    image_url: str
    changelog: str | None
    released_at: datetime
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, version: RuntimeVersion) -> Self:
        return cls.model_validate(version)


class WhoAmI(Response):
    kind: str
    user_id: str | None
    machine_id: str | None
    token_id: str | None
    scopes: list[str] | None


class Me(Response):
    user_id: str
    email: str | None
    organization_id: str | None
    organization_name: str | None


class OrganizationBody(Response):
    organization_id: str
    name: str
    slug: str
    status: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, organization: Organization) -> Self:
        return cls.model_validate(organization)


class DeadLetterBody(Response):
    id: str
    event_id: str
    provider: str | None
    resource_type: str
    resource_name: str | None
    event_type: str
    payload: dict[str, Any]
    error_message: str
    attempt_count: int
    failed_at: datetime

    @classmethod
    def of(cls, letter: DeadLetter) -> Self:
        payload = json.loads(letter.payload)
        return cls(
            id=letter.dead_letter_id,
            event_id=letter.event_id,
            provider=letter.provider,
            resource_type="provider_installation",
            resource_name=letter.provider,
            event_type=letter.event_type,
            payload=payload,
            error_message=letter.error_message,
            attempt_count=letter.attempt_count,
            failed_at=letter.failed_at,
        )


class RetriedCount(Response):
    retried_count: int


class DeletedCount(Response):
    deleted_count: int


class HealthBody(Response):
    status: str = "ok"


class ErrorBody(Response):
    """Every refusal but a failed validation: one human sentence."""

    detail: str


class ProblemBody(Response):
    loc: list[str | int]
    msg: str
    type: str


class ValidationErrorBody(Response):
    """A body or query that failed validation: where, and what."""

    detail: list[ProblemBody]


def _parsed(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    schema: Mapping[str, Any] = json.loads(text)
    return dict(schema)

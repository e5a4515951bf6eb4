"""A provider's version, as the catalog shows it and publishing answers (contract, sections 4 and 5)."""

from datetime import datetime
from typing import Any, Self
from urllib.parse import quote

from pydantic import Field

from provider_hub.domain.advisories import LockAdvisories, Severity
from provider_hub.domain.catalog import ProviderVersion, ResourceSchema, VersionStatus
from provider_hub.domain.json_values import as_answerable
from provider_hub.domain.names import ProviderName
from provider_hub.domain.publishers.records import PublishedBy, PublisherKind
from provider_hub.http.advisory_view import AdvisoryBody, advisories_of
from provider_hub.http.models import Response


class SchemaBody(Response):
    """The schemas of one type of resource."""

    provider: str = Field(description="The provider's name, as the resource type says it.", examples=["weather"])
    resource: str = Field(
        description="The type of resource; `provider` is the provider's own config.", examples=["station"]
    )
    description: str | None = Field(
        description="What a resource of this type is.", examples=["A place whose sunlight is counted."]
    )
    config_schema: dict[str, Any] | None = Field(
        description="The JSON Schema of its config.",
        examples=[{"type": "object", "properties": {"latitude": {"type": "number"}}, "required": ["latitude"]}],
    )
    outputs_schema: dict[str, Any] | None = Field(
        description="The JSON Schema of its outputs.",
        examples=[{"type": "object", "properties": {"sunlight_hours": {"type": "number"}}}],
    )

    @classmethod
    def of(cls, schema: ResourceSchema) -> Self:
        """The view of a stored schema."""
        return cls(
            provider=schema.provider,
            resource=schema.resource,
            description=schema.description,
            config_schema=_parsed(schema.config_schema),
            outputs_schema=_parsed(schema.outputs_schema),
        )


class PublishedByBody(Response):
    """Where a version came from: what a CI platform vouched for, or what kind of token published it."""

    kind: PublisherKind = Field(
        description="`trusted_publisher`, or whose stored token it was: a `machine`, a `user`, the `platform`.",
        examples=["trusted_publisher"],
    )
    issuer: str | None = Field(
        description="The CI platform that vouched for the run.",
        examples=["https://token.actions.githubusercontent.com"],
    )
    repository: str | None = Field(description="The repository of the run.", examples=["acme/weather"])
    repository_id: str | None = Field(description="The platform's own number of it.", examples=["74"])
    workflow: str | None = Field(
        description="The file that the run began with; null where only the reusable workflow was recorded.",
        examples=[".github/workflows/release.yml"],
    )
    called_workflow: str | None = Field(
        description="The reusable workflow that published, with its repository; null where it was that file itself.",
        examples=["acme/shared/.github/workflows/publish.yml"],
    )
    environment: str | None = Field(description="The environment of the job.", examples=["release"])
    ref: str | None = Field(description="The branch or tag.", examples=["refs/tags/v1.4.0"])
    commit: str | None = Field(description="The commit.", examples=["4f2a9c1e8b7d6a5c4e3f2b1a0d9c8e7f6a5b4c3d"])
    run_url: str | None = Field(
        description="The run's page.", examples=["https://github.com/acme/weather/actions/runs/30433642"]
    )
    actor: str | None = Field(description="Who caused the run, by the platform.", examples=["ada"])

    @classmethod
    def of(cls, published_by: PublishedBy) -> Self:
        """The view of what was recorded, without the caller's own id."""
        return cls.model_validate(published_by.with_workflows_told_apart())


class ProviderVersionBody(Response):
    """A version of a provider: a wheel and its digest. Only its status, its lock and its URL ever change."""

    prefix: str = Field(description="The provider's namespace: `platform`, or its author's slug.", examples=["acme"])
    name: str = Field(description="The provider's name within its namespace.", examples=["weather"])
    version: str = Field(description="Semantic version 2.0.0.", examples=["1.4.0"])
    canonical: str = Field(description="`prefix/name`.", examples=["acme/weather"])
    runtime_version: str = Field(
        description="The version of the runtime that it is pinned to.", examples=["python3.13-5f1c2ab09e77"]
    )
    wheel_url: str = Field(
        description="Where the wheel was fetched from, without its query.",
        examples=["https://wheels.acme.example/weather_provider-1.4.0-py3-none-any.whl"],
    )
    wheel_sha256: str = Field(
        description="The SHA-256 of the wheel's bytes, 64 hexadecimal digits.",
        examples=["5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"],
    )
    wheel_filename: str | None = Field(
        description="The wheel's file name.", examples=["weather_provider-1.4.0-py3-none-any.whl"]
    )
    wheel_size: int | None = Field(description="The wheel's size in bytes.", examples=[48213])
    distribution_name: str | None = Field(
        description="What the wheel calls its distribution.", examples=["weather-provider"]
    )
    summary: str | None = Field(description="The wheel's own summary.", examples=["Sunlight by the hour."])
    requires_python: str | None = Field(
        description="The Python versions that the wheel says it runs on.", examples=[">=3.11"]
    )
    package_name: str | None = Field(
        description="The Python package to import; null infers it from the wheel.", examples=["weather_provider"]
    )
    entrypoint: list[str] | None = Field(description="The command of the container; null is the runtime's own.")
    lock_sha256: str | None = Field(
        description="The SHA-256 of the version's lock; null for a version that was published before there were locks.",
        examples=["c2f8a1d4a0cf0a3c3f0e6f7d6f9a3f2bb0b0d9a6a2a4c1d0b7a9e8c7d6e5f4a3"],
    )
    lock_packages: int | None = Field(
        description="How many distributions are installed beside the wheel; null without a lock.", examples=[3]
    )
    lock_due_at: datetime | None = Field(description="When it is to be locked again; null when it is not.")
    lock_message: str | None = Field(description="What came of locking it again, or of locking it late.")
    advisories: list[AdvisoryBody] | None = Field(
        description="Known vulnerabilities of what the lock has, the worst first; null where nothing is known: "
        "there is no lock, or it was not held against a database yet. A list of versions and the answer to a change "
        "have null."
    )
    advisory_count: int | None = Field(
        description="How many of them there are, in a list of versions too; null where nothing is known.", examples=[1]
    )
    advisory_severity: Severity | None = Field(
        description="How bad the worst of them is; null without any, and where nobody has said.", examples=["medium"]
    )
    advisories_as_of: datetime | None = Field(
        description="How new the database was that the lock was held against; null where nothing is known.",
        examples=["2026-03-02T02:11:09Z"],
    )
    source_hash: str | None = Field(description="Of no use here: always null.")
    build_id: str | None = Field(description="Of no use here: always null.")
    schemas: list[SchemaBody] = Field(description="By type of resource, the provider's own first.")
    changelog: str | None = Field(
        description="What is new, as its author wrote it.", examples=["Stations may lie at sea."]
    )
    status: VersionStatus = Field(description="Only `published` ones can be installed.", examples=["published"])
    published_at: datetime | None = Field(description="When it was published.", examples=["2026-03-02T09:30:00Z"])
    error_message: str | None = Field(description="Why it failed or was yanked.")
    published_by: PublishedByBody | None = Field(
        description="By what right it was published, and by which CI run; null for what is older than this field."
    )
    attestations: list[str] = Field(
        description="The types of what that run attested of the wheel.",
        examples=[["https://docs.pypi.org/attestations/publish/v1"]],
    )
    provenance_path: str | None = Field(
        description="Where the attestations are, at this API; null without any.",
        examples=["/integrity/acme/weather/1.4.0/weather_provider-1.4.0-py3-none-any.whl/provenance"],
    )
    created_at: datetime = Field(description="When it was registered.", examples=["2026-03-02T09:30:00Z"])
    updated_at: datetime = Field(
        description="When its status, its lock or its URL last changed.", examples=["2026-03-02T09:30:00Z"]
    )

    @classmethod
    def of(cls, version: ProviderVersion, known: LockAdvisories | None = None, *, is_listed: bool = False) -> Self:
        """The view of a stored version, and of what is known of its lock: in a list how much, and not each advisory."""
        return cls(
            prefix=version.prefix,
            name=version.name,
            version=version.version,
            canonical=version.provider_name.canonical,
            runtime_version=version.runtime_version,
            # Whoever has the query of a signed URL can fetch the wheel.
            wheel_url=version.wheel_url.partition("?")[0],
            wheel_sha256=version.wheel_sha256,
            wheel_filename=version.wheel_filename,
            wheel_size=version.wheel_size,
            distribution_name=version.distribution_name,
            summary=version.summary,
            requires_python=version.requires_python,
            package_name=version.package_name,
            entrypoint=None if version.entrypoint is None else list(version.entrypoint),
            lock_sha256=version.lock_sha256,
            lock_packages=version.lock_packages,
            lock_due_at=version.lock_due_at,
            lock_message=version.lock_message,
            advisories=None if is_listed else advisories_of(known),
            advisory_count=len(known.found) if known else None,
            advisory_severity=known.severity if known else None,
            advisories_as_of=known.export_at if known else None,
            source_hash=version.source_hash,
            build_id=version.build_id,
            schemas=[SchemaBody.of(schema) for schema in _listed(version)],
            changelog=version.changelog,
            status=version.status,
            published_at=version.published_at,
            error_message=version.error_message,
            published_by=None if version.published_by is None else PublishedByBody.of(version.published_by),
            attestations=list(version.attestations),
            provenance_path=provenance_path(version),
            created_at=version.created_at,
            updated_at=version.updated_at,
        )


def provenance_path(version: ProviderVersion) -> str | None:
    """Where what was attested of the version's wheel is served; None where nothing was."""
    if not version.attestations or version.wheel_filename is None:
        return None
    return integrity_path(version.provider_name, version.version, version.wheel_filename)


def integrity_path(provider: ProviderName, version: str, file_name: str) -> str:
    """Where what was attested of a file of a version is served, at this API."""
    return f"/integrity/{file_path(provider, version, file_name)}/provenance"


def file_path(provider: ProviderName, version: str, file_name: str) -> str:
    """What paths to a file of a version have in common: organization, name, version and file, each encoded whole."""
    return "/".join(quote(part, safe="") for part in (provider.prefix, provider.name, version, file_name))


def _listed(version: ProviderVersion) -> list[ResourceSchema]:
    """The schemas of every resource type; the provider's own, if it has any, first and as resource `provider`."""
    own = ResourceSchema("provider", version.name, None, version.config_schema, version.outputs_schema)
    has_own = version.config_schema or version.outputs_schema
    return [own, *version.schemas] if has_own else list(version.schemas)


def _parsed(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    schema: dict[str, Any] | None = as_answerable(text)
    return schema

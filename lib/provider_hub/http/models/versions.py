"""A provider's version, as the catalog shows it and publishing answers (contract, sections 4 and 5)."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from provider_hub.domain.catalog import ProviderVersion, ResourceSchema, VersionStatus
from provider_hub.http.models.base import Response


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
            schemas=[SchemaBody.of(schema) for schema in _listed(version)],
            changelog=version.changelog,
            status=version.status,
            published_at=version.published_at,
            error_message=version.error_message,
            created_at=version.created_at,
            updated_at=version.updated_at,
        )


def _listed(version: ProviderVersion) -> list[ResourceSchema]:
    """The schemas of every resource type; the provider's own, if it has any, first and as resource `provider`."""
    own = ResourceSchema("provider", version.name, None, version.config_schema, version.outputs_schema)
    has_own = version.config_schema or version.outputs_schema
    return [own, *version.schemas] if has_own else list(version.schemas)


def _parsed(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    schema: Mapping[str, Any] = json.loads(text)
    return dict(schema)

"""What publishers register, within which bounds, and versions of the runtime (contract, section 5)."""

import json
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from provider_hub.domain.catalog import RuntimeVersion
from provider_hub.http.models.base import Request, Response
from provider_hub.http.models.fields import NO_NUL, Semver, Tags, Text, WebAddress

SCHEMA_BYTES = 256 * 1024
PACKAGE_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"


def _schema(schema: dict[str, Any] | None) -> dict[str, Any] | None:
    """A JSON Schema document, by its own meta-schema."""
    if schema is None:
        return None
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - slow, and many a version has no schema
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


JsonSchema = Annotated[dict[str, Any] | None, AfterValidator(_schema)]
# Also the id of a document: no slash in it, and none of the names that Firestore keeps for itself.
RuntimeVersionName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$")]


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

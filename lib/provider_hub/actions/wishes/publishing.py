"""What authors register, within which bounds, and versions of the runtime (contract, sections 5 and 6)."""

import json
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from provider_hub.actions.wishes.base import Wish
from provider_hub.actions.wishes.fields import NO_NUL, Description, DisplayName, Semver, Tags, Text, WebAddress
from provider_hub.actions.wishes.schemas import SCHEMA_BYTES, AnyObject, JsonSchema
from provider_hub.domain.artifacts import MAX_BYTES
from provider_hub.domain.attestations import LONGEST, MOST
from provider_hub.domain.catalog import ResourceSchema
from provider_hub.domain.errors import Invalid
from provider_hub.domain.names import ProviderName
from provider_hub.domain.runtimes import PLATFORM_PATTERN, PYTHON_PATTERN
from provider_hub.domain.scope import Scope

PACKAGE_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
# It is also the id of a document: it has no slash, and is none of the names that Firestore keeps for itself.
RuntimeVersionName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$")]
_Base64 = Annotated[str, Field(min_length=1, max_length=LONGEST, pattern=r"^[A-Za-z0-9+/]+={0,2}$")]


class ResourceSchemaWish(Wish):
    """The schemas of one type of resource."""

    model_config = ConfigDict(title="ResourceSchemaBody")

    provider: Text | None = Field(None, description="The provider's name; null is the name that is published.")
    resource: Text | None = Field(None, description="The type of resource; null is the key in the map.")
    description: Annotated[str, Field(max_length=5000), NO_NUL] | None = Field(
        None, description="What a resource of this type is.", examples=["A place whose sunlight is counted."]
    )
    config_schema: JsonSchema = Field(
        None,
        description="The JSON Schema of its config.",
        examples=[{"type": "object", "properties": {"latitude": {"type": "number"}}, "required": ["latitude"]}],
    )
    outputs_schema: JsonSchema = Field(
        None,
        description="The JSON Schema of its outputs.",
        examples=[{"type": "object", "properties": {"sunlight_hours": {"type": "number"}}}],
    )

    def stored(self, resource: str, provider: ProviderName) -> ResourceSchema:
        """The record of it, for the type that the map names `resource`."""
        return ResourceSchema(
            resource=self.resource or resource,
            provider=self.provider or provider.name,
            description=self.description,
            config_schema=as_text(self.config_schema),
            outputs_schema=as_text(self.outputs_schema),
        )


class MetadataWish(Wish):
    """What people read of the provider in the catalog."""

    model_config = ConfigDict(title="MetadataBody")

    display_name: DisplayName = Field(description="What people read as the provider's name.", examples=["Weather"])
    description: Description = Field(
        description="What the provider does, in a sentence or two.", examples=["Sunlight at your stations."]
    )
    icon_url: WebAddress | None = Field(
        None, description="An `http` or `https` address of a picture; null keeps the present one."
    )
    tags: Tags | None = Field(
        None, description="All tags; null or none keeps the present ones.", examples=[["weather"]]
    )
    scope: Scope | None = Field(
        None,
        description="Who sees the provider: `public` everyone, `tenant` its own organization; null keeps what it is, "
        "and takes the operator's default for a new one.",
    )
    only_if_new: list[Literal["display_name", "description"]] | None = Field(
        None,
        max_length=2,
        description="Which of the two are made up for a new provider: one that exists keeps its own.",
        examples=[["display_name"]],
    )


class MaterialWish(Wish):
    """What an attestation is verified by, beside the trusted root."""

    model_config = ConfigDict(title="VerificationMaterial")

    certificate: _Base64 = Field(description="The certificate that signed, in DER.")
    transparency_entries: Annotated[list[AnyObject], Field(min_length=1, max_length=1)] = Field(
        description="Where the log has the signature, as Sigstore writes it."
    )


class EnvelopeWish(Wish):
    """What is attested, and its signature."""

    model_config = ConfigDict(title="AttestationEnvelope")

    statement: _Base64 = Field(description="An in-toto statement about the wheel alone, in JSON.")
    signature: _Base64 = Field(description="The signature of the statement's DSSE envelope.")


class AttestationWish(Wish):
    """What a CI run attests of a wheel (PEP 740)."""

    model_config = ConfigDict(title="Attestation")

    version: Literal[1] = Field(description="Of this form.", examples=[1])
    verification_material: MaterialWish = Field(description="The certificate, and the log's entry.")
    envelope: EnvelopeWish = Field(description="The statement, and its signature.")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if len(self.model_dump_json()) > LONGEST:
            raise ValueError(f"the attestation is over {LONGEST} bytes")
        return self


Attestations = Annotated[list[AttestationWish], Field(max_length=MOST)]


class PublishWish(Wish):
    """A version of a provider to register."""

    model_config = ConfigDict(title="PublishRequest")

    organization_id: Annotated[str, Field(max_length=200), NO_NUL] | None = Field(
        None, description="Legacy: the caller's organization, with a `name` that has no namespace."
    )
    name: Annotated[str, Field(min_length=1, max_length=200), NO_NUL] = Field(
        description="The provider, as `organization/name`.", examples=["acme/weather"]
    )
    version: Semver = Field(
        description="Semantic version 2.0.0; the wheel's own metadata must say the same.", examples=["1.4.0"]
    )
    wheel_url: Annotated[str, Field(min_length=1, max_length=2048), NO_NUL] | None = Field(
        None,
        description="Where the wheel is: `https`, with a path that ends in `.whl`. Or give `upload_id`.",
        examples=["https://wheels.acme.example/weather_provider-1.4.0-py3-none-any.whl"],
    )
    upload_id: Annotated[str, Field(min_length=1, max_length=100), NO_NUL] | None = Field(
        None, description="The wheel that was uploaded under this id, in the place of `wheel_url`."
    )
    sha256: str | None = Field(
        None,
        pattern=r"^[0-9a-f]{64}$",
        description="What the SHA-256 of the wheel must be; null takes what the URL serves now.",
        examples=["5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"],
    )
    package_name: Annotated[str, Field(min_length=1, max_length=200, pattern=PACKAGE_PATTERN)] | None = Field(
        None, description="The Python package to import; null infers it from the wheel.", examples=["weather_provider"]
    )
    schemas: Annotated[dict[Text, ResourceSchemaWish], Field(max_length=200)] | None = Field(
        None,
        description="The schemas by type of resource.",
        examples=[{"station": {"config_schema": {"type": "object", "required": ["latitude"]}}}],
    )
    metadata: MetadataWish | None = Field(
        None, description="Required on a provider's first version, and on every platform version."
    )
    config_schema: JsonSchema = Field(None, description="The JSON Schema of an installation's config.")
    outputs_schema: JsonSchema = Field(None, description="Legacy: the JSON Schema of the provider's outputs.")
    resource_schemas: Annotated[dict[Text, Any], Field(max_length=200)] | None = Field(
        None, description="Legacy: as `schemas`, or a config schema by type of resource."
    )
    changelog: Annotated[str, Field(max_length=50_000), NO_NUL] | None = Field(
        None, description="What is new.", examples=["Stations may lie at sea."]
    )
    attestations: Attestations | None = Field(
        None,
        description="What the CI run that publishes attests of the wheel, one of each type; null or none for none.",
    )
    entrypoint: (
        Annotated[
            list[Annotated[str, Field(min_length=1, max_length=1000), NO_NUL]], Field(min_length=1, max_length=50)
        ]
        | None
    ) = Field(None, description="The command of the container, a word each; null, and the runtime's own, are the same.")
    runtime_version: RuntimeVersionName | None = Field(
        None, description="A registered version of the runtime; null takes the newest that the wheel runs on."
    )

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        """A document holds 1 MiB; the schemas together must leave room for the rest."""
        current = [schema.model_dump() for schema in (self.schemas or {}).values()]
        held = [self.config_schema, self.outputs_schema, self.resource_schemas, current]
        size = len(json.dumps(held))
        if size > SCHEMA_BYTES * 2:
            raise ValueError(f"the schemas together are over {SCHEMA_BYTES * 2} bytes: they are {size}")
        return self

    @property
    def given_attestations(self) -> list[dict[str, Any]]:
        """As they were sent, without what no attestation has."""
        return [attestation.model_dump() for attestation in self.attestations or ()]

    @property
    def legacy_schemas(self) -> dict[str, ResourceSchemaWish]:
        """The legacy map's schemas by type of resource. Raises Invalid."""
        return {resource: _from_legacy(resource, given) for resource, given in (self.resource_schemas or {}).items()}

    def resource_schemas_of(self, provider: ProviderName) -> tuple[ResourceSchema, ...]:
        """The records of `schemas`, and of the legacy map's types that `schemas` has not. Raises Invalid."""
        merged = {**self.legacy_schemas, **(self.schemas or {})}
        return tuple(schema.stored(resource, provider) for resource, schema in sorted(merged.items()))


class UploadWish(Wish):
    """A wheel that is about to be uploaded."""

    model_config = ConfigDict(title="UploadRequest")

    filename: Annotated[str, Field(min_length=1, max_length=255), NO_NUL] = Field(
        description="The wheel's file name.", examples=["weather_provider-1.4.0-py3-none-any.whl"]
    )
    size: Annotated[int, Field(ge=1, le=MAX_BYTES)] = Field(
        description="Its size in bytes; the upload takes exactly as many.", examples=[48213]
    )
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="The SHA-256 of its bytes, which is checked when the version is published.",
        examples=["5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"],
    )


class RuntimeVersionWish(Wish):
    """A version of the runtime to register; a known one keeps its image."""

    model_config = ConfigDict(title="RuntimeVersionRequest")

    version: RuntimeVersionName = Field(description="What the version is called.", examples=["3.2.0"])
    image_url: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\s\x00-\x1f]+$")] = Field(
        description="The container image of the runtime.",
        examples=["europe-docker.pkg.dev/hub/runtime/pragma-runtime:3.2.0"],
    )
    python_version: Annotated[str, Field(pattern=PYTHON_PATTERN)] | None = Field(
        None,
        description="CPython in the image, `3.13` or `3.13.2`; null is that of the deployment's own image.",
        examples=["3.13"],
    )
    platform: Annotated[str, Field(pattern=PLATFORM_PATTERN)] | None = Field(
        None,
        description="The newest platform tag of a wheel that the image loads; null is that of the own image.",
        examples=["manylinux_2_36_x86_64"],
    )
    changelog: Annotated[str, Field(max_length=50_000), NO_NUL] | None = Field(None, description="What is new.")


def as_text(schema: dict[str, Any] | None) -> str | None:
    """A schema as it is stored: Firestore cannot hold the nested lists of a JSON Schema."""
    return None if schema is None else json.dumps(schema, sort_keys=True)


def _from_legacy(resource: str, schema: Any) -> ResourceSchemaWish:
    """Legacy clients send either both schemas of a type, or its config schema alone. Raises Invalid."""
    if not isinstance(schema, dict):
        raise Invalid.at("body", "resource_schemas", resource, msg="must be an object")
    both = {"config_schema", "outputs_schema"} & set(schema)
    try:
        return ResourceSchemaWish.model_validate(schema if both else {"config_schema": schema})
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        sentence = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in found)
        raise Invalid.at("body", "resource_schemas", resource, msg=f"is not usable: {sentence}"[:500]) from None

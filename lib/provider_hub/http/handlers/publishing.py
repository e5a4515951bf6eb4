"""Publishing (contract, section 5): both realms' routes, the legacy fields, and the runtime's versions."""

import json
from collections.abc import Mapping
from typing import Any

from provider_hub.actions.ports import Wheels
from provider_hub.actions.publish import Publication, publish, register_runtime
from provider_hub.actions.services import Services
from provider_hub.domain.catalog import PLATFORM_AUTHOR, Author, AuthorKind, CatalogMetadata, ResourceSchema
from provider_hub.domain.errors import Forbidden, Invalid
from provider_hub.domain.names import PLATFORM_PREFIX, ProviderName
from provider_hub.http.application import Call, Handler, Reply
from provider_hub.http.models import publishing as models
from provider_hub.http.models.versions import ProviderVersionBody


def handlers(services: Services, wheels: Wheels) -> Mapping[str, Handler]:
    """The handlers of the `publishing` function by route name."""

    def publish_own(call: Call) -> Reply:
        body, organization = call.body(models.PublishRequest), call.organization
        name = _named(body, organization.slug)
        if name.prefix != organization.slug or body.organization_id not in (None, organization.organization_id):
            raise Forbidden(f"your organization publishes under {organization.slug}/, not as {body.name[:80]}")
        author = Author(AuthorKind.CUSTOMER, organization.organization_id, organization.name)
        return _published(services, wheels, body, name, author)

    def publish_platform(call: Call) -> Reply:
        body = call.body(models.PublishRequest)
        name = _named(body, "")
        if name.prefix != PLATFORM_PREFIX:
            raise Forbidden(f"this route publishes under {PLATFORM_PREFIX}/, not as {body.name[:80]}")
        return _published(services, wheels, body, name, PLATFORM_AUTHOR)

    def register(call: Call) -> Reply:
        body = call.body(models.RuntimeVersionRequest)
        version, created = register_runtime(services, body.version, body.image_url, body.changelog)
        return Reply(models.RuntimeVersionBody.of(version), status=201 if created else 200)

    return {"publish": publish_own, "publish_platform": publish_platform, "register_runtime": register}


def _published(
    services: Services, wheels: Wheels, body: models.PublishRequest, name: ProviderName, author: Author
) -> Reply:
    published = publish(services, wheels, _publication(body, name), author)
    return Reply(ProviderVersionBody.of(published.version), status=201 if published.created else 200)


def _named(body: models.PublishRequest, slug: str) -> ProviderName:
    """`prefix/name`; or the legacy short name, which goes with an organization id. Raises Invalid or Forbidden."""
    if "/" not in body.name and (not slug or body.organization_id is None):
        raise Forbidden(f"{body.name[:80]!r} names no namespace: write it as {slug or PLATFORM_PREFIX}/<name>")
    canonical = body.name if "/" in body.name else f"{slug}/{body.name}"
    try:
        return ProviderName.parse(canonical)
    except ValueError as error:
        raise Invalid.at("body", "name", msg=str(error)) from None


def _publication(body: models.PublishRequest, name: ProviderName) -> Publication:
    metadata = body.metadata
    return Publication(
        provider=name,
        version=body.version,
        wheel_url=body.wheel_url,
        sha256=body.sha256,
        metadata=_metadata(metadata) if metadata else None,
        package_name=body.package_name,
        entrypoint=None if body.entrypoint is None else tuple(body.entrypoint),
        runtime_version=body.runtime_version,
        schemas=_schemas(body, name),
        config_schema=_text(body.config_schema),
        outputs_schema=_text(body.outputs_schema),
        changelog=body.changelog,
    )


def _metadata(body: models.MetadataBody) -> CatalogMetadata:
    return CatalogMetadata(body.display_name, body.description, body.icon_url, tuple(body.tags or ()))


def _schemas(body: models.PublishRequest, name: ProviderName) -> tuple[ResourceSchema, ...]:
    """The current map, with the legacy one's types where the current does not have them."""
    legacy = {resource: _from_legacy(resource, schema) for resource, schema in (body.resource_schemas or {}).items()}
    merged = {**legacy, **(body.schemas or {})}
    return tuple(
        ResourceSchema(
            resource=schema.resource or resource,
            provider=schema.provider or name.name,
            description=schema.description,
            config_schema=_text(schema.config_schema),
            outputs_schema=_text(schema.outputs_schema),
        )
        for resource, schema in sorted(merged.items())
    )


def _from_legacy(resource: str, schema: Any) -> models.ResourceSchemaBody:
    """Legacy clients send either both schemas of a type, or its config schema alone. Raises Invalid."""
    if not isinstance(schema, dict):
        raise Invalid.at("body", "resource_schemas", resource, msg="must be an object")
    both = {"config_schema", "outputs_schema"} & set(schema)
    try:
        return models.ResourceSchemaBody.model_validate(schema if both else {"config_schema": schema})
    except ValueError as error:
        raise Invalid.at("body", "resource_schemas", resource, msg=f"is not usable: {error}"[:500]) from None


def _text(schema: dict[str, Any] | None) -> str | None:
    return None if schema is None else json.dumps(schema, sort_keys=True)

"""Publish: a version is registered once its wheel was fetched and verified, and then never changes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from provider_hub.actions import keys
from provider_hub.actions.outbox import version_entry
from provider_hub.actions.ports import DocumentStore, Transaction, Wheels
from provider_hub.actions.services import Services
from provider_hub.domain.catalog import (
    PUBLIC_AUDIENCE,
    Author,
    CatalogMetadata,
    Provider,
    ProviderVersion,
    ResourceSchema,
    RuntimeVersion,
    Scope,
    VersionStatus,
    newer_of,
    scope_of,
    search_tokens,
)
from provider_hub.domain.errors import Conflict, Invalid
from provider_hub.domain.messages import VersionPublished
from provider_hub.domain.names import PLATFORM_PREFIX, ProviderName
from provider_hub.domain.versions import Version
from provider_hub.domain.wheels import WheelRefused, WheelUrl, parse_wheel_url


@dataclass(frozen=True, slots=True)
class Publication:
    """What a publisher registers. `sha256` None: whatever the URL serves now is what is published."""

    provider: ProviderName
    version: str
    wheel_url: str
    sha256: str | None
    metadata: CatalogMetadata | None
    package_name: str | None = None
    entrypoint: tuple[str, ...] | None = None
    runtime_version: str | None = None
    schemas: tuple[ResourceSchema, ...] = ()
    config_schema: str | None = None
    outputs_schema: str | None = None
    changelog: str | None = None


@dataclass(frozen=True, slots=True)
class Published:
    version: ProviderVersion
    created: bool


def publish(services: Services[DocumentStore], wheels: Wheels, publication: Publication, author: Author) -> Published:
    """Register a version, or find that the very same is registered. Raises Conflict or Invalid.

    The wheel is fetched before the transaction: a publisher's slow host must not keep one open. Whoever
    publishes the same version meanwhile is met again in the transaction.
    """
    url = _parsed_url(publication.wheel_url)
    publication = replace(publication, wheel_url=str(url))
    stored = services.store.get(keys.version(publication.provider, publication.version))
    if stored and publication.sha256:
        return _same_or_refused(stored, _fingerprint(publication, publication.sha256))
    _check_metadata(publication, services.store.get(keys.provider(publication.provider)))
    _check_runtime_version(services, publication)
    wheel = wheels.fetch(url, publication.sha256, publication.provider, publication.version)
    fingerprint = _fingerprint(publication, wheel.sha256)

    def decide(transaction: Transaction) -> Published:
        provider_key = keys.provider(publication.provider)
        version_key = keys.version(publication.provider, publication.version)
        provider, existing = transaction.read(provider_key, version_key)
        if existing:
            return _same_or_refused(existing, fingerprint)
        _check_metadata(publication, provider)
        if provider and provider.retiring:
            raise Conflict(f"{publication.provider} is being deleted: publish again once that is done")
        now = services.clock()
        version = _new_version(publication, wheel.sha256, fingerprint, now)
        transaction.write(provider_key, _catalog_row(publication, provider, author, now))
        transaction.write(version_key, version)
        event = VersionPublished(publication.provider.canonical, publication.version, now, author.organization_id)
        transaction.emit(version_entry(event, now))
        return Published(version, created=True)

    return services.outbox.transact(decide)


def register_runtime(
    services: Services[DocumentStore], version: str, image_url: str, changelog: str | None
) -> tuple[RuntimeVersion, bool]:
    """Create or update a runtime version; whether it was created."""
    key = keys.runtime_version(version)

    def decide(transaction: Transaction) -> tuple[RuntimeVersion, bool]:
        (known,) = transaction.read(key)
        now = services.clock()
        released = known or RuntimeVersion(version, image_url, changelog, now, created_at=now, updated_at=now)
        updated = replace(released, image_url=image_url, changelog=changelog, updated_at=now)
        transaction.write(key, updated)
        return updated, known is None

    return services.store.transact(decide)[0]


def _parsed_url(raw: str) -> WheelUrl:
    try:
        return parse_wheel_url(raw)
    except WheelRefused as error:
        raise Invalid.at("body", "wheel_url", msg=str(error)) from error


def _same_or_refused(stored: ProviderVersion, fingerprint: str) -> Published:
    if stored.fingerprint == fingerprint:
        return Published(stored, created=False)
    raise Conflict(
        f"{stored.provider_name} {stored.version} is published with other bytes or fields, and versions never "
        "change: publish what you have under a new version"
    )


def _check_metadata(publication: Publication, provider: Provider | None) -> None:
    if publication.metadata or (provider and publication.provider.prefix != PLATFORM_PREFIX):
        return
    which = "every platform version" if provider else "a provider's first version"
    raise Invalid.at(
        "body", "metadata", msg=f"metadata with display_name and description is required on {which}", kind="missing"
    )


def _check_runtime_version(services: Services[DocumentStore], publication: Publication) -> None:
    pinned = publication.runtime_version
    if pinned and services.store.get(keys.runtime_version(pinned)) is None:
        raise Invalid.at("body", "runtime_version", msg=f"runtime version {pinned!r} is not registered")


def _new_version(publication: Publication, digest: str, fingerprint: str, now: datetime) -> ProviderVersion:
    return ProviderVersion(
        prefix=publication.provider.prefix,
        name=publication.provider.name,
        version=publication.version,
        wheel_url=publication.wheel_url,
        wheel_sha256=digest,
        status=VersionStatus.PUBLISHED,
        fingerprint=fingerprint,
        created_at=now,
        updated_at=now,
        published_at=now,
        runtime_version=publication.runtime_version,
        package_name=publication.package_name,
        entrypoint=publication.entrypoint,
        schemas=publication.schemas,
        config_schema=publication.config_schema,
        outputs_schema=publication.outputs_schema,
        changelog=publication.changelog,
    )


def _catalog_row(publication: Publication, known: Provider | None, author: Author, now: datetime) -> Provider:
    provider = known or _new_provider(publication, author, now)
    if metadata := publication.metadata:
        provider = replace(
            provider,
            display_name=metadata.display_name,
            description=metadata.description,
            icon_url=metadata.icon_url if metadata.icon_url is not None else provider.icon_url,
            tags=metadata.tags or provider.tags,
        )
    latest = newer_of(provider.latest_version, Version.parse(publication.version))
    return replace(provider, latest_version=latest, updated_at=now, search_tokens=search_tokens(provider))


def _new_provider(publication: Publication, author: Author, now: datetime) -> Provider:
    name = publication.provider
    scope = scope_of(name.prefix)
    return Provider(
        prefix=name.prefix,
        name=name.name,
        display_name=name.name,
        description="",
        author=author,
        scope=scope,
        audience=PUBLIC_AUDIENCE if scope is Scope.PUBLIC else str(author.organization_id),
        latest_version=None,
        created_at=now,
        updated_at=now,
    )


def _fingerprint(publication: Publication, digest: str) -> str:
    """Everything that was published, the wheel by its digest."""
    facts: Mapping[str, Any] = {
        "wheel_url": publication.wheel_url,
        "sha256": digest,
        "package_name": publication.package_name,
        "entrypoint": publication.entrypoint,
        "runtime_version": publication.runtime_version,
        "schemas": [
            (schema.resource, schema.provider, schema.description, schema.config_schema, schema.outputs_schema)
            for schema in publication.schemas
        ],
        "config_schema": publication.config_schema,
        "outputs_schema": publication.outputs_schema,
        "changelog": publication.changelog,
        "metadata": publication.metadata
        and (
            publication.metadata.display_name,
            publication.metadata.description,
            publication.metadata.icon_url,
            publication.metadata.tags,
        ),
    }
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

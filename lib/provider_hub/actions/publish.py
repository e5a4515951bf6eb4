"""Publish: a version is registered once its wheel was fetched and verified. Afterwards it never changes."""

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
from provider_hub.actions.wishes.publishing import PublishWish, RuntimeVersionWish, as_text
from provider_hub.domain.catalog import (
    PUBLIC_AUDIENCE,
    Author,
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
from provider_hub.domain.manifests import DEFAULT_ENTRYPOINT
from provider_hub.domain.messages import VersionPublished
from provider_hub.domain.names import PLATFORM_PREFIX, ProviderName
from provider_hub.domain.versions import Version
from provider_hub.domain.wheels import (
    PackageRefused,
    Packages,
    PackageUnclear,
    WheelRefused,
    WheelUrl,
    parse_wheel_url,
)
from provider_hub.domain.wheels.package import imported_name


@dataclass(frozen=True, slots=True)
class Published:
    """A stored version; `created` is False where the very same version was registered before."""

    version: ProviderVersion
    created: bool


@dataclass(frozen=True, slots=True)
class _Publication:
    """A publisher's wish, with the name, the URL and the schemas that were read out of it.

    `package_name` is the package to import: the one that was named, then the one that the wheel turned out to have.
    """

    provider: ProviderName
    wish: PublishWish
    url: WheelUrl
    package_name: str | None
    schemas: tuple[ResourceSchema, ...]


def publish(
    services: Services[DocumentStore],
    wheels: Wheels,
    provider_name: ProviderName,
    wish: PublishWish,
    author: Author,
) -> Published:
    """Register a version of `provider_name`, or find that the very same is registered. Raises Conflict or Invalid.

    The wheel is fetched before the transaction: a publisher's slow host must not keep one open. Whoever
    publishes the same version meanwhile is met again in the transaction.
    """
    named = imported_name(wish.package_name) if wish.package_name else None
    publication = _Publication(
        provider_name, wish, _parsed_url(wish.wheel_url), named, wish.resource_schemas_of(provider_name)
    )
    stored = services.store.get(keys.version(provider_name, wish.version))
    if stored and wish.sha256:
        as_stored = replace(publication, package_name=named or stored.package_name)
        return _same_or_refused(stored, _fingerprint(as_stored, wish.sha256))
    _check_metadata(publication, services.store.get(keys.provider(provider_name)))
    _check_runtime_version(services, wish.runtime_version)
    wheel = wheels.fetch(publication.url, wish.sha256, provider_name, wish.version)
    publication = replace(publication, package_name=_package(publication, wheel.packages))
    fingerprint = _fingerprint(publication, wheel.sha256)

    def decide(transaction: Transaction) -> Published:
        provider_key, version_key = keys.provider(provider_name), keys.version(provider_name, wish.version)
        provider, existing = transaction.read(provider_key, version_key)
        if existing:
            return _same_or_refused(existing, fingerprint)
        _check_metadata(publication, provider)
        if provider and provider.retiring:
            raise Conflict(f"{provider_name} is being deleted: publish again once that is done")
        now = services.clock()
        version = _new_version(publication, wheel.sha256, fingerprint, now)
        transaction.write(provider_key, _catalog_row(publication, provider, author, now))
        transaction.write(version_key, version)
        event = VersionPublished(provider_name.canonical, wish.version, now, author.organization_id)
        transaction.emit(version_entry(event, now))
        return Published(version, created=True)

    return services.outbox.transact(decide)


def register_runtime(services: Services[DocumentStore], wish: RuntimeVersionWish) -> tuple[RuntimeVersion, bool]:
    """Create or update a runtime version; returns it, and whether it was created."""
    key = keys.runtime_version(wish.version)

    def decide(transaction: Transaction) -> tuple[RuntimeVersion, bool]:
        (known,) = transaction.read(key)
        now = services.clock()
        released = known or RuntimeVersion(
            wish.version, wish.image_url, wish.changelog, now, created_at=now, updated_at=now
        )
        updated = replace(released, image_url=wish.image_url, changelog=wish.changelog, updated_at=now)
        transaction.write(key, updated)
        return updated, known is None

    return services.store.transact(decide)[0]


def _parsed_url(raw: str) -> WheelUrl:
    try:
        return parse_wheel_url(raw)
    except WheelRefused as error:
        raise Invalid.at("body", "wheel_url", msg=str(error)) from error


def _package(publication: _Publication, packages: Packages) -> str | None:
    """The package that the version's runtime imports. Raises Invalid where it could import none.

    A publisher's own entry point imports what it likes: None where the wheel does not say what that may be.
    """
    if tuple(publication.wish.entrypoint or DEFAULT_ENTRYPOINT) != DEFAULT_ENTRYPOINT:
        return publication.package_name or packages.provider
    try:
        return packages.choose(publication.package_name)
    except PackageRefused as refusal:
        is_about_the_name = publication.package_name or isinstance(refusal, PackageUnclear)
        raise Invalid.at("body", "package_name" if is_about_the_name else "wheel_url", msg=str(refusal)) from refusal


def _same_or_refused(stored: ProviderVersion, fingerprint: str) -> Published:
    if stored.fingerprint == fingerprint:
        return Published(stored, created=False)
    raise Conflict(
        f"{stored.provider_name} {stored.version} is published with other bytes or fields, and versions never "
        "change: publish what you have under a new version"
    )


def _check_metadata(publication: _Publication, provider: Provider | None) -> None:
    if publication.wish.metadata or (provider and publication.provider.prefix != PLATFORM_PREFIX):
        return
    which = "every platform version" if provider else "a provider's first version"
    raise Invalid.at(
        "body", "metadata", msg=f"metadata with display_name and description is required on {which}", kind="missing"
    )


def _check_runtime_version(services: Services[DocumentStore], pinned: str | None) -> None:
    if pinned and services.store.get(keys.runtime_version(pinned)) is None:
        raise Invalid.at("body", "runtime_version", msg=f"runtime version {pinned!r} is not registered")


def _new_version(publication: _Publication, digest: str, fingerprint: str, now: datetime) -> ProviderVersion:
    return ProviderVersion(
        prefix=publication.provider.prefix,
        name=publication.provider.name,
        version=publication.wish.version,
        wheel_url=str(publication.url),
        wheel_sha256=digest,
        status=VersionStatus.PUBLISHED,
        fingerprint=fingerprint,
        created_at=now,
        updated_at=now,
        published_at=now,
        runtime_version=publication.wish.runtime_version,
        package_name=publication.package_name,
        entrypoint=None if publication.wish.entrypoint is None else tuple(publication.wish.entrypoint),
        schemas=publication.schemas,
        config_schema=as_text(publication.wish.config_schema),
        outputs_schema=as_text(publication.wish.outputs_schema),
        changelog=publication.wish.changelog,
    )


def _catalog_row(publication: _Publication, known: Provider | None, author: Author, now: datetime) -> Provider:
    provider = known or _new_provider(publication, author, now)
    if metadata := publication.wish.metadata:
        provider = replace(
            provider,
            display_name=metadata.display_name,
            description=metadata.description,
            icon_url=metadata.icon_url if metadata.icon_url is not None else provider.icon_url,
            tags=tuple(metadata.tags or provider.tags),
        )
    latest = newer_of(provider.latest_version, Version.parse(publication.wish.version))
    return replace(provider, latest_version=latest, updated_at=now, search_tokens=search_tokens(provider))


def _new_provider(publication: _Publication, author: Author, now: datetime) -> Provider:
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


def _fingerprint(publication: _Publication, digest: str) -> str:
    """A digest of everything that was published, the wheel by its own digest."""
    facts: Mapping[str, Any] = {
        "wheel_url": str(publication.url),
        "sha256": digest,
        "package_name": publication.package_name,
        "entrypoint": publication.wish.entrypoint,
        "runtime_version": publication.wish.runtime_version,
        "schemas": [
            (schema.resource, schema.provider, schema.description, schema.config_schema, schema.outputs_schema)
            for schema in publication.schemas
        ],
        "config_schema": as_text(publication.wish.config_schema),
        "outputs_schema": as_text(publication.wish.outputs_schema),
        "changelog": publication.wish.changelog,
        "metadata": publication.wish.metadata
        and (
            publication.wish.metadata.display_name,
            publication.wish.metadata.description,
            publication.wish.metadata.icon_url,
            publication.wish.metadata.tags or (),
        ),
    }
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

"""Publish: a version is registered once its wheel was fetched and verified. Afterwards it never changes."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from provider_hub.actions import attestations, audit, keys
from provider_hub.actions.artifacts import KeptWheel
from provider_hub.actions.lock_dependencies import locked_dependencies
from provider_hub.actions.offered_schemas import with_offered
from provider_hub.actions.outbox import version_entry
from provider_hub.actions.ports import CatalogStore, Transaction
from provider_hub.actions.publishers import check_may_publish
from provider_hub.actions.publishing_share import PublishingTurn, check_room, publishing_turn, unused
from provider_hub.actions.runtimes import keep_default, named_runtime, pinned_for
from provider_hub.actions.schemas import check_schemas
from provider_hub.actions.scope import hide_from_others, record_scope
from provider_hub.actions.services import Services
from provider_hub.actions.wheel_source import source_of
from provider_hub.actions.wheels import AttachedFile, Delivery, Wheel, Wheels, WheelSource
from provider_hub.actions.wishes.publishing import PublishWish, as_text
from provider_hub.domain.audit import Actor, AuditAction
from provider_hub.domain.catalog import (
    Author,
    Provider,
    ProviderVersion,
    ResourceSchema,
    StoredLock,
    VersionStatus,
    in_scope,
    newer_of,
    search_tokens,
    with_distribution,
)
from provider_hub.domain.dependencies import DependencyLock
from provider_hub.domain.errors import Conflict, Invalid
from provider_hub.domain.messages import VersionPublished
from provider_hub.domain.names import PLATFORM_PREFIX, ProviderName
from provider_hub.domain.runtimes import DEFAULT_ENTRYPOINT, RuntimeVersion
from provider_hub.domain.scope import Scope
from provider_hub.domain.versions import Version
from provider_hub.domain.wheels import PackageRefused, Packages, PackageUnclear, WheelUrl
from provider_hub.domain.wheels.package import imported_name


@dataclass(frozen=True, slots=True)
class Published:
    """A stored version; `created` is False where the very same version was registered before."""

    version: ProviderVersion
    created: bool


@dataclass(frozen=True, slots=True)
class _Publication:
    """A publisher's wish, with the name, the wheel's source and the schemas that were read out of it.

    `package_name` is the package to import: the one that was named, then the one that the wheel turned out to have.
    """

    provider: ProviderName
    wish: PublishWish
    source: WheelSource
    package_name: str | None
    schemas: tuple[ResourceSchema, ...]

    @property
    def scope(self) -> Scope | None:
        return self.wish.metadata.scope if self.wish.metadata else None

    @property
    def entrypoint(self) -> tuple[str, ...] | None:
        """None for the runtime's own command: spelled out, it is still the runtime that runs."""
        given = self.wish.entrypoint
        return None if given is None or tuple(given) == DEFAULT_ENTRYPOINT else tuple(given)


@dataclass(frozen=True, slots=True)
class _Built:
    """What was found out before the transaction: the wheel, the runtime it is pinned to, its dependencies, what is
    attested of it; and where the wheel is kept, with the URL that the version is stored with."""

    wheel: Wheel
    runtime: RuntimeVersion
    lock: DependencyLock
    attested: tuple[attestations.Attested, ...]
    kept: KeptWheel


def publish(
    services: Services[CatalogStore],
    wheels: Wheels,
    provider_name: ProviderName,
    wish: PublishWish,
    author: Author,
    by: Actor,
    attached: AttachedFile | None = None,
    turn: PublishingTurn | None = None,
) -> Published:
    """Register a version of `provider_name`, or find the very same one. Raises Conflict, Invalid or QuotaExceeded.

    `attached` is the wheel where it came with the request; else the wish says where it is. `turn` is the
    organization's turn where the caller took it already, to read that file. The wheel is fetched and its
    dependencies are locked before the transaction: a slow host must not keep one open. Whoever publishes the same
    version meanwhile is met again in the transaction.
    """
    check_may_publish(services, by, provider_name)
    attestations.check_attests(by, wish.given_attestations)
    named = imported_name(wish.package_name) if wish.package_name else None
    found = source_of(services, wish, attached, author)
    wish = wish.model_copy(update={"sha256": found.sha256})
    publication = _Publication(provider_name, wish, found.source, named, wish.resource_schemas_of(provider_name))
    check_schemas(services.schema_checker, wish)
    stored = services.store.get(keys.version(provider_name, wish.version))
    taking = nullcontext(turn) if turn else publishing_turn(services, author.organization_id)
    if stored:
        return _published_again(services, wheels, publication, stored, taking)
    provider = services.store.get(keys.provider(provider_name))
    _check_metadata(publication, provider)
    if wish.runtime_version:
        named_runtime(services, wish.runtime_version)
    check_room(services, author.organization_id, provider_name, is_new=provider is None)
    with (
        taking as taken,
        wheels.fetch(publication.source, wish.sha256, provider_name, wish.version) as delivery,
    ):
        taken.check_room(delivery.wheel.size)
        if attached:
            publication = _with_offered(services, publication, delivery.wheel)
        publication = replace(publication, package_name=_package(publication, delivery.wheel.packages))
        built = _found_out(services, publication, delivery, taken, by)
        # The bucket may fail, and comes before: a provider is not hidden for a version that is not published.
        if provider and not provider.retiring and publication.scope is Scope.TENANT:
            hide_from_others(services, by, provider_name)
        return _register(services, publication, author, by, built)


def _found_out(
    services: Services[CatalogStore], publication: _Publication, delivery: Delivery, turn: PublishingTurn, by: Actor
) -> _Built:
    wheel, wish = delivery.wheel, publication.wish
    attested = attestations.verified(services.attestations, wish.given_attestations, wheel, by)
    prefix, runtime = publication.provider.prefix, pinned_for(services, wheel, wish.runtime_version)
    lock = locked_dependencies(services, wheel.requirements, wheel.distribution, runtime.image, prefix)
    return _Built(wheel, runtime, lock, attested, _kept(publication, delivery, turn))


def _with_offered(services: Services[CatalogStore], publication: _Publication, wheel: Wheel) -> _Publication:
    wish = with_offered(services.schema_checker, publication.wish, wheel)
    return replace(publication, wish=wish, schemas=wish.resource_schemas_of(publication.provider))


def _kept(publication: _Publication, delivery: Delivery, turn: PublishingTurn) -> KeptWheel:
    """The wheel that is put into the bucket, with the URL to store.

    That comes before the transaction which names it: a crash between the two leaves an object that no version names,
    and that the next publish of the same bytes finds.
    """
    kept = delivery.keep()
    turn.kept_bytes += delivery.wheel.size if kept.is_new else 0
    return replace(kept, url=str(publication.source)) if isinstance(publication.source, WheelUrl) else kept


def _register(
    services: Services[CatalogStore], publication: _Publication, author: Author, by: Actor, built: _Built
) -> Published:
    wheel, runtime, lock = built.wheel, built.runtime, built.lock
    name, text = publication.provider, publication.wish.version
    runtime_key = keys.runtime_version(runtime.version)
    owner = author.organization_id or PLATFORM_PREFIX
    use_key = keys.publishing_use(owner)
    lock_key = keys.lock(name, lock.sha256)

    def decide(transaction: Transaction) -> Published:
        provider, existing, registered, use = transaction.read(
            keys.provider(name), keys.version(name, text), runtime_key, use_key
        )
        known_lock, policy = transaction.read(lock_key, keys.provider_policy(name))
        if existing:
            _check_same(existing, publication, wheel.sha256)
            attestations.check_none_are_added(existing, built.attested)
            return Published(existing, created=False)
        _check_metadata(publication, provider)
        if provider and provider.retiring:
            raise Conflict(f"{name} is being deleted: publish again once that is done")
        now = services.clock()
        version = replace(_new_version(publication, built, now), published_by=by.published_by)
        version = attestations.keep_with(transaction, policy, version, built.attested, by)
        known = provider or _new_provider(publication, author, services.publishing_rules.default_scope, now)
        shown = with_distribution(_catalog_row(publication, known, now), wheel.distribution)
        transaction.write(keys.provider(name), shown)
        transaction.write(keys.version(name, text), version)
        # Another zlib packs the same text otherwise, and pods have it in Secrets that never change.
        if known_lock is None:
            transaction.write(lock_key, StoredLock.of(name, lock, now))
        transaction.write(use_key, (use or unused(owner, now)).counted(now))
        keep_default(services, transaction, runtime, registered)
        detail = f"sha256 {wheel.sha256}"
        audit.record(services, transaction, by, AuditAction.VERSION_PUBLISHED, f"{name} {text}", detail=detail)
        if shown.scope is not known.scope:
            record_scope(services, transaction, by, known, shown.scope)
        transaction.emit(version_entry(VersionPublished(name.canonical, text, now, author.organization_id), now))
        return Published(version, created=True)

    return services.outbox.transact(decide)


def _published_again(
    services: Services[CatalogStore],
    wheels: Wheels,
    publication: _Publication,
    stored: ProviderVersion,
    taking: AbstractContextManager[PublishingTurn],
) -> Published:
    """The stored version; the hub keeps its bytes now where it kept none. Raises Conflict for other bytes or fields."""
    wish = publication.wish
    attestations.check_none_are_added(stored, wish.given_attestations)
    if wish.sha256:
        as_stored = replace(publication, package_name=publication.package_name or stored.package_name)
        _check_same(stored, as_stored, wish.sha256)
        if stored.wheel_object:
            return Published(stored, created=False)
    with (
        taking as taken,
        wheels.fetch(publication.source, wish.sha256, publication.provider, wish.version) as delivery,
    ):
        digest = delivery.wheel.sha256
        publication = replace(publication, package_name=_package(publication, delivery.wheel.packages))
        _check_same(stored, publication, digest)
        if stored.wheel_object:
            return Published(stored, created=False)
        taken.check_room(delivery.wheel.size)
        kept = _kept(publication, delivery, taken)
    return Published(_with_copy(services, publication, digest, kept), created=False)


def _with_copy(
    services: Services[CatalogStore], publication: _Publication, digest: str, kept: KeptWheel
) -> ProviderVersion:
    """The stored version with the copy of its bytes that was kept just now; one that came first stays."""
    key = keys.version(publication.provider, publication.wish.version)

    def decide(transaction: Transaction) -> ProviderVersion:
        stored, provider = transaction.read(key, keys.provider(publication.provider))
        if stored is None or provider is None:
            raise Conflict(f"{publication.provider} was deleted meanwhile: publish again")
        _check_same(stored, publication, digest)
        if stored.wheel_object:
            return stored
        now = services.clock()
        renewed = replace(
            stored,
            wheel_object=kept.name,
            wheel_url=kept.url,
            metadata_sha256=kept.metadata_sha256,
            updated_at=now,
        )
        transaction.write(key, renewed)
        # The package index lists the version from now on: it reads versions again once their provider's row is another.
        transaction.write(keys.provider(publication.provider), replace(provider, updated_at=now))
        return renewed

    return services.store.transact(decide)[0]


def _check_same(stored: ProviderVersion, publication: _Publication, digest: str) -> None:
    """Raises Conflict unless what is published is what is stored; it does not compare where the bytes are."""
    same_runtime = publication.wish.runtime_version in (None, stored.runtime_version)
    if same_runtime and stored.fingerprint == _fingerprint(publication, digest):
        return
    raise Conflict(
        f"{stored.provider_name} {stored.version} is published with other bytes or fields, and versions never "
        "change: publish what you have under a new version"
    )


def _package(publication: _Publication, packages: Packages) -> str | None:
    """The package that the version's runtime imports. Raises Invalid where it could import none.

    A publisher's own entry point imports what it likes: None where the wheel does not say what that may be.
    """
    if publication.entrypoint:
        return publication.package_name or packages.provider
    try:
        return packages.choose(publication.package_name)
    except PackageRefused as refusal:
        is_about_the_name = publication.package_name or isinstance(refusal, PackageUnclear)
        raise Invalid.at("body", "package_name" if is_about_the_name else "wheel_url", msg=str(refusal)) from refusal


def _check_metadata(publication: _Publication, provider: Provider | None) -> None:
    if publication.provider.prefix == PLATFORM_PREFIX and publication.scope is Scope.TENANT:
        raise Invalid.at("body", "metadata", "scope", msg="platform providers are public: leave scope out")
    if publication.wish.metadata or (provider and publication.provider.prefix != PLATFORM_PREFIX):
        return
    which = "every platform version" if provider else "a provider's first version"
    raise Invalid.at(
        "body", "metadata", msg=f"metadata with display_name and description is required on {which}", kind="missing"
    )


def _new_version(publication: _Publication, built: _Built, now: datetime) -> ProviderVersion:
    wheel = built.wheel
    return ProviderVersion(
        prefix=publication.provider.prefix,
        name=publication.provider.name,
        version=publication.wish.version,
        wheel_url=built.kept.url,
        wheel_sha256=wheel.sha256,
        runtime_version=built.runtime.version,
        status=VersionStatus.PUBLISHED,
        fingerprint=_fingerprint(publication, wheel.sha256),
        created_at=now,
        updated_at=now,
        published_at=now,
        distribution_name=wheel.distribution,
        summary=wheel.summary,
        requires_python=wheel.requires_python,
        wheel_filename=wheel.file_name,
        wheel_size=wheel.size,
        package_name=publication.package_name,
        entrypoint=publication.entrypoint,
        schemas=publication.schemas,
        config_schema=as_text(publication.wish.config_schema),
        outputs_schema=as_text(publication.wish.outputs_schema),
        changelog=publication.wish.changelog,
        requirements=wheel.requirements,
        lock_sha256=built.lock.sha256,
        lock_packages=len(built.lock.wheels),
        wheel_object=built.kept.name,
        metadata_sha256=built.kept.metadata_sha256,
    )


def _catalog_row(publication: _Publication, provider: Provider, now: datetime) -> Provider:
    if metadata := publication.wish.metadata:
        provider = replace(
            provider,
            display_name=metadata.display_name,
            description=metadata.description,
            icon_url=metadata.icon_url if metadata.icon_url is not None else provider.icon_url,
            tags=tuple(metadata.tags or provider.tags),
        )
        # To show it to more people needs no look at who has it; the way back, which does, was gone before.
        if metadata.scope is Scope.PUBLIC:
            provider = in_scope(provider, Scope.PUBLIC)
    latest = newer_of(provider.latest_version, Version.parse(publication.wish.version))
    return replace(provider, latest_version=latest, updated_at=now, search_tokens=search_tokens(provider))


def _new_provider(publication: _Publication, author: Author, default_scope: Scope, now: datetime) -> Provider:
    name = publication.provider
    scope = Scope.PUBLIC if name.prefix == PLATFORM_PREFIX else publication.scope or default_scope
    provider = Provider(
        prefix=name.prefix,
        name=name.name,
        display_name=name.name,
        description="",
        author=author,
        scope=scope,
        audience="",
        latest_version=None,
        created_at=now,
        updated_at=now,
    )
    return in_scope(provider, scope)


def _fingerprint(publication: _Publication, digest: str) -> str:
    """A digest of everything that was published: the wheel by its own digest, without where it was or runs."""
    facts: Mapping[str, Any] = {
        "sha256": digest,
        "package_name": publication.package_name,
        "entrypoint": publication.entrypoint,
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
            publication.wish.metadata.scope,
        ),
    }
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

"""Publish: a version is registered once its wheel was fetched and verified. Afterwards it never changes."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial

from provider_hub.actions import attestations, audit, keys
from provider_hub.actions.artifacts import KeptWheel
from provider_hub.actions.lock_dependencies import locked_dependencies
from provider_hub.actions.offered_schemas import with_offered
from provider_hub.actions.outbox import version_entry
from provider_hub.actions.ports import CatalogStore, Transaction
from provider_hub.actions.publication import (
    Built,
    Publication,
    catalog_row,
    check_author,
    check_slug,
    fingerprint_of,
    new_provider,
    new_version,
)
from provider_hub.actions.publishing_policy import check_may_publish
from provider_hub.actions.publishing_share import check_room, publishing_turn
from provider_hub.actions.runtimes import keep_default, named_runtime, older_that_fit, pinned_for
from provider_hub.actions.schemas import check_schemas
from provider_hub.actions.scope import check_can_be_private, make_private, record_scope
from provider_hub.actions.services import Services
from provider_hub.actions.stored_share import StoredShare
from provider_hub.actions.wheel_source import source_of
from provider_hub.actions.wheels import AttachedFile, Delivery, Wheel, Wheels
from provider_hub.actions.wishes.publishing import PublishWish
from provider_hub.domain.audit import Actor, AuditAction
from provider_hub.domain.catalog import (
    Author,
    Provider,
    ProviderVersion,
    StoredLock,
    takes_distribution,
    with_distribution,
)
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import Conflict, Invalid
from provider_hub.domain.messages import VersionPublished
from provider_hub.domain.names import PLATFORM_PREFIX, ProviderName
from provider_hub.domain.publishers.records import PublishingPolicy, binding
from provider_hub.domain.publishing_use import PublishingUse
from provider_hub.domain.scope import Scope
from provider_hub.domain.wheels import PackageRefused, Packages, PackageUnclear, WheelUrl
from provider_hub.domain.wheels.package import imported_name


@dataclass(frozen=True, slots=True)
class Published:
    """A stored version; `created` is False where the very same version was registered before."""

    version: ProviderVersion
    created: bool


def publish(
    services: Services[CatalogStore],
    wheels: Wheels,
    provider_name: ProviderName,
    wish: PublishWish,
    author: Author,
    by: Actor,
    attached: AttachedFile | None = None,
    share: StoredShare | None = None,
) -> Published:
    """Register a version of `provider_name`, or find the very same one.

    `attached` is the wheel where it came with the request; else the wish says where it is. `share` is
    the organization's, where the caller took its turn already, to read that file. The wheel is fetched and its
    dependencies are locked before the transaction: a slow host must not keep one open. Whoever publishes the same
    version meanwhile is met again in the transaction.

    Raises Conflict, Forbidden, Invalid or QuotaExceeded.
    """
    check_may_publish(services, by, provider_name)
    attestations.check_attests(by, wish.given_attestations)
    named = imported_name(wish.package_name) if wish.package_name else None
    found = source_of(services, wish, attached, author)
    wish = wish.model_copy(update={"sha256": found.sha256})
    publication = Publication(provider_name, wish, found.source, named, wish.resource_schemas_of(provider_name))
    check_schemas(services.schema_checker, wish)
    provider = services.store.get(keys.provider(provider_name))
    check_author(provider, author)
    stored = services.store.get(keys.version(provider_name, wish.version))
    taking = nullcontext(share) if share else publishing_turn(services, author.organization_id)
    if stored:
        return _published_again(services, wheels, publication, stored, taking)
    _check_provider(services, publication, provider, author)
    check_room(services, author.organization_id, provider_name, is_new=provider is None)
    with (
        taking as taken,
        wheels.fetch(publication.source, wish.sha256, provider_name, wish.version) as delivery,
    ):
        taken.check_room(delivery.kept_size)
        if attached:
            publication = _with_offered(services, publication, delivery.wheel)
        publication = replace(publication, package_name=_package(publication, delivery.wheel.packages))
        _check_distribution(provider, delivery.wheel.distribution)
        built = _build(services, publication, delivery, taken, by)
        # Locking and the bucket come before: what fails most often makes nothing private. A crash before the
        # transaction, or a refusal by it, leaves the provider private; its author can make it public again. The hub
        # does not: another publish or an edit may have decided meanwhile that it is private.
        is_to_be_private = provider is not None and publication.scope is Scope.TENANT
        is_private_now = is_to_be_private and make_private(services, by, provider_name)
        return _register(services, publication, author, by, built, is_further=is_private_now)


def _check_provider(
    services: Services[CatalogStore], publication: Publication, provider: Provider | None, author: Author
) -> None:
    """Raises for what the transaction would refuse in the end. `provider` is None for its first version.

    A wheel that is fetched takes a turn, and its bytes stay: nobody is to pay that for a version which is refused.
    """
    name, wish = publication.provider, publication.wish
    policy = None if wish.given_attestations else services.store.get(keys.provider_policy(name))
    _check_stored(publication, provider, binding(policy, author.organization_id))
    if wish.runtime_version:
        named_runtime(services, wish.runtime_version)
    if provider and publication.scope is Scope.TENANT:
        check_can_be_private(services, provider)


def _check_stored(publication: Publication, provider: Provider | None, policy: PublishingPolicy | None) -> None:
    """Raises Conflict or Invalid where what is stored of the provider lets no such version in."""
    _check_metadata(publication, provider)
    if provider and provider.retiring:
        again = "publish again once that is done; if it takes more than some minutes, delete it again"
        raise Conflict(f"{publication.provider} is being deleted: {again}")
    attestations.check_none_are_missing(policy, publication.provider, publication.wish)


def _check_distribution(provider: Provider | None, distribution: str) -> None:
    """Raises Conflict for a wheel that the package index would not find: an installer would get another author's
    distribution of that name in its place."""
    if provider is not None and not takes_distribution(provider, distribution):
        raise Conflict(
            f"{provider.canonical} has wheels of {len(provider.distributions)} distributions, as many as a provider "
            f"may have: publish {distribution} as another provider, or give the wheel one of the names before"
        )


def _build(
    services: Services[CatalogStore], publication: Publication, delivery: Delivery, share: StoredShare, by: Actor
) -> Built:
    wheel, wish = delivery.wheel, publication.wish
    attested = attestations.verified(services.attestations, wish.given_attestations, wheel, by)
    prefix, runtime = publication.provider.prefix, pinned_for(services, wheel, wish.runtime_version)
    others = partial(older_that_fit, services, wheel, runtime)
    lock = locked_dependencies(services, wheel.requirements, wheel.distribution, runtime.image, prefix, others)
    return Built(wheel, runtime, lock, attested, _kept(publication, delivery, share))


def _with_offered(services: Services[CatalogStore], publication: Publication, wheel: Wheel) -> Publication:
    wish = with_offered(services.schema_checker, publication.wish, wheel)
    return replace(publication, wish=wish, schemas=wish.resource_schemas_of(publication.provider))


def _kept(publication: Publication, delivery: Delivery, share: StoredShare) -> KeptWheel:
    """The wheel that is put into the bucket, with the URL to store.

    That comes before the transaction which names it: a crash between the two leaves an object that no version names,
    and that the next publish of the same bytes finds.
    """
    kept = delivery.keep(share.charge)
    return replace(kept, url=str(publication.source)) if isinstance(publication.source, WheelUrl) else kept


def _register(
    services: Services[CatalogStore],
    publication: Publication,
    author: Author,
    by: Actor,
    built: Built,
    *,
    is_further: bool,
) -> Published:
    """Write what was built; `is_further` is as `audit.record` has it."""
    wheel, runtime, lock = built.wheel, built.runtime, built.lock
    name, text = publication.provider, publication.wish.version
    use_key, lock_key = keys.publishing_use(author.owner), keys.lock(name, lock.sha256)

    def decide(transaction: Transaction) -> Published:
        provider, existing, registered, use = transaction.read(
            keys.provider(name), keys.version(name, text), keys.runtime_version(runtime.version), use_key
        )
        known_lock, decided = transaction.read(lock_key, keys.provider_policy(name))
        policy = binding(decided, author.organization_id)
        _check_owner(transaction, name, author, provider)
        if existing:
            _check_same(existing, publication, wheel.sha256)
            attestations.check_none_are_added(existing, built.attested)
            return Published(existing, created=False)
        _check_stored(publication, provider, policy)
        _check_distribution(provider, wheel.distribution)
        now = services.clock()
        version = replace(new_version(publication, built, now), published_by=by.published_by)
        version = attestations.keep_with(transaction, policy, version, built.attested, by)
        known = provider or new_provider(publication, author, services.publishing_rules.default_scope, now)
        shown = with_distribution(catalog_row(publication, known, now), wheel.distribution)
        transaction.write(keys.provider(name), shown)
        transaction.write(keys.version(name, text), version)
        # Another zlib packs the same text otherwise, and pods have it in Secrets that never change.
        if known_lock is None:
            transaction.write(lock_key, StoredLock.of(name, lock, now))
        transaction.write(use_key, (use or PublishingUse.unused(author.owner, now)).counted(now))
        keep_default(services, transaction, runtime, registered)
        action, subject, detail = AuditAction.VERSION_PUBLISHED, f"{name} {text}", f"sha256 {wheel.sha256}"
        audit.record(services, transaction, by, action, subject, detail=detail, is_further=is_further)
        if shown.scope is not known.scope:
            record_scope(services, transaction, by, known, shown.scope)
        transaction.emit(version_entry(VersionPublished(name.canonical, text, now, author.organization_id), now))
        return Published(version, created=True)

    # Each version counts in its organization's document, as the turns do: publishes at once would conflict over it.
    with services.locks.hold(use_key.place):
        return services.outbox.transact(decide)


def _check_owner(transaction: Transaction, name: ProviderName, author: Author, provider: Provider | None) -> None:
    """Raises Forbidden where the provider, or the slug of its first version, is another's by now."""
    check_author(provider, author)
    if provider is None:
        check_slug(name, author, *transaction.read(keys.slug(name.prefix), keys.organization(author.owner)))


def _published_again(
    services: Services[CatalogStore],
    wheels: Wheels,
    publication: Publication,
    stored: ProviderVersion,
    taking: AbstractContextManager[StoredShare],
) -> Published:
    """The stored version; the hub keeps its bytes now where it kept none. Raises Conflict for other bytes or fields.

    A version keeps its package, also where the rule that chose it has changed since.
    """
    wish = publication.wish
    attestations.check_none_are_added(stored, wish.given_attestations)
    publication = replace(publication, package_name=publication.package_name or stored.package_name)
    if wish.sha256:
        _check_same(stored, publication, wish.sha256)
        if stored.wheel_object:
            return Published(stored, created=False)
    with (
        taking as taken,
        wheels.fetch(publication.source, wish.sha256, publication.provider, wish.version) as delivery,
    ):
        digest = delivery.wheel.sha256
        _check_same(stored, publication, digest)
        if stored.wheel_object:
            return Published(stored, created=False)
        taken.check_room(delivery.kept_size)
        kept = _kept(publication, delivery, taken)
    return Published(_with_copy(services, publication, digest, kept), created=False)


def _with_copy(
    services: Services[CatalogStore], publication: Publication, digest: str, kept: KeptWheel
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


def _check_same(stored: ProviderVersion, publication: Publication, digest: str) -> None:
    """Raises Conflict unless what is published is what is stored; it does not compare where the bytes are."""
    same_runtime = publication.wish.runtime_version in (None, stored.runtime_version)
    if same_runtime and stored.fingerprint == fingerprint_of(publication, digest):
        return
    raise Conflict(
        f"{stored.provider_name} {stored.version} is published with other bytes or fields, and versions never "
        "change: publish what you have under a new version"
    )


def _package(publication: Publication, packages: Packages) -> str | None:
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


def _check_metadata(publication: Publication, provider: Provider | None) -> None:
    if publication.provider.prefix == PLATFORM_PREFIX and publication.scope is Scope.TENANT:
        raise Invalid.at("body", "metadata", "scope", msg="platform providers are public: leave scope out")
    if publication.wish.metadata or (provider and publication.provider.prefix != PLATFORM_PREFIX):
        return
    which = "every platform version" if provider else "a provider's first version"
    raise Invalid.at(
        "body", "metadata", msg=f"metadata with display_name and description is required on {which}", kind="missing"
    )

"""Trusted publishers of a provider: who may publish it without a stored secret, and whether anybody else still may."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from provider_hub.actions import audit, keys
from provider_hub.actions.ports import DocumentStore, Key, PublisherStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.domain.audit import Actor, ActorKind, AuditAction
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import Conflict, Forbidden, Invalid, NotFound, QuotaExceeded
from provider_hub.domain.names import ProviderName
from provider_hub.domain.organizations import Organization
from provider_hub.domain.publishers.claims import Platform
from provider_hub.domain.publishers.records import Publisher, PublishingPolicy, binding

if TYPE_CHECKING:
    from provider_hub.actions.wishes.publishers import ProviderPolicyWish, PublisherWish

MOST_OF_PROVIDER = 20
MOST_OF_ORGANIZATION = 500
MOST_OF_REPOSITORY = 40
# How many publishers of a repository, over all organizations, or of a provider are looked at.
MOST_READ = 200
_ID = re.compile(r"[0-9A-Z]{26}")


@dataclass(frozen=True, slots=True)
class Publishing:
    """How a provider is published: its publishers, oldest first, whether only they may, by its own or its
    organization's decision, and whether a version has to be attested."""

    publishers: list[Publisher]
    secretless_only: bool
    organization_secretless_only: bool
    attested_only: bool = False


def publishing_of(services: Services[PublisherStore], organization: Organization, name: ProviderName) -> Publishing:
    """The provider's publishers; it need not exist yet. Raises Forbidden for another organization's."""
    _check_own(organization, name)
    policies = _policies(services, organization.organization_id, name)
    own, organizations = (policy is not None and policy.secretless_only for policy in policies)
    attested = policies[0] is not None and policies[0].attested_only
    return Publishing(_own(services, organization, name), own, organizations, attested)


def add_publisher(
    services: Services[PublisherStore],
    organization: Organization,
    name: ProviderName,
    wish: "PublisherWish",
    issuers: Mapping[Platform, tuple[str, ...]],
    by: Actor,
) -> Publisher:
    """Let a workflow publish the provider. `issuers` are those that this hub trusts, the usual one of each kind first.

    Raises Forbidden, Invalid, Conflict or QuotaExceeded.
    """
    _check_own(organization, name)
    _check_may_trust(services, organization, name, by, replaces_repository=wish.replaces_repository)
    now = services.clock()
    publisher = _made(services.new_id(now), organization, name, wish, _issuer(wish, issuers), by.subject, now)
    known = _own(services, organization, name)
    if len(known) >= MOST_OF_PROVIDER:
        raise QuotaExceeded(f"{name} has {len(known)} publishers, as many as it may have: remove one")
    if services.store.count_publishers_of(organization.organization_id) >= MOST_OF_ORGANIZATION:
        raise QuotaExceeded(
            f"the organization has {MOST_OF_ORGANIZATION} publishers, as many as it may have: remove some"
        )
    _check_room_of_repository(services, publisher)
    if any(_same(publisher, other) for other in known):
        raise Conflict(f"{publisher.repository} with {publisher.workflow} is a publisher of {name} already")
    replaced = _replaced_repository(services, publisher, may_replace=wish.replaces_repository)

    def add(transaction: Transaction) -> None:
        transaction.write(keys.publisher(publisher.publisher_id), publisher)
        detail = _told(publisher) + (f", in the place of {replaced}" if replaced else "")
        audit.record(services, transaction, by, AuditAction.PUBLISHER_ADDED, name.canonical, detail=detail)

    services.store.transact(add)
    return publisher


def remove_publisher(
    services: Services[PublisherStore], organization: Organization, name: ProviderName, publisher_id: str, by: Actor
) -> None:
    """From now on no token is minted for it, and those that were publish nothing any more.

    Raises Forbidden or NotFound.
    """
    _check_own(organization, name)
    found = services.store.get(keys.publisher(publisher_id)) if _ID.fullmatch(publisher_id) else None
    is_own = found is not None and (found.organization_id, found.provider_name) == (organization.organization_id, name)
    if found is None or not is_own:
        raise NotFound(f"{name} has no publisher {publisher_id[:40]}")

    def remove(transaction: Transaction) -> None:
        transaction.delete(keys.publisher(publisher_id))
        audit.record(services, transaction, by, AuditAction.PUBLISHER_REMOVED, name.canonical, detail=_told(found))

    services.store.transact(remove)


def forget_publishing(services: Services[PublisherStore], name: ProviderName, by: Actor) -> None:
    """Delete what was decided of who publishes a provider that is deleted; its publishers' tokens end with them.

    A machine's deletion leaves the policies that a machine cannot switch off: else it would, by deleting the provider.
    """
    while found := services.store.publishers_of(name, MOST_OF_PROVIDER):
        services.store.transact(partial(_forgotten, services, found, by))
    key = keys.provider_policy(name)
    policy = services.store.get(key)
    if policy is None or by.kind is not ActorKind.MACHINE or not _guards(policy):
        services.store.delete_all([key])


def _forgotten(
    services: Services[PublisherStore], publishers: Sequence[Publisher], by: Actor, transaction: Transaction
) -> None:
    for one in publishers:
        transaction.delete(keys.publisher(one.publisher_id))
    name, concerns = publishers[0].provider_name.canonical, publishers[0].organization_id
    detail = f"with its provider: {', '.join(map(_told, publishers))}"
    action = AuditAction.PUBLISHER_REMOVED
    audit.record(services, transaction, by, action, name, concerns=concerns, detail=detail, is_further=True)


def set_provider_policy(
    services: Services[PublisherStore],
    organization: Organization,
    name: ProviderName,
    by: Actor,
    wish: "ProviderPolicyWish",
) -> Publishing:
    """Decide whether machines' stored tokens may publish the provider, and versions without attestations be published.

    Raises Forbidden.
    """
    _check_own(organization, name)
    key = keys.provider_policy(name)
    _set_policy(services, key, organization, name.canonical, by, wish.secretless_only, wish.attested_only)
    return publishing_of(services, organization, name)


def organization_policy(services: Services[PublisherStore], organization: Organization) -> bool:
    """Whether machines' stored tokens may publish nothing of the organization's."""
    found = services.store.get(keys.organization_policy(organization.organization_id))
    return found is not None and found.secretless_only


def set_organization_policy(
    services: Services[PublisherStore], organization: Organization, by: Actor, *, secretless_only: bool
) -> None:
    """Decide whether machines' stored tokens may publish any of its providers. Raises Forbidden."""
    key = keys.organization_policy(organization.organization_id)
    _set_policy(services, key, organization, organization.slug, by, secretless_only)


def _set_policy(
    services: Services[PublisherStore],
    key: Key[PublishingPolicy],
    organization: Organization,
    whose: str,
    by: Actor,
    secretless_only: bool | None,
    attested_only: bool | None = None,
) -> None:
    """Write what was decided; None leaves a decision as it is. Raises Forbidden."""

    def write(transaction: Transaction) -> None:
        (known,) = transaction.read(key)
        now = services.clock()
        before = binding(known, organization.organization_id) or PublishingPolicy.undecided(by.subject, now)
        policy = replace(before, changed_at=now, changed_by=by.subject, organization_id=organization.organization_id)
        if secretless_only is not None:
            policy = replace(policy, secretless_only=secretless_only)
        if attested_only is not None:
            policy = replace(policy, attested_only=attested_only)
        _check_keeps_guards(before, policy, by)
        transaction.write(key, policy)
        detail = _decided(secretless_only, attested_only)
        audit.record(services, transaction, by, AuditAction.PUBLISHING_CHANGED, whose, detail=detail)

    services.store.transact(write)


def _guards(policy: PublishingPolicy) -> set[str]:
    """The policy's rules that are on and protect against a machine's stolen token."""
    return {guard for guard in ("secretless_only", "attested_only") if getattr(policy, guard)}


def _check_keeps_guards(before: PublishingPolicy, after: PublishingPolicy, by: Actor) -> None:
    """Raises Forbidden for a machine that switches a guard off: its token may be the one that was stolen."""
    lost = ", ".join(sorted(_guards(before) - _guards(after)))
    if lost and by.kind is ActorKind.MACHINE:
        raise Forbidden(
            f"no machine's token can switch off {lost}, because it may be a stolen one: an admin signs in and does "
            "that, in the console or with `hub`"
        )


def _check_may_trust(
    services: Services[PublisherStore],
    organization: Organization,
    name: ProviderName,
    by: Actor,
    *,
    replaces_repository: bool,
) -> None:
    """Raises Forbidden for a machine where a guard is in force, or that lets another repository take over.

    It might add a repository of whoever stole its token, whose runs publish without that token and attest what they do.
    """
    if by.kind is not ActorKind.MACHINE:
        return
    policies = _policies(services, organization.organization_id, name)
    guards = {guard for policy in policies if policy is not None for guard in _guards(policy)}
    if guards:
        raise Forbidden(
            f"with {' and '.join(sorted(guards))} in force for {name}, no machine's token can add a publisher, because "
            "it may be a stolen one: an admin signs in and does that, in the console or with `hub`"
        )
    if replaces_repository:
        raise Forbidden(
            "replaces_repository lets another repository publish what installations run, and this token is a "
            "machine's, so it does not set that: an admin signs in and does that, in the console or with `hub`"
        )


def _decided(secretless_only: bool | None, attested_only: bool | None) -> str:
    told: list[str] = []
    if secretless_only is not None:
        told.append("trusted publishers alone" if secretless_only else "machines' tokens too")
    if attested_only is not None:
        told.append("attested versions alone" if attested_only else "versions without attestations too")
    return ", ".join(told)


def _check_own(organization: Organization, name: ProviderName) -> None:
    if name.prefix != organization.slug:
        raise Forbidden(f"your organization publishes under {organization.slug}/, not {name}")


def _own(services: Services[PublisherStore], organization: Organization, name: ProviderName) -> list[Publisher]:
    """Without those of an organization that had the slug before."""
    found = services.store.publishers_of(name, 2 * MOST_OF_PROVIDER)
    return [publisher for publisher in found if publisher.organization_id == organization.organization_id]


def _check_room_of_repository(services: Services[PublisherStore], publisher: Publisher) -> None:
    """Raises QuotaExceeded: a repository's runs look at so many publishers, of which no organization may take all.

    Only the first `MOST_READ` are counted. If there are more, a run has to name its provider anyway.
    """
    found = services.store.publishers_of_repository(publisher.issuer, publisher.repository_key, MOST_READ)
    own = sum(other.organization_id == publisher.organization_id for other in found)
    if own >= MOST_OF_REPOSITORY:
        raise QuotaExceeded(
            f"{own} publishers of the organization name {publisher.repository}, and it may have {MOST_OF_REPOSITORY} "
            "for one repository: remove one, or publish some of its providers from another repository"
        )


def _issuer(wish: "PublisherWish", issuers: Mapping[Platform, tuple[str, ...]]) -> str:
    trusted = issuers.get(wish.platform, ())
    if not trusted:
        taken = ", ".join(platform for platform, those in issuers.items() if those) or "no CI platform"
        msg = f"this hub takes no tokens of {wish.platform}: it takes those of {taken}"
        raise Invalid.at("body", "platform", msg=msg)
    issuer = wish.issuer or trusted[0]
    if issuer not in trusted:
        msg = f"this hub trusts no {wish.platform} issuer {issuer[:200]}: give one of {', '.join(trusted)}"
        raise Invalid.at("body", "issuer", msg=msg)
    return issuer


def _made(
    publisher_id: str,
    organization: Organization,
    name: ProviderName,
    wish: "PublisherWish",
    issuer: str,
    cause: str,
    now: datetime,
) -> Publisher:
    return Publisher(
        publisher_id=publisher_id,
        prefix=name.prefix,
        name=name.name,
        organization_id=organization.organization_id,
        organization_slug=organization.slug,
        organization_name=organization.name,
        platform=wish.platform,
        issuer=issuer,
        repository=wish.repository,
        repository_key=wish.repository.lower(),
        workflow=wish.workflow_path,
        called_workflow=wish.called_workflow,
        environment=wish.environment,
        ref=wish.ref,
        repository_id=wish.repository_id,
        owner_id=wish.owner_id,
        created_at=now,
        created_by=cause,
    )


def _same(one: Publisher, other: Publisher) -> bool:
    """Whether two publishers let the same runs in."""
    names = ("issuer", "repository_key", "workflow", "called_workflow", "environment", "ref")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _replaced_repository(services: Services[PublisherStore], publisher: Publisher, *, may_replace: bool) -> str | None:
    """The other repository that published the latest version, which is what installations run; None for none.

    Raises Conflict: a provider that came from one repository so far comes from another only by an admin's word.
    """
    provider = services.store.get(keys.provider(publisher.provider_name))
    if provider is None or provider.latest_version is None:
        return None
    version = services.store.get(keys.version(publisher.provider_name, provider.latest_version))
    before = version.published_by.repository if version and version.published_by else None
    if before is None or before.lower() == publisher.repository_key:
        return None
    if not may_replace:
        raise Conflict(
            f"{publisher.provider_name} {provider.latest_version} was published from {before}: to "
            "publish from another repository, set replaces_repository"
        )
    return before


def _told(publisher: Publisher) -> str:
    return f"{publisher.issuer} {publisher.repository} {publisher.workflow}"


def check_may_publish(services: Services[DocumentStore], by: Actor, name: ProviderName) -> None:
    """Raises Forbidden where the caller's token does not publish this provider."""
    if by.run is not None and by.run.provider != name:
        raise Forbidden(f"the token may publish {by.run.provider} alone, and not {name}")
    if by.kind is not ActorKind.MACHINE or by.organization_id is None:
        return
    policies = _policies(services, by.organization_id, name)
    if any(policy is not None and policy.secretless_only for policy in policies):
        raise Forbidden(
            f"{name} may only be published without stored secrets, and this token is one: publish from CI as a "
            "trusted publisher (`hub publishers add`)"
        )


def _policies(
    services: Services[DocumentStore], organization_id: str, name: ProviderName
) -> tuple[PublishingPolicy | None, PublishingPolicy | None]:
    """The provider's own, and its organization's."""
    own, organizations = services.store.get_all([keys.provider_policy(name), keys.organization_policy(organization_id)])
    return binding(own, organization_id), organizations

"""Trusted publishers of a provider: who may publish it without a stored secret."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from provider_hub.actions import audit, keys
from provider_hub.actions.ports import PublisherStore, Transaction
from provider_hub.actions.publishing_policy import check_may_trust, check_own, forget_policy, policies_of
from provider_hub.actions.services import Services
from provider_hub.domain.audit import Actor, AuditAction
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import Conflict, Invalid, NotFound, QuotaExceeded
from provider_hub.domain.names import ProviderName
from provider_hub.domain.organizations import Organization
from provider_hub.domain.publishers.claims import Platform
from provider_hub.domain.publishers.records import Publisher

if TYPE_CHECKING:
    from provider_hub.actions.wishes.publishers import PublisherWish

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
    check_own(organization, name)
    policies = policies_of(services, organization.organization_id, name)
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
    check_own(organization, name)
    check_may_trust(services, organization, name, by, replaces_repository=wish.replaces_repository)
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
        detail = _text_of(publisher) + (f", in the place of {replaced}" if replaced else "")
        audit.record(services, transaction, by, AuditAction.PUBLISHER_ADDED, name.canonical, detail=detail)

    services.store.transact(add)
    return publisher


def remove_publisher(
    services: Services[PublisherStore], organization: Organization, name: ProviderName, publisher_id: str, by: Actor
) -> None:
    """From now on no token is minted for it, and those that were publish nothing any more.

    Raises Forbidden or NotFound.
    """
    check_own(organization, name)
    found = services.store.get(keys.publisher(publisher_id)) if _ID.fullmatch(publisher_id) else None
    is_own = found is not None and (found.organization_id, found.provider_name) == (organization.organization_id, name)
    if found is None or not is_own:
        raise NotFound(f"{name} has no publisher {publisher_id[:40]}")

    def remove(transaction: Transaction) -> None:
        transaction.delete(keys.publisher(publisher_id))
        audit.record(services, transaction, by, AuditAction.PUBLISHER_REMOVED, name.canonical, detail=_text_of(found))

    services.store.transact(remove)


def forget_publishing(services: Services[PublisherStore], name: ProviderName, by: Actor) -> None:
    """Delete what was decided of who publishes a provider that is deleted; its publishers' tokens end with them.

    A machine's deletion leaves the policy that a machine cannot switch off (`forget_policy`).
    """
    while found := services.store.publishers_of(name, MOST_OF_PROVIDER):
        services.store.transact(partial(_forgotten, services, found, by))
    forget_policy(services, name, by)


def _forgotten(
    services: Services[PublisherStore], publishers: Sequence[Publisher], by: Actor, transaction: Transaction
) -> None:
    for one in publishers:
        transaction.delete(keys.publisher(one.publisher_id))
    name, concerns = publishers[0].provider_name.canonical, publishers[0].organization_id
    detail = f"with its provider: {', '.join(map(_text_of, publishers))}"
    action = AuditAction.PUBLISHER_REMOVED
    audit.record(services, transaction, by, action, name, concerns=concerns, detail=detail, is_further=True)


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


def _text_of(publisher: Publisher) -> str:
    return f"{publisher.issuer} {publisher.repository} {publisher.workflow}"

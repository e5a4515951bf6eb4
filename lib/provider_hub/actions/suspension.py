"""What the platform does to an organization: suspend it, let it in again, and free the slug of one that left.

Each process keeps an organization for a minute (`organizations.Organizations`), so a decision holds a minute later.
"""

import math
from dataclasses import replace
from datetime import datetime, timedelta

from provider_hub.actions import audit, keys
from provider_hub.actions.organizations import existing
from provider_hub.actions.ports import OrganizationStore, Transaction
from provider_hub.actions.services import ORGANIZATION_TRUSTED, Services
from provider_hub.domain.audit import Actor, AuditAction
from provider_hub.domain.deadlines import LONGEST_REQUEST
from provider_hub.domain.errors import Conflict
from provider_hub.domain.organizations import Organization, SlugClaim

# After that no process holds a suspended organization as active, and no request that one let in is under way.
_SETTLED = ORGANIZATION_TRUSTED + LONGEST_REQUEST


def suspend(services: Services[OrganizationStore], by: Actor, organization_id: str, reason: str) -> Organization:
    """Refuse the organization's tokens with `reason`; what runs goes on. Raises NotFound."""
    key = keys.organization(organization_id)

    def decide(transaction: Transaction) -> Organization:
        (found,) = transaction.read(key)
        row, now = existing(found, organization_id), services.clock()
        suspended = replace(row, status="suspended", suspended_reason=reason, updated_at=now)
        transaction.write(key, suspended)
        _record(services, transaction, by, AuditAction.ORGANIZATION_SUSPENDED, organization_id, detail=reason)
        return suspended

    return services.store.transact(decide)[0]


def resume(services: Services[OrganizationStore], by: Actor, organization_id: str) -> Organization:
    """Let the organization's tokens in again.

    One whose slug was released is forgotten: its next token makes it anew, with the slug that it has then. That is one
    commit, since an active organization without its slug would publish and install under the name of the slug's next
    owner.

    Raises NotFound.
    """
    key = keys.organization(organization_id)

    def decide(transaction: Transaction) -> Organization:
        (found,) = transaction.read(key)
        row, now = existing(found, organization_id), services.clock()
        (claim,) = transaction.read(keys.slug(row.slug))
        active = replace(row, status="active", suspended_reason=None, updated_at=now)
        if claim is not None and claim.organization_id == organization_id:
            transaction.write(key, active)
        else:
            transaction.delete(key)
        _record(services, transaction, by, AuditAction.ORGANIZATION_RESUMED, organization_id)
        return active

    return services.store.transact(decide)[0]


def release_slug(services: Services[OrganizationStore], by: Actor, organization_id: str) -> Organization:
    """Free the slug of a suspended organization that has nothing left, so that its rightful owner can take it.

    The organization must have been suspended for some minutes, so that no token of it can install or publish after the
    slug is free. What is committed before that is found: every install writes the number of installations, and every
    publish the use. Both are read before the rows are counted, so such a commit has the transaction run again.

    Raises NotFound, and Conflict while it is active, was suspended a moment ago, has anything installed, or has
    providers under its slug.
    """
    number_key, use_key = keys.installed_count(organization_id), keys.publishing_use(organization_id)

    def decide(transaction: Transaction) -> Organization:
        found, _, _ = transaction.read(keys.organization(organization_id), number_key, use_key)
        organization = existing(found, organization_id)
        (claim,) = transaction.read(keys.slug(organization.slug))
        _check_settled(organization, services.clock())
        _check_nothing_left(services, organization)
        if claim == SlugClaim(organization.slug, organization_id):
            transaction.delete(keys.slug(organization.slug))
            detail = f"slug {organization.slug}"
            _record(services, transaction, by, AuditAction.SLUG_RELEASED, organization_id, detail=detail)
        return organization

    return services.store.transact(decide)[0]


def _check_nothing_left(services: Services[OrganizationStore], organization: Organization) -> None:
    """Raises Conflict while the organization has anything installed, or has providers."""
    installed = services.store.count_installations_of(organization.organization_id)
    if installed:
        under = f"{installed} installations under the slug {organization.slug}"
        raise Conflict(f"{organization.organization_id} has {under}: they must be uninstalled first")
    if services.store.count_providers_under(organization.slug):
        raise Conflict(f"there are providers named {organization.slug}/…: delete them first")


def _check_settled(organization: Organization, now: datetime) -> None:
    """Raises Conflict while a token of the organization may still install or publish."""
    if organization.status != "suspended":
        minutes = _SETTLED // timedelta(minutes=1)
        raise Conflict(
            f"{organization.organization_id} is active: suspend it first, and release its slug {minutes} minutes later"
        )
    # Nothing but a suspension writes `updated_at` of an organization that is suspended.
    left = organization.updated_at + _SETTLED - now
    if left > timedelta():
        raise Conflict(
            f"{organization.organization_id} was suspended a moment ago, and what it began may be under way: "
            f"release its slug in {math.ceil(left.total_seconds())} seconds"
        )


def _record(
    services: Services[OrganizationStore],
    transaction: Transaction,
    by: Actor,
    action: AuditAction,
    organization_id: str,
    *,
    detail: str | None = None,
) -> None:
    audit.record(
        services, transaction, by, action, f"organization {organization_id}", concerns=organization_id, detail=detail
    )

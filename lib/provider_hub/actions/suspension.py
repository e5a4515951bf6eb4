"""What the platform does to an organization: suspend it, let it in again, and free the slug of one that left.

Each process keeps an organization for a minute (`organizations.Organizations`), so a decision holds a minute later.
"""

from collections.abc import Callable
from dataclasses import replace

from provider_hub.actions import keys
from provider_hub.actions.ports import OrganizationStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.domain.catalog import Organization, SlugClaim
from provider_hub.domain.errors import Conflict, NotFound


def suspend(services: Services[OrganizationStore], organization_id: str, reason: str) -> Organization:
    """Refuse the organization's tokens with `reason`; what runs goes on. Raises NotFound."""
    return _changed(services, organization_id, lambda row: replace(row, status="suspended", suspended_reason=reason))


def resume(services: Services[OrganizationStore], organization_id: str) -> Organization:
    """Let the organization's tokens in again.

    One whose slug was released is forgotten: its next token makes it anew, with the slug that it has then.

    Raises NotFound.
    """
    active = _changed(services, organization_id, lambda row: replace(row, status="active", suspended_reason=None))
    claim = services.store.get(keys.slug(active.slug))
    if claim is None or claim.organization_id != organization_id:
        services.store.delete_all([keys.organization(organization_id)])
    return active


def release_slug(services: Services[OrganizationStore], organization_id: str) -> Organization:
    """Free the slug of a suspended organization that has nothing left, for the one that it belongs to.

    Only of a suspended one: no token of it can install or publish while this looks.

    Raises NotFound, and Conflict while it is active, has anything installed, or has providers under its slug.
    """
    organization = _found(services.store.get(keys.organization(organization_id)), organization_id)
    if organization.status != "suspended":
        raise Conflict(f"{organization_id} is active: suspend it first, and release its slug a minute later")
    installed = services.store.count_installations_of(organization_id)
    if installed:
        raise Conflict(f"{organization_id} has {installed} installations under the slug {organization.slug}")
    if services.store.count_providers_under(organization.slug):
        raise Conflict(f"there are providers named {organization.slug}/…: delete them first")

    def decide(transaction: Transaction) -> None:
        (claim,) = transaction.read(keys.slug(organization.slug))
        if claim == SlugClaim(organization.slug, organization_id):
            transaction.delete(keys.slug(organization.slug))

    services.store.transact(decide)
    return organization


def _changed(
    services: Services[OrganizationStore], organization_id: str, change: Callable[[Organization], Organization]
) -> Organization:
    key = keys.organization(organization_id)

    def decide(transaction: Transaction) -> Organization:
        (found,) = transaction.read(key)
        changed = replace(change(_found(found, organization_id)), updated_at=services.clock())
        transaction.write(key, changed)
        return changed

    return services.store.transact(decide)[0]


def _found(organization: Organization | None, organization_id: str) -> Organization:
    if organization is None:
        raise NotFound(f"there is no organization {organization_id[:80]}")
    return organization

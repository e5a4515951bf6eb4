"""What the platform does to an organization: suspend it, let it in again, and free the slug of one that left.

Each process keeps an organization for a minute (`organizations.Organizations`), so a decision holds a minute later.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from provider_hub.actions import audit, keys
from provider_hub.actions.organizations import existing
from provider_hub.actions.ports import OrganizationStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.domain.audit import Actor, AuditAction
from provider_hub.domain.errors import Conflict
from provider_hub.domain.organizations import Organization, SlugClaim


def suspend(services: Services[OrganizationStore], by: Actor, organization_id: str, reason: str) -> Organization:
    """Refuse the organization's tokens with `reason`; what runs goes on. Raises NotFound."""
    record = partial(_record, services, by, AuditAction.ORGANIZATION_SUSPENDED, organization_id, detail=reason)
    return _changed(services, organization_id, ("suspended", reason), record)


def resume(services: Services[OrganizationStore], by: Actor, organization_id: str) -> Organization:
    """Let the organization's tokens in again.

    One whose slug was released is forgotten: its next token makes it anew, with the slug that it has then.

    Raises NotFound.
    """
    record = partial(_record, services, by, AuditAction.ORGANIZATION_RESUMED, organization_id)
    active = _changed(services, organization_id, ("active", None), record)
    claim = services.store.get(keys.slug(active.slug))
    if claim is None or claim.organization_id != organization_id:
        services.store.delete_all([keys.organization(organization_id)])
    return active


def release_slug(services: Services[OrganizationStore], by: Actor, organization_id: str) -> Organization:
    """Free the slug of a suspended organization that has nothing left, so that its rightful owner can take it.

    The organization must be suspended, so that no token of it can install or publish during the checks.

    Raises NotFound, and Conflict while it is active, has anything installed, or has providers under its slug.
    """
    organization = existing(services.store.get(keys.organization(organization_id)), organization_id)
    if organization.status != "suspended":
        raise Conflict(f"{organization_id} is active: suspend it first, and release its slug a minute later")
    installed = services.store.count_installations_of(organization_id)
    if installed:
        under = f"{installed} installations under the slug {organization.slug}"
        raise Conflict(f"{organization_id} has {under}: they must be uninstalled first")
    if services.store.count_providers_under(organization.slug):
        raise Conflict(f"there are providers named {organization.slug}/…: delete them first")

    def decide(transaction: Transaction) -> None:
        (claim,) = transaction.read(keys.slug(organization.slug))
        if claim == SlugClaim(organization.slug, organization_id):
            transaction.delete(keys.slug(organization.slug))
            detail = f"slug {organization.slug}"
            _record(services, by, AuditAction.SLUG_RELEASED, organization_id, transaction, detail=detail)

    services.store.transact(decide)
    return organization


def _changed(
    services: Services[OrganizationStore],
    organization_id: str,
    status: tuple[str, str | None],
    record: Callable[[Transaction], None],
) -> Organization:
    """The organization with another status and the reason for it."""
    key = keys.organization(organization_id)

    def decide(transaction: Transaction) -> Organization:
        (found,) = transaction.read(key)
        row, now = existing(found, organization_id), services.clock()
        changed = replace(row, status=status[0], suspended_reason=status[1], updated_at=now)
        transaction.write(key, changed)
        record(transaction)
        return changed

    return services.store.transact(decide)[0]


def _record(
    services: Services[OrganizationStore],
    by: Actor,
    action: AuditAction,
    organization_id: str,
    transaction: Transaction,
    *,
    detail: str | None = None,
) -> None:
    audit.record(
        services, transaction, by, action, f"organization {organization_id}", concerns=organization_id, detail=detail
    )

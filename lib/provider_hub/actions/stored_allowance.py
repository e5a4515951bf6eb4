"""How many bytes the platform lets one organization have kept, where that is not what every organization may."""

from dataclasses import replace

from provider_hub.actions import audit, keys
from provider_hub.actions.organizations import existing
from provider_hub.actions.ports import DocumentStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.domain.audit import Actor, AuditAction
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.organizations import Organization
from provider_hub.domain.publishing_use import PublishingUse, shown_size


@dataclass(frozen=True, slots=True)
class Stored:
    """An organization, and what is kept for it."""

    organization: Organization
    use: PublishingUse


def stored_of(services: Services[DocumentStore], organization_id: str) -> Stored:
    """Raises NotFound."""
    organization = existing(services.store.get(keys.organization(organization_id)), organization_id)
    return of_organization(services, organization)


def of_organization(services: Services[DocumentStore], organization: Organization) -> Stored:
    """The same for an organization that was read already."""
    organization_id = organization.organization_id
    use = services.store.get(keys.publishing_use(organization_id))
    return Stored(organization, use or PublishingUse.unused(organization_id, services.clock()))


def allow(services: Services[DocumentStore], by: Actor, organization_id: str, allowed_bytes: int | None) -> Stored:
    """Let the organization have so many bytes kept; None for as many as every other. Raises NotFound.

    Fewer than are kept already refuse what comes, and take nothing away.
    """
    limits = services.publishing_rules.limits
    organization_key, use_key = keys.organization(organization_id), keys.publishing_use(organization_id)

    def decide(transaction: Transaction) -> Stored:
        found, known = transaction.read(organization_key, use_key)
        organization = existing(found, organization_id)
        use = known or PublishingUse.unused(organization_id, services.clock())
        allowed = replace(use, allowed_bytes=allowed_bytes)
        if allowed.is_empty:
            transaction.delete(use_key)
        else:
            transaction.write(use_key, allowed)
        detail = f"{shown_size(use.most_bytes(limits))} to {shown_size(allowed.most_bytes(limits))}"
        subject, action = f"organization {organization_id}", AuditAction.STORAGE_ALLOWED
        audit.record(services, transaction, by, action, subject, concerns=organization_id, detail=detail)
        return Stored(organization, allowed)

    return services.store.transact(decide)[0]

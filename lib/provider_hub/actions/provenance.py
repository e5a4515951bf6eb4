"""What an organization requires of where the versions that it installs come from."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from provider_hub.actions import audit, keys
from provider_hub.actions.ports import DocumentStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.domain.audit import Actor, AuditAction
from provider_hub.domain.errors import NotFound, QuotaExceeded
from provider_hub.domain.names import ProviderName
from provider_hub.domain.organizations import Organization
from provider_hub.domain.provenance import ProvenancePolicy, ProvenanceRule, ProviderRule

MOST_PROVIDERS = 100


def policy_of(services: Services[DocumentStore], organization: Organization) -> ProvenancePolicy:
    """What the organization requires; nothing where nobody decided."""
    key = keys.provenance_policy(organization.organization_id)
    return services.store.get(key) or _nothing(organization, organization.created_at, "")


def require(
    services: Services[DocumentStore], organization: Organization, rule: ProvenanceRule | None, by: Actor
) -> ProvenancePolicy:
    """Require it of every provider without a rule of its own; None requires nothing."""
    return _changed(
        services, organization, organization.slug, _text_of(rule), by, lambda policy: replace(policy, rule=rule)
    )


def require_of_provider(
    services: Services[DocumentStore],
    organization: Organization,
    name: ProviderName,
    rule: ProvenanceRule | None,
    by: Actor,
) -> ProvenancePolicy:
    """Require it of one provider, in the place of what is required of all; None requires nothing.

    Raises QuotaExceeded. The provider need not exist, nor be visible: what it is called says who publishes it.
    """

    def change(policy: ProvenancePolicy) -> ProvenancePolicy:
        changed = policy.with_provider(ProviderRule(name.canonical, rule))
        if len(changed.providers) > MOST_PROVIDERS:
            raise QuotaExceeded(
                f"the organization has rules for {MOST_PROVIDERS} providers, as many as it may: drop one"
            )
        return changed

    return _changed(services, organization, name.canonical, _text_of(rule), by, change)


def drop_provider(
    services: Services[DocumentStore], organization: Organization, name: ProviderName, by: Actor
) -> ProvenancePolicy:
    """Require of one provider what is required of all again. Raises NotFound where it has no rule of its own."""

    def change(policy: ProvenancePolicy) -> ProvenancePolicy:
        changed = policy.without_provider(name.canonical)
        if changed.providers == policy.providers:
            raise NotFound(f"your organization has no rule of its own for {name}")
        return changed

    return _changed(services, organization, name.canonical, "as of every provider", by, change)


def _changed(
    services: Services[DocumentStore],
    organization: Organization,
    whose: str,
    detail: str,
    by: Actor,
    change: Callable[[ProvenancePolicy], ProvenancePolicy],
) -> ProvenancePolicy:
    key = keys.provenance_policy(organization.organization_id)

    def decide(transaction: Transaction) -> ProvenancePolicy:
        (known,) = transaction.read(key)
        now = services.clock()
        changed = change(known or _nothing(organization, now, by.subject))
        changed = replace(changed, changed_at=now, changed_by=by.subject)
        transaction.write(key, changed)
        audit.record(services, transaction, by, AuditAction.PROVENANCE_REQUIRED, whose, detail=detail)
        return changed

    return services.store.transact(decide)[0]


def _nothing(organization: Organization, now: datetime, cause: str) -> ProvenancePolicy:
    return ProvenancePolicy(organization.organization_id, rule=None, providers=(), changed_at=now, changed_by=cause)


def _text_of(rule: ProvenanceRule | None) -> str:
    return str(rule) if rule else "nothing"

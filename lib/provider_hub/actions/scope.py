"""Who sees a customer's provider: everyone, or its own organization."""

from provider_hub.actions import audit, keys
from provider_hub.actions.ports import CatalogStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.actions.version_choice import changeable
from provider_hub.domain.audit import Actor, AuditAction
from provider_hub.domain.catalog import Provider, in_scope
from provider_hub.domain.errors import Conflict
from provider_hub.domain.names import ProviderName
from provider_hub.domain.scope import Scope


def hide_from_others(services: Services[CatalogStore], by: Actor, name: ProviderName) -> None:
    """Make a provider its own organization's. Raises NotFound, Forbidden, or Conflict while others have it installed.

    The platform's own providers stay public.

    It is hidden first and counted then: another organization's install that read it before is counted, one that reads
    it after finds nothing. A crash in between leaves it hidden: organizations that have it keep it, and its author can
    make it public again.
    """
    hidden_of = _set_scope(services, by, name, Scope.TENANT)
    if hidden_of is None:
        return
    others = _installed_by_others(services, hidden_of, name)
    if others:
        _set_scope(services, by, name, Scope.PUBLIC)
        raise Conflict(
            f"{name} is installed by {others} other organizations: it stays public until none of them has it"
        )


def record_scope(
    services: Services[CatalogStore], transaction: Transaction, by: Actor, provider: Provider, scope: Scope
) -> None:
    """Record in the audit that `by` gives the provider another scope."""
    audit.record(
        services,
        transaction,
        by,
        AuditAction.SCOPE_CHANGED,
        provider.canonical,
        concerns=provider.author.organization_id,
        detail=f"{provider.scope} to {scope}",
    )


def _set_scope(services: Services[CatalogStore], by: Actor, name: ProviderName, scope: Scope) -> str | None:
    """The author's organization where that changed anything, else None. Raises Conflict for the platform's own."""

    def decide(transaction: Transaction) -> str | None:
        (found,) = transaction.read(keys.provider(name))
        provider = changeable(found, name, by)
        if provider.author.organization_id is None:
            raise Conflict(f"{name} is the platform's own, which everyone sees: its scope stays public")
        if provider.scope is scope:
            return None
        transaction.write(keys.provider(name), in_scope(provider, scope))
        record_scope(services, transaction, by, provider, scope)
        return provider.author.organization_id

    return services.store.transact(decide)[0]


def _installed_by_others(services: Services[CatalogStore], organization_id: str, name: ProviderName) -> int:
    own = services.store.get(keys.installation(organization_id, name))
    return services.store.install_count(name) - (own is not None)

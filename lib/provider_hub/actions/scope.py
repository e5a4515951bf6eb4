"""Who sees a customer's provider: everyone, or, where it is private, its own organization alone."""

from typing import TYPE_CHECKING

from provider_hub.actions import audit, keys
from provider_hub.actions.ports import CatalogStore, Transaction
from provider_hub.actions.provider_access import changeable
from provider_hub.actions.services import Services
from provider_hub.domain.audit import Actor, AuditAction
from provider_hub.domain.catalog import Provider, in_scope
from provider_hub.domain.errors import Conflict
from provider_hub.domain.names import ProviderName
from provider_hub.domain.scope import Scope

if TYPE_CHECKING:
    from provider_hub.domain.installation import Installation

# At most so many counts: the author's organization may install or uninstall the provider during one.
_COUNTS = 3


def make_private(services: Services[CatalogStore], by: Actor, name: ProviderName) -> bool:
    """Make a provider visible to its own organization alone; False where it was so before.

    Raises NotFound, Forbidden, QuotaExceeded, or Conflict while others have it installed. The platform's own providers
    stay public.

    It becomes private first and is counted then: another organization's install that read it before is counted, one
    that reads it after finds nothing. A crash in between leaves it private: organizations that have it keep it, and its
    author can make it public again.
    """
    organization_id = _set_scope(services, by, name, Scope.TENANT)
    if organization_id is None:
        return False
    try:
        _check_none_has_it(services, organization_id, name)
    except Conflict:
        _set_scope(services, by, name, Scope.PUBLIC, is_further=True)
        raise
    return True


def check_can_be_private(services: Services[CatalogStore], provider: Provider) -> None:
    """Raises Conflict while others have it installed; `make_private` may still find somebody later."""
    organization_id = provider.author.organization_id
    if provider.scope is Scope.PUBLIC and organization_id is not None:
        _check_none_has_it(services, organization_id, provider.provider_name)


def record_scope(
    services: Services[CatalogStore],
    transaction: Transaction,
    by: Actor,
    provider: Provider,
    scope: Scope,
    *,
    is_further: bool = False,
) -> None:
    """Record in the audit that `by` gives the provider another scope; `is_further` is as `audit.record` has it."""
    audit.record(
        services,
        transaction,
        by,
        AuditAction.SCOPE_CHANGED,
        provider.canonical,
        concerns=provider.author.organization_id,
        detail=f"{provider.scope} to {scope}",
        is_further=is_further,
    )


def _set_scope(
    services: Services[CatalogStore], by: Actor, name: ProviderName, scope: Scope, *, is_further: bool = False
) -> str | None:
    """The author's organization where that changed anything, else None. Raises Conflict for the platform's own."""

    def decide(transaction: Transaction) -> str | None:
        (found,) = transaction.read(keys.provider(name))
        provider = changeable(found, name, by)
        if provider.author.organization_id is None:
            raise Conflict(f"{name} is the platform's own, which everyone may see: its scope can only be public")
        if provider.scope is scope:
            return None
        transaction.write(keys.provider(name), in_scope(provider, scope))
        record_scope(services, transaction, by, provider, scope, is_further=is_further)
        return provider.author.organization_id

    return services.store.transact(decide)[0]


def _check_none_has_it(services: Services[CatalogStore], organization_id: str, name: ProviderName) -> None:
    """Raises Conflict while organizations have it installed that are not its author's."""
    others = _installed_by_others(services, organization_id, name)
    if others > 0:
        raise Conflict(
            f"{name} is installed by {others} other organizations: it stays public until none of them has it"
        )


def _installed_by_others(services: Services[CatalogStore], organization_id: str, name: ProviderName) -> int:
    """How many organizations have it installed beside its author's; at worst one too many, and never one too few.

    The author's own row is left out only if the same one was there before and after the count. One that came or went
    meanwhile may not be in the count, and another organization's row would be left out in its place.
    """
    key = keys.installation(organization_id, name)
    before, counted = services.store.get(key), 0
    for _ in range(_COUNTS):
        counted, after = services.store.install_count(name), services.store.get(key)
        if _id_of(before) == _id_of(after):
            return counted - (after is not None)
        before = after
    return counted


def _id_of(row: "Installation | None") -> str | None:
    return row.installation_id if row else None

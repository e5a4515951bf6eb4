"""Who sees a customer's provider: everyone, or its own organization."""

from provider_hub.actions import keys
from provider_hub.actions.ports import CatalogStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.actions.version_choice import authored, visible
from provider_hub.domain.catalog import Scope, in_scope
from provider_hub.domain.errors import Conflict
from provider_hub.domain.names import ProviderName


def hide_from_others(services: Services[CatalogStore], organization_id: str, name: ProviderName) -> None:
    """Make a provider its own organization's. Raises NotFound, Forbidden, or Conflict while others have it installed.

    It is hidden first and counted then: another organization's install that read it before is counted, one that
    reads it after finds nothing. A crash in between leaves it hidden: who has it keeps it, and its author can make
    it public again.
    """
    if not _set_scope(services, organization_id, name, Scope.TENANT):
        return
    others = _installed_by_others(services, organization_id, name)
    if others:
        _set_scope(services, organization_id, name, Scope.PUBLIC)
        raise Conflict(
            f"{name} is installed by {others} other organizations: it stays public until none of them has it"
        )


def _set_scope(services: Services[CatalogStore], organization_id: str, name: ProviderName, scope: Scope) -> bool:
    """Whether that changed anything."""

    def decide(transaction: Transaction) -> bool:
        (found,) = transaction.read(keys.provider(name))
        provider = authored(visible(found, name, organization_id), organization_id)
        if provider.scope is scope:
            return False
        transaction.write(keys.provider(name), in_scope(provider, scope))
        return True

    return services.store.transact(decide)[0]


def _installed_by_others(services: Services[CatalogStore], organization_id: str, name: ProviderName) -> int:
    own = services.store.get(keys.installation(organization_id, name))
    return services.store.install_count(name) - (own is not None)

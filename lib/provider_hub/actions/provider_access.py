"""Who may see a provider, and who may change it."""

from provider_hub.actions import keys
from provider_hub.actions.ports import Transaction
from provider_hub.domain.audit import Actor
from provider_hub.domain.catalog import Provider, ProviderVersion
from provider_hub.domain.errors import Forbidden, NotFound
from provider_hub.domain.names import ProviderName
from provider_hub.domain.versions import is_version


def visible(provider: Provider | None, name: ProviderName, organization_id: str | None) -> Provider:
    """The provider. Raises NotFound where it does not exist, and likewise where the organization may not see it."""
    if provider is None or not provider.visible_to(organization_id):
        raise NotFound(f"there is no provider {name}")
    return provider


def changeable(provider: Provider | None, name: ProviderName, by: Actor) -> Provider:
    """The provider, for one who may change it: its author's organization, or the platform, which may change every one.

    Raises NotFound, likewise where the organization may not see it, and Forbidden for another author's.
    """
    if by.is_platform:
        if provider is None or provider.retiring:
            raise NotFound(f"there is no provider {name}")
        return provider
    shown = visible(provider, name, by.organization_id)
    if by.organization_id is None or shown.author.organization_id != by.organization_id:
        raise Forbidden(f"{shown.canonical} is not your organization's: only its author may change it")
    return shown


def changeable_version(
    transaction: Transaction, name: ProviderName, text: str, by: Actor
) -> tuple[Provider, ProviderVersion]:
    """The provider and its version, for one who may change both. Raises NotFound or Forbidden."""
    if not is_version(text):
        raise NotFound(f"{name} has no version {text[:80]}")
    found, version = transaction.read(keys.provider(name), keys.version(name, text))
    provider = changeable(found, name, by)
    if version is None:
        raise NotFound(f"{name} has no version {text}")
    return provider, version

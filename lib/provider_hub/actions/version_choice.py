"""Which version of a provider a tenant may run; it is read in the transaction that uses it."""

from provider_hub.actions import keys
from provider_hub.actions.ports import Transaction
from provider_hub.domain.audit import Actor
from provider_hub.domain.catalog import Provider, ProviderVersion, VersionStatus
from provider_hub.domain.errors import Forbidden, Invalid, NotFound
from provider_hub.domain.names import ProviderName
from provider_hub.domain.provenance import ProvenancePolicy, refusal_of
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


def chosen_version(transaction: Transaction, provider: Provider, named: str | None, field: str) -> ProviderVersion:
    """The named version, or the latest (None). Raises NotFound, or Invalid at body `field` for one that cannot run."""
    text = named or provider.latest_version
    if text is None:
        raise NotFound(f"{provider.canonical} has no published version")
    (version,) = transaction.read(keys.version(provider.provider_name, text))
    return runnable(version, provider.provider_name, text, field)


def runnable(version: ProviderVersion | None, name: ProviderName, text: str, field: str) -> ProviderVersion:
    """The version. Raises NotFound when there is none, Invalid at body `field` when it is not published."""
    if version is None:
        raise NotFound(f"{name} has no version {text}")
    if version.status is VersionStatus.YANKED:
        raise Invalid.at("body", field, msg=f"{name} {text} was yanked by its author: choose another version")
    if version.status is not VersionStatus.PUBLISHED:
        raise Invalid.at("body", field, msg=f"{name} {text} is {version.status.value}: choose a published version")
    return version


def check_provenance(
    policy: ProvenancePolicy | None,
    version: ProviderVersion | None,
    field: str = "version",
    *,
    installed: str | None = None,
) -> None:
    """Raises Invalid at body `field` for a version that does not come from where the organization requires.

    The version that is `installed` stays, and may be deployed again or take another lock.
    """
    if version is None or version.version == installed:
        return
    refusal = refusal_of(policy, version)
    if refusal is not None:
        raise Invalid.at("body", field, msg=refusal)

"""Which version of a provider a tenant may run; it is read in the transaction that uses it."""

from provider_hub.actions import keys
from provider_hub.actions.ports import Transaction
from provider_hub.domain.catalog import Provider, ProviderVersion, VersionStatus, yanker_of
from provider_hub.domain.errors import Invalid, NotFound
from provider_hub.domain.names import ProviderName
from provider_hub.domain.provenance import ProvenancePolicy, refusal_of


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
        msg = f"{name} {text} was yanked by {yanker_of(version)}: choose another version"
        raise Invalid.at("body", field, msg=msg)
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

"""An installation as it is shown to its tenant: the row together with its provider."""

from dataclasses import dataclass

from provider_hub.domain.catalog import Provider
from provider_hub.domain.errors import NotFound
from provider_hub.domain.installation import Installation
from provider_hub.domain.names import ProviderName


@dataclass(frozen=True, slots=True)
class Installed:
    """A row and its catalog entry, which has the latest version; `provider` is None where it was deleted."""

    row: Installation
    provider: Provider | None


def not_installed(name: ProviderName) -> NotFound:
    """The refusal for a provider that the tenant does not have."""
    return NotFound(f"{name} is not installed")

"""An installation as it is shown to its tenant: the row together with what the catalog has about it."""

from provider_hub.actions.ports import Key
from provider_hub.domain.advisories import LockAdvisories
from provider_hub.domain.catalog import Provider, ProviderVersion
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import NotFound
from provider_hub.domain.installation import Installation
from provider_hub.domain.names import ProviderName

# An organization's id, and a version that mends an installation of it.
Mend = tuple[str, Key[ProviderVersion]]


@dataclass(frozen=True, slots=True)
class LockFacts:
    """What the catalog has about the lock of what shall run.

    `is_superseded` says that the installed version was locked again since. `advisories` are those of the installed
    lock, None where nothing is known of it. `mended_by` is the version that has none of them: the installed one where
    its new lock has none, else the provider's latest where the organization takes that; None where neither is known to.
    """

    is_superseded: bool = False
    advisories: LockAdvisories | None = None
    mended_by: str | None = None


@dataclass(frozen=True, slots=True)
class Installed:
    """A row and its catalog entry, which has the latest version; `provider` is None where it was deleted.

    `lock` is filled where an installation is looked at, and empty in the answer to a change: a change costs no reads
    beside its own.
    """

    row: Installation
    provider: Provider | None
    lock: LockFacts = LockFacts()


def not_installed(name: ProviderName) -> NotFound:
    """The refusal for a provider that the tenant does not have."""
    return NotFound(f"{name} is not installed")

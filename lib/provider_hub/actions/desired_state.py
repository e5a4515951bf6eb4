"""From a row and its version to the objects that stand for it: what the installer applies and drift is held against."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from provider_hub.actions import keys
from provider_hub.actions.ports import DocumentStore
from provider_hub.domain import messages
from provider_hub.domain.catalog import ProviderVersion
from provider_hub.domain.errors import PermanentError
from provider_hub.domain.installation import Installation
from provider_hub.domain.manifests import Manifest, RuntimeFacts, installation_manifests, namespace_manifests


@dataclass(frozen=True, slots=True)
class Objects:
    """The organization's namespace with its limits, and what runs in it for one installation."""

    namespace: Sequence[Manifest]
    installation: Sequence[Manifest]


@dataclass(frozen=True, slots=True)
class DesiredStates:
    store: DocumentStore
    facts: RuntimeFacts
    check_in_key: bytes

    def of(self, row: Installation, version: ProviderVersion | None) -> Objects:
        """Raises PermanentError when what the row wants is not registered any more, TemporaryError from the store."""
        if version is None:
            raise PermanentError(f"{row.canonical} has no version {row.installed_version} any more")
        facts = self._facts_for(version)
        token = messages.check_in_token(self.check_in_key, row.organization_id, row.installation_id, row.generation)
        return Objects(
            namespace_manifests(row.organization_id, row.organization_slug, facts),
            installation_manifests(row, version, facts, token),
        )

    def _facts_for(self, version: ProviderVersion) -> RuntimeFacts:
        if version.runtime_version is None:
            return self.facts
        pinned = self.store.get(keys.runtime_version(version.runtime_version))
        if pinned is None:
            raise PermanentError(f"runtime version {version.runtime_version} is not registered")
        return replace(self.facts, image=pinned.image_url)

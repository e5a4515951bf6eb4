"""The objects that a row should have in the cluster. The installer applies them, and drift is measured by them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from provider_hub.actions import keys
from provider_hub.actions.ports import DocumentStore
from provider_hub.domain import messages
from provider_hub.domain.catalog import ProviderVersion
from provider_hub.domain.errors import PermanentError
from provider_hub.domain.installation import Installation
from provider_hub.domain.manifests import Manifest, RuntimeFacts, installation_manifests, namespace_manifests
from provider_hub.domain.runtimes import RuntimeVersion


@dataclass(frozen=True, slots=True)
class Objects:
    """The manifests of the organization's namespace with its limits, and those of one installation."""

    namespace: Sequence[Manifest]
    installation: Sequence[Manifest]


@dataclass(frozen=True, slots=True)
class DesiredStates:
    """Makes the manifests of a row from its version, this deployment's runtime facts and the check-in key."""

    store: DocumentStore
    facts: RuntimeFacts
    check_in_key: bytes
    _pinned: dict[str, RuntimeVersion] = field(default_factory=dict)

    def of(self, row: Installation, version: ProviderVersion | None) -> Objects:
        """The row's manifests.

        Raises PermanentError when the row's version or its runtime version is not registered any more, and
        TemporaryError when the store does not answer.
        """
        if version is None:
            raise PermanentError(f"{row.canonical} has no version {row.installed_version} any more")
        facts = self._facts_for(version)
        token = messages.check_in_token(self.check_in_key, row.organization_id, row.installation_id, row.generation)
        return Objects(
            namespace_manifests(row.organization_id, row.organization_slug, facts),
            installation_manifests(row, version, facts, token),
        )

    def _facts_for(self, version: ProviderVersion) -> RuntimeFacts:
        name = version.runtime_version
        pinned = self._pinned.get(name) or self.store.get(keys.runtime_version(name))
        if pinned is None:
            raise PermanentError(f"runtime version {name} is not registered")
        self._pinned[name] = pinned  # it never changes
        return replace(self.facts, image=pinned.image_url)

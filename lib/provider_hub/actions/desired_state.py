"""The objects that a row should have in the cluster. The installer applies them, and drift is measured by them."""

from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from provider_hub.actions import keys
from provider_hub.actions.ports import DocumentStore
from provider_hub.actions.secrets import Opener
from provider_hub.domain import messages
from provider_hub.domain.catalog import ProviderVersion
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import PermanentError
from provider_hub.domain.installation import Installation
from provider_hub.domain.manifests import Manifest, RuntimeFacts, installation_manifests, namespace_manifests
from provider_hub.domain.runtimes import RuntimeVersion
from provider_hub.domain.secret_values import owner_of

# A repair of a slice of rows reads the same few locks again and again; one has some ten KiB.
_LOCKS_KEPT = 200


@dataclass(frozen=True, slots=True)
class Objects:
    """The manifests of the organization's namespace with its limits, and those of one installation."""

    namespace: Sequence[Manifest]
    installation: Sequence[Manifest]


class _NoOpener:
    """Stands in where a test has no secret values; a call of it is a fault in the wiring."""

    def open(self, sealed: Mapping[str, str], _owner: str) -> dict[str, str]:
        if sealed:
            raise AssertionError("this was wired without an opener of secret values")
        return {}


@dataclass(frozen=True, slots=True)
class DesiredStates:
    """Makes the manifests of a row from its version, this deployment's runtime facts, the check-in key and `opener`."""

    store: DocumentStore
    facts: RuntimeFacts
    check_in_key: bytes
    opener: Opener = field(default_factory=_NoOpener)
    _pinned: dict[str, RuntimeVersion] = field(default_factory=dict)
    _locks: dict[str, str] = field(default_factory=dict)

    def of(self, row: Installation, version: ProviderVersion | None) -> Objects:
        """The row's manifests.

        Raises PermanentError when the row's version, its lock or its runtime version is not there any more, or its
        secret values do not open, and TemporaryError when the store or the key service does not answer.
        """
        if version is None:
            raise PermanentError(f"{row.canonical} has no version {row.installed_version} any more")
        facts = self._facts_for(version)
        token = messages.check_in_token(self.check_in_key, row.organization_id, row.installation_id, row.generation)
        secrets = self.opener.open(row.revision.secrets, owner_of(row.organization_id, row.canonical))
        return Objects(
            namespace_manifests(row.organization_id, row.organization_slug, facts),
            installation_manifests(row, version, facts, token, self._lock_of(row), secrets),
        )

    def _lock_of(self, row: Installation) -> str | None:
        digest = row.revision.lock_sha256
        if digest is None:
            return None
        key = keys.lock(row.provider_name, digest)
        # Not by the digest alone: another provider's lock of the same text may have been packed by another zlib.
        if (known := self._locks.get(key.place)) is not None:
            return known
        stored = self.store.get(key)
        if stored is None:
            raise PermanentError(f"the lock of {row.canonical} {row.installed_version} is not there any more")
        if len(self._locks) >= _LOCKS_KEPT:
            self._locks.clear()  # another thread may read them: nothing is looked up twice
        self._locks[key.place] = stored.packed  # it never changes
        return stored.packed

    def _facts_for(self, version: ProviderVersion) -> RuntimeFacts:
        name = version.runtime_version
        pinned = self._pinned.get(name) or self.store.get(keys.runtime_version(name))
        if pinned is None:
            raise PermanentError(f"runtime version {name} is not registered")
        self._pinned[name] = pinned  # it never changes
        return replace(self.facts, image=pinned.image_url)

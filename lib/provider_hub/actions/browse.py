"""The catalog: providers and versions are searched and read."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from provider_hub.actions import keys
from provider_hub.actions.artifacts import ArtifactStore
from provider_hub.actions.ports import CatalogStore, DocumentStore
from provider_hub.actions.provider_access import visible
from provider_hub.actions.services import Services
from provider_hub.actions.wishes.catalog import Search, VersionPage
from provider_hub.domain.bill_of_materials import bill_of_version
from provider_hub.domain.catalog import (
    TOKEN_LENGTH,
    Provider,
    ProviderVersion,
    StoredLock,
    audiences_of,
    has_words,
    words_of,
)
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.dependencies import DependencyLock
from provider_hub.domain.errors import NotFound
from provider_hub.domain.names import ProviderName
from provider_hub.domain.provenance import provenance_object
from provider_hub.domain.scope import Scope
from provider_hub.domain.versions import Version, is_version

# A search for several words filters at most this many providers that have the longest of the words.
CANDIDATES = 1000
WHEEL_URL_LIFETIME = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Listing:
    """A provider and the number of tenants that have it installed."""

    provider: Provider
    install_count: int


def search(services: Services[CatalogStore], viewer: str | None, wanted: Search) -> tuple[list[Listing], int]:
    """One page of the providers that the viewer's organization may see, by name, and the total number of matches.

    `viewer` is the organization's id, None for a caller who is not signed in.
    """
    audiences, words = _audiences(viewer, wanted.scope), words_of(wanted.q)
    if not audiences or (wanted.q.strip() and not words):
        return [], 0
    tokens = [word[:TOKEN_LENGTH] for word in words] + [f"#{tag}" for tag in wanted.tags]
    if len(tokens) <= 1 and not any(len(word) > TOKEN_LENGTH for word in words):
        token = tokens[0] if tokens else None
        found, total = services.store.find_providers(audiences, token, wanted.limit, wanted.offset)
        return _with_counts(services, found), total
    candidates, _ = services.store.find_providers(audiences, max(tokens, key=len), CANDIDATES, 0)
    matching = [
        provider for provider in candidates if has_words(provider, words) and set(wanted.tags) <= set(provider.tags)
    ]
    page = matching[wanted.offset : wanted.offset + wanted.limit]
    return _with_counts(services, page), len(matching)


def get_provider(services: Services[CatalogStore], viewer: str | None, name: ProviderName) -> Listing:
    """One provider. Raises NotFound, also for one that the viewer may not see."""
    provider = visible(services.store.get(keys.provider(name)), name, viewer)
    return Listing(provider, services.store.install_count(name))


def list_versions(
    services: Services[CatalogStore], viewer: str | None, name: ProviderName, page: VersionPage
) -> list[ProviderVersion]:
    """A page of the versions, the highest semantic version first. Raises NotFound."""
    visible(services.store.get(keys.provider(name)), name, viewer)
    ordered = sorted(services.store.version_numbers(name), key=Version.parse, reverse=True)
    wanted = ordered[page.offset : page.offset + page.limit]
    found = services.store.get_all([keys.version(name, number) for number in wanted])
    return [version for version in found if version is not None]


def get_version(
    services: Services[DocumentStore], viewer: str | None, name: ProviderName, text: str
) -> ProviderVersion:
    """One version. Raises NotFound."""
    visible(services.store.get(keys.provider(name)), name, viewer)
    version = services.store.get(keys.version(name, text)) if is_version(text) else None
    if version is None:
        raise NotFound(f"{name} has no version {text[:80]}")
    return version


def get_lock(services: Services[DocumentStore], viewer: str | None, name: ProviderName, text: str) -> StoredLock:
    """The lock of a version. Raises NotFound, also for a version that was published before there were locks."""
    version = get_version(services, viewer, name, text)
    lock = services.store.get(keys.lock(name, version.lock_sha256)) if version.lock_sha256 else None
    if lock is None:
        raise NotFound(f"{name} {text} has no lock: it was published before there were locks")
    return lock


def bill_of_materials(
    services: Services[DocumentStore], viewer: str | None, name: ProviderName, text: str
) -> dict[str, Any]:
    """A version's bill of materials, CycloneDX 1.6. Raises NotFound as `get_lock` does."""
    version = get_version(services, viewer, name, text)
    lock = get_lock(services, viewer, name, text)
    return bill_of_version(version, DependencyLock.parse(lock.text))


def wheel_url(
    services: Services[DocumentStore], artifacts: ArtifactStore, viewer: str | None, name: ProviderName, text: str
) -> str:
    """Where anyone may fetch the hub's copy of a version's wheel for WHEEL_URL_LIFETIME. Raises NotFound, also for a
    version that was published before the hub kept wheels."""
    version = get_version(services, viewer, name, text)
    if version.wheel_object is None:
        raise NotFound(f"the hub keeps no wheel of {name} {text}: it was published before there was a copy")
    return artifacts.signed_url(version.wheel_object, WHEEL_URL_LIFETIME)


def get_provenance(
    services: Services[CatalogStore], viewer: str | None, name: ProviderName, text: str, file_name: str
) -> dict[str, Any]:
    """The provenance object of a version's wheel (PEP 740). Raises NotFound, likewise where nothing was attested."""
    version = get_version(services, viewer, name, text)
    stored = services.store.get(keys.provenance(name, text)) if version.attestations else None
    if stored is None or stored.file_name != file_name:
        raise NotFound(f"{name} {text} has no attestations of a file {file_name[:80]}")
    return provenance_object(stored)


def _audiences(viewer: str | None, scope: Scope | None) -> Sequence[str]:
    audiences = audiences_of(viewer)
    if scope is Scope.PUBLIC:
        return audiences[:1]
    return audiences[1:] if scope is Scope.TENANT else audiences


def _with_counts(services: Services[CatalogStore], providers: Sequence[Provider]) -> list[Listing]:
    counts = services.store.install_counts([provider.provider_name for provider in providers])
    return [Listing(provider, count) for provider, count in zip(providers, counts, strict=True)]

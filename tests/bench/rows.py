"""Rows that were there before: written straight into the database, many a commit."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar

from google.cloud.firestore_v1.types.write import Write

from provider_hub.actions import keys
from provider_hub.actions.ports import Key
from provider_hub.adapters.firestore.encoding import encode_record
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.domain.catalog import Provider, search_tokens
from provider_hub.domain.names import ProviderName
from provider_hub.domain.organizations import Organization
from provider_hub.domain.records import InstalledCount
from tests import builders
from tests.fakes import START

_A_COMMIT = 400
T = TypeVar("T")


def load(store: FirestoreStore, records: Iterable[tuple[Key[Any], Any]]) -> int:
    """Write all records; returns how many."""
    written = 0
    for part in _batches(records, _A_COMMIT):
        store.commit_writes([Write(update=encode_record(record, store.name_of(key))) for key, record in part], b"")
        written += len(part)
    return written


def catalog(names: Iterable[ProviderName], version: str = "1.0.0") -> Iterator[tuple[Key[Any], Any]]:
    """Each provider with one published version."""
    for name in names:
        yield keys.provider(name), _searchable(builders.provider(name, latest_version=version))
        yield keys.version(name, version), builders.version(version, name)


def organization(slug: str) -> tuple[Key[Organization], Organization]:
    """An organization that has its cell, which its first install chooses otherwise."""
    organization_id = f"org_{slug}"
    return keys.organization(organization_id), Organization(organization_id, slug, slug, "active", START, START)


def nothing_installed(slug: str) -> tuple[Key[InstalledCount], InstalledCount]:
    """The number that the quota of its installations goes by."""
    organization_id = f"org_{slug}"
    return keys.installed_count(organization_id), InstalledCount(organization_id, 0, START)


def _searchable(provider: Provider) -> Provider:
    return replace(provider, search_tokens=search_tokens(provider))


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part

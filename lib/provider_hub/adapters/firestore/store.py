"""Firestore: the queries of the actions, over one channel to Google or to the emulator.

A query brings the module of its records when it is asked, as keys do (`actions.keys`).
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import fields
from datetime import datetime
from functools import cached_property, partial
from os import environ
from typing import TYPE_CHECKING, Any

import grpc
import grpc.experimental
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport

from provider_hub.actions import keys
from provider_hub.actions.ports import Key, R
from provider_hub.adapters.firestore.counts import KeptCounts
from provider_hub.adapters.firestore.documents import FirestoreDocuments
from provider_hub.adapters.firestore.failures import translated
from provider_hub.adapters.firestore.locks import LOCK_FIELDS, lock_of
from provider_hub.adapters.firestore.queries import Filter, build_query
from provider_hub.domain.records import DeadLetter, InstalledCount, OutboxEntry

if TYPE_CHECKING:
    from provider_hub.domain.audit import AuditEntry, AuditPlace
    from provider_hub.domain.catalog import Provider, ProviderVersion, StoredLock, VersionStatus
    from provider_hub.domain.installation import Installation
    from provider_hub.domain.names import ProviderName
    from provider_hub.domain.publishers.records import Publisher
    from provider_hub.domain.rollout import Member, Rollout
    from provider_hub.domain.runtimes import RuntimeVersion

# A readme has up to 200 KB, and a search goes through a thousand providers.
_UNLISTED_FIELDS = frozenset({"readme"})
# A version's schemas have up to 900 KB, and the package index lists thousands of versions.
_LONG_FIELDS = frozenset({"schemas", "config_schema", "outputs_schema", "changelog", "requirements", "published_by"})
# Firestore compares a field with so many values in one query.
_MOST_VALUES = 30
# The thread that waits for a streamed answer reads it. By default grpc starts another thread for every read and query.
CHANNEL_OPTIONS = ((grpc.experimental.ChannelOptions.SingleThreadedUnaryStream, 1),)


def connect(project: str, database: str) -> FirestoreStore:
    """A store over one channel: to the emulator when FIRESTORE_EMULATOR_HOST is set, else to Google."""
    emulator = environ.get("FIRESTORE_EMULATOR_HOST")
    if not emulator:
        to_google = FirestoreClient(transport=partial(FirestoreGrpcTransport, channel=_secure_channel))
        return FirestoreStore(to_google, project, database)
    transport = FirestoreGrpcTransport(channel=grpc.insecure_channel(emulator, options=CHANNEL_OPTIONS))
    return FirestoreStore(FirestoreClient(transport=transport), project, database, (("authorization", "Bearer owner"),))


def _secure_channel(host: str, **settings: Any) -> grpc.Channel:
    options = (*settings.pop("options", ()), *CHANNEL_OPTIONS)
    channel: grpc.Channel = FirestoreGrpcTransport.create_channel(host, options=options, **settings)
    return channel


class FirestoreStore(FirestoreDocuments):
    """The documents of one database with every reader's queries (`actions.ports.Store`).

    Every query has an index in Terraform (tests/terraform/test_indexes.py) and raises TemporaryError.
    """

    @cached_property
    def _kept_counts(self) -> KeptCounts:
        return KeptCounts(self.install_count)

    def installations_of(self, organization_id: str, limit: int | None = None) -> list[Installation]:
        """The organization's installations, oldest first: all of them, or the first `limit`."""
        from provider_hub.domain.installation import Installation

        parent = self.name_of(keys.organization(organization_id))
        return self._query(Installation, "installations", parent=parent, order=("created_at",), limit=limit)

    def count_installations_of(self, organization_id: str) -> int:
        """How many installations the organization has, in whatever state."""
        return self._count(build_query("installations"), self.name_of(keys.organization(organization_id)))

    def count_versions_of(self, provider: ProviderName) -> int:
        """How many versions the provider has, in whatever state."""
        return self._count(build_query("versions"), self.name_of(keys.provider(provider)))

    def count_providers_under(self, prefix: str) -> int:
        """How many providers the organization of that slug has."""
        return self._count(build_query("providers", where=[("prefix", "==", prefix)]), self._root)

    def install_count(self, provider: ProviderName) -> int:
        """The number of installations over all tenants."""
        return self._count(build_query("installations", everywhere=True, where=_is_of(provider)), self._root)

    def install_counts(self, providers: Sequence[ProviderName]) -> list[int]:
        """The numbers of installations in the order of `providers`, each at most a minute old."""
        return self._kept_counts.of(providers)

    def version_numbers(self, provider: ProviderName) -> list[str]:
        """The numbers alone of all versions, in no particular order: one version may have a megabyte."""
        return self._texts(provider, "versions", "version")

    def lock_digests(self, provider: ProviderName) -> list[str]:
        """The digests alone of the locks of the provider's versions: one lock may have half a megabyte."""
        return self._texts(provider, "locks", "sha256")

    def version_statuses(self, provider: ProviderName) -> dict[str, VersionStatus]:
        """The statuses alone of all versions, by their numbers: a provider may have thousands."""
        from provider_hub.domain.catalog import VersionStatus

        query = build_query("versions", fields=("version", "status"))
        found = [document.fields for document in self._documents(query, self.name_of(keys.provider(provider)))]
        return {fields["version"].string_value: VersionStatus(fields["status"].string_value) for fields in found}

    def newest_runtimes(self, limit: int) -> list[RuntimeVersion]:
        """The runtime versions that were released last, the last first."""
        from provider_hub.domain.runtimes import RuntimeVersion

        return self._query(RuntimeVersion, "runtime_versions", order=("-released_at",), limit=limit)

    def find_providers(
        self, audiences: Sequence[str], token: str | None, limit: int, offset: int
    ) -> tuple[list[Provider], int]:
        """A page of the providers for those audiences that have the search token, by name; and their total number."""
        from provider_hub.domain.catalog import Provider

        tokens = () if token is None else (("search_tokens", "contains", token),)
        where = (("audience", "in", tuple(audiences)), ("retiring", "==", False), *tokens)
        total = self._count(build_query("providers", where=where), self._root)
        found = self._query(
            Provider,
            "providers",
            where=where,
            order=("__name__",),
            limit=limit,
            offset=offset,
            fields=_fields_without(Provider, _UNLISTED_FIELDS),
        )
        return found, total

    def providers_under(self, prefix: str, audiences: Sequence[str], place: str | None, limit: int) -> list[Provider]:
        """The providers of that slug for those audiences, by document path, from the one behind the path `place`."""
        from provider_hub.domain.catalog import Provider

        where, listed = _is_shown(prefix, audiences), _fields_without(Provider, _UNLISTED_FIELDS)
        return self._page(Provider, "providers", place, limit, everywhere=False, where=where, fields=listed)

    def providers_of_distributions(
        self, prefix: str, distributions: Sequence[str], audiences: Sequence[str], limit: int
    ) -> list[Provider]:
        """The providers of that slug for those audiences that have a version of any of the distributions (15 at most).

        Each distribution is looked up with each of two audiences, and Firestore looks up 30 such pairs in one query.
        """
        from provider_hub.domain.catalog import Provider

        where = (*_is_shown(prefix, audiences), ("distributions", "contains any", tuple(distributions)))
        listed = _fields_without(Provider, _UNLISTED_FIELDS)
        return self._query(Provider, "providers", where=where, order=("__name__",), limit=limit, fields=listed)

    def listed_versions(self, provider: ProviderName, after_version: str | None, limit: int) -> list[ProviderVersion]:
        """Versions by their numbers' text, from the one behind `after_version`, without their long fields."""
        from provider_hub.domain.catalog import ProviderVersion

        start = None if after_version is None else self.name_of(keys.version(provider, after_version))
        parent = self.name_of(keys.provider(provider))
        return self._query(
            ProviderVersion,
            "versions",
            parent=parent,
            order=("__name__",),
            after=start,
            limit=limit,
            fields=_fields_without(ProviderVersion, _LONG_FIELDS),
        )

    def dead_letters_of(self, organization_id: str | None, provider: str | None, limit: int) -> list[DeadLetter]:
        """The dead letters of an organization, or of none (None), of one provider or of all (None), newest first."""
        providers = () if provider is None else (("provider", "==", provider),)
        where = (("organization_id", "==", organization_id), *providers)
        return self._query(DeadLetter, "dead_letters", where=where, order=("-failed_at",), limit=limit)

    def audit_entries(
        self,
        organization_id: str | None,
        action: str | None,
        since: datetime | None,
        place: AuditPlace | None,
        limit: int,
    ) -> list[AuditEntry]:
        """Entries, newest first, from the one behind `place`; None of the others leaves nothing out."""
        from provider_hub.domain.audit import AuditEntry

        filters = (("organization_id", "==", organization_id), ("action", "==", action), ("at", ">=", since))
        where = [given for given in filters if given[-1] is not None]
        return self._query(
            AuditEntry,
            "audit",
            where=where,
            order=("-at", "-__name__"),
            after=place and self.name_of(keys.audit_entry(place.entry_id)),
            after_values=() if place is None else (place.at,),
            limit=limit,
        )

    def publishers_of(self, provider: ProviderName, limit: int) -> list[Publisher]:
        """The provider's publishers, oldest first."""
        from provider_hub.domain.publishers.records import Publisher

        return self._query(Publisher, "publishers", where=_is_of(provider), order=("created_at",), limit=limit)

    def publishers_of_repository(self, issuer: str, repository_key: str, limit: int) -> list[Publisher]:
        """The publishers, of any organization, that name the repository; oldest first."""
        from provider_hub.domain.publishers.records import Publisher

        where = (("issuer", "==", issuer), ("repository_key", "==", repository_key))
        return self._query(Publisher, "publishers", where=where, order=("created_at",), limit=limit)

    def count_publishers_of(self, organization_id: str) -> int:
        """How many publishers the organization's providers have."""
        return self._count(build_query("publishers", where=[("organization_id", "==", organization_id)]), self._root)

    def count_auto_installations(self, provider: ProviderName, on_version: str | None) -> int:
        """How many installations have policy `auto`, over all tenants and in whatever state; None is on any version."""
        from provider_hub.domain.installation import UpgradePolicy

        where = (*_is_of(provider), *_is_on(on_version), ("upgrade_policy", "==", UpgradePolicy.AUTO))
        return self._count(build_query("installations", everywhere=True, where=where), self._root)

    def auto_installations(
        self, provider: ProviderName, on_version: str | None, place: str | None, limit: int
    ) -> list[Installation]:
        """READY installations with policy `auto`, by document path, from the one behind the path `place`."""
        from provider_hub.domain.installation import Installation, LifecycleState, UpgradePolicy

        where = (
            *_is_of(provider),
            *_is_on(on_version),
            ("upgrade_policy", "==", UpgradePolicy.AUTO),
            ("lifecycle_state", "==", LifecycleState.READY),
        )
        return self._page(Installation, "installations", place, limit, where=where)

    def rollouts_of(self, provider: ProviderName, limit: int) -> list[Rollout]:
        """The provider's rollouts, newest first."""
        from provider_hub.domain.rollout import Rollout

        parent = self.name_of(keys.provider(provider))
        return self._query(Rollout, "rollouts", parent=parent, order=("-created_at",), limit=limit)

    def started_members(self, provider: ProviderName, rollout_id: str, limit: int) -> list[Member]:
        """The members of a rollout that have not settled, longest under way first."""
        from provider_hub.domain.rollout import Member, MemberState

        parent = self.name_of(keys.rollout(provider, rollout_id))
        where = (("state", "==", MemberState.STARTED),)
        return self._query(Member, "members", parent=parent, where=where, order=("started_at",), limit=limit)

    def wave_members(self, provider: ProviderName, rollout_id: str, wave: int, limit: int) -> list[Member]:
        """The members of one wave, in whatever state."""
        from provider_hub.domain.rollout import Member

        parent = self.name_of(keys.rollout(provider, rollout_id))
        return self._query(Member, "members", parent=parent, where=(("wave", "==", wave),), limit=limit)

    def due_rollouts(self, before: datetime, limit: int) -> list[Rollout]:
        """Rollouts whose next step was due before `before`, longest first."""
        from provider_hub.domain.rollout import Rollout

        return self._due(Rollout, "rollouts", "due_at", before, limit)

    def installations_after(self, place: str | None, limit: int) -> list[Installation]:
        """All tenants' installations, by document path, from the one behind the path `place`."""
        from provider_hub.domain.installation import Installation

        return self._page(Installation, "installations", place, limit)

    def installed_counts_after(self, place: str | None, limit: int) -> list[InstalledCount]:
        """All organizations' numbers of installations, by document path, from the one behind the path `place`."""
        return self._page(InstalledCount, "installed_counts", place, limit, everywhere=False)

    def overdue(self, now: datetime, limit: int) -> list[Installation]:
        """Rows whose deadline has passed, longest first."""
        from provider_hub.domain.installation import Installation

        return self._due(Installation, "installations", "deadline_at", now, limit)

    def due_offers(self, now: datetime, limit: int) -> list[Installation]:
        """Rows that are due to be offered a version, longest first."""
        from provider_hub.domain.installation import Installation

        return self._due(Installation, "installations", "offer_due_at", now, limit)

    def silent(self, now: datetime, shards: int, limit: int) -> list[Installation]:
        """Healthy READY rows to look at for silence, at most `limit` of each 30 shards: these are one query."""
        from provider_hub.domain.installation import Health, Installation, LifecycleState

        state = (("lifecycle_state", "==", LifecycleState.READY), ("health", "==", Health.HEALTHY))
        found: list[Installation] = []
        for first in range(0, shards, _MOST_VALUES):
            asked = tuple(range(first, shards)[:_MOST_VALUES])
            where = (*state, ("silence_shard", "in", asked), ("silent_at", "<=", now))
            clauses: dict[str, Any] = {"everywhere": True, "where": where, "order": ("silent_at",), "limit": limit}
            found += self._query(Installation, "installations", **clauses)
        return found

    def versions_to_lock(self, now: datetime, limit: int) -> list[ProviderVersion]:
        """Versions whose dependencies are due to be locked, longest first."""
        from provider_hub.domain.catalog import ProviderVersion

        return self._due(ProviderVersion, "versions", "lock_due_at", now, limit)

    def versions_after(self, place: str | None, limit: int) -> list[ProviderVersion]:
        """All providers' versions, by document path, from the one behind the path `place`."""
        from provider_hub.domain.catalog import ProviderVersion

        return self._page(ProviderVersion, "versions", place, limit)

    def locks_to_mirror(self, now: datetime, limit: int) -> list[StoredLock]:
        """Locks whose wheels are due to be copied into the bucket, longest first."""
        from provider_hub.domain.catalog import StoredLock

        return self._due(StoredLock, "locks", "mirror_due_at", now, limit)

    def locks_after(self, place: str | None, limit: int) -> list[StoredLock]:
        """All providers' locks, by document path, from the one behind the path `place`."""
        from provider_hub.domain.catalog import StoredLock

        return self._page(StoredLock, "locks", place, limit)

    def versions_with_lock(self, provider: ProviderName, lock_sha256: str) -> list[str]:
        """The numbers alone of the provider's versions that have this lock now."""
        return self._texts(provider, "versions", "version", ("lock_sha256", "==", lock_sha256))

    def current_locks(self, versions: Sequence[Key[ProviderVersion]]) -> list[str | None]:
        """The digests alone of the versions' present locks, in their order; None for one that is not published."""
        names = [self.name_of(key) for key in versions]
        with translated():
            found = self.read_raw(names, LOCK_FIELDS) if names else {}
        return [lock_of(found[name].fields) if name in found else None for name in names]

    def left_behind(self, before: datetime, limit: int, after: OutboxEntry | None = None) -> list[OutboxEntry]:
        """Outbox entries written before `before`, oldest first, from the one behind `after`."""
        where, order = (("created_at", "<=", before),), ("created_at", "__name__")
        place, at = (self.name_of(keys.outbox(after.event_id)), (after.created_at,)) if after else (None, ())
        return self._query(OutboxEntry, "outbox", where=where, order=order, after=place, after_values=at, limit=limit)

    def interrupted_deletions(self, now: datetime, limit: int) -> list[Provider]:
        """Hidden providers whose deletion is to be given up, longest first."""
        from provider_hub.domain.catalog import Provider

        return self._due(Provider, "providers", "deletion_given_up_at", now, limit, everywhere=False)

    def _due(
        self, kind: type[R], collection: str, field: str, now: datetime, limit: int, *, everywhere: bool = True
    ) -> list[R]:
        """The records whose `field` is `now` or before, the longest first."""
        where = ((field, "<=", now),)
        return self._query(kind, collection, everywhere=everywhere, where=where, order=(field,), limit=limit)

    def _page(
        self, kind: type[R], collection: str, place: str | None, limit: int, *, everywhere: bool = True, **clauses: Any
    ) -> list[R]:
        """The records by document path, from the one behind the path `place`."""
        start = None if place is None else f"{self._root}/{place}"
        clauses = {**clauses, "order": ("__name__",), "after": start, "limit": limit}
        return self._query(kind, collection, everywhere=everywhere, **clauses)

    def _texts(self, provider: ProviderName, collection: str, field: str, *where: Filter) -> list[str]:
        """That text alone of each document that the provider has in `collection`."""
        query = build_query(collection, where=where, fields=(field,))
        found = self._documents(query, self.name_of(keys.provider(provider)))
        return [document.fields[field].string_value for document in found]


def _is_on(version: str | None) -> Sequence[Filter]:
    return () if version is None else (("revision.version", "==", version),)


def _is_shown(prefix: str, audiences: Sequence[str]) -> Sequence[Filter]:
    return ("prefix", "==", prefix), ("audience", "in", tuple(audiences)), ("retiring", "==", False)


def _is_of(provider: ProviderName) -> tuple[Filter, Filter]:
    return ("prefix", "==", provider.prefix), ("name", "==", provider.name)


def _fields_without(record: Any, left_out: Set[str]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record) if field.name not in left_out)

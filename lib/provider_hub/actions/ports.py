"""The ports: what the actions need from the world, as protocols that the adapters implement.

The documents are split by reader, so that each action names the queries it makes. `provider_hub.adapters` implements
them over Google Cloud. Tests run the document and topic adapters against emulators, and replace the cluster, the tasks
and the wheels, which have none, by in-memory fakes. The cluster's port is in `cluster`, the wheels' in `wheels` and
those that check configs and schemas in `checkers`: most functions have none of them. Every method of a store raises
TemporaryError when the database cannot answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, overload

from provider_hub.domain.dataclass import dataclass

if TYPE_CHECKING:
    from provider_hub.domain.audit import AuditEntry, AuditPlace
    from provider_hub.domain.catalog import Provider, ProviderVersion, StoredLock, VersionStatus
    from provider_hub.domain.installation import Installation
    from provider_hub.domain.names import ProviderName
    from provider_hub.domain.publishers.records import Publisher
    from provider_hub.domain.records import DeadLetter, InstalledCount, OutboxEntry, Queue, ScheduledCall
    from provider_hub.domain.rollout import Member, Rollout
    from provider_hub.domain.runtimes import RuntimeVersion

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
S = TypeVar("S")
T = TypeVar("T")
U = TypeVar("U")

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Key(Generic[R_co]):
    """The path of a document, as collection and id in turn, and the type of the record in it."""

    path: tuple[str, ...]
    record: type[R_co]

    @property
    def place(self) -> str:
        """The path as one text, by which documents are in order: where a walk through them stops."""
        return "/".join(self.path)


@dataclass(frozen=True, slots=True)
class Seen(Generic[R_co]):
    """A record as it was read, None where there was none; `stored` is the same in the store's own form.

    `size` is the bytes of that form.
    """

    record: R_co | None
    stored: Any
    size: int = 0


class Reading(Generic[R]):
    """What a caller knows of a record before `DocumentStore.change`, and what it knows afterwards.

    `seen` is what the change decides on first; None where it has to be read. Afterwards it is the record as the change
    left it; None where that is not known, or it was deleted. What was seen a while ago `may_be_old`. A change that
    finds it so raises Overtaken, since the caller may have decided more on it than the change decides again.
    """

    def __init__(self, seen: Seen[R] | None = None, *, may_be_old: bool = False) -> None:
        self.seen = seen
        self.may_be_old = may_be_old


class Overtaken(Exception):
    """Somebody has written a record since it was seen."""


class Writes(Protocol):
    """What is committed together or not at all."""

    def write(self, key: Key[R], record: R) -> None:
        """Replace the whole record."""

    def delete(self, key: Key[Any]) -> None:
        """Delete the record. Deleting a record that does not exist is no error."""

    def add(self, key: Key[Any], field: str, amount: int, **same: str) -> None:
        """Add `amount` to a number of the record, whatever it is at the commit, and set the texts `same`.

        A record that does not exist is made of these. Commits that add to the same number do not conflict.
        """

    def emit(self, entry: OutboxEntry) -> None:
        """Write `entry` to the outbox."""


class Transaction(Writes, Protocol):
    """All reads come before the first write."""

    @overload
    def read(self, key: Key[R], /) -> tuple[R | None]: ...
    @overload
    def read(self, key: Key[R], key2: Key[S], /) -> tuple[R | None, S | None]: ...
    @overload
    def read(self, key: Key[R], key2: Key[S], key3: Key[T], /) -> tuple[R | None, S | None, T | None]: ...
    @overload
    def read(
        self, key: Key[R], key2: Key[S], key3: Key[T], key4: Key[U], /
    ) -> tuple[R | None, S | None, T | None, U | None]: ...


class DocumentStore(Protocol):
    """Documents by their keys: what every action needs."""

    def transact(self, decide: Callable[[Transaction], R]) -> tuple[R, tuple[OutboxEntry, ...]]:
        """Run `decide` in a transaction and commit; returns its result and what it emitted.

        On a conflict `decide` runs again from the start, so it must not do anything outside of the transaction.
        """

    def see(self, key: Key[R]) -> Seen[R]:
        """One record, to be changed by `change`."""

    def see_beside(self, key: Key[R], other: Key[T]) -> tuple[Seen[R], T | None]:
        """As `see`, with another record that is read in the same round trip."""

    def change(
        self, key: Key[R], decide: Callable[[R | None, Writes], T], reading: Reading[R] | None = None
    ) -> tuple[T, tuple[OutboxEntry, ...]]:
        """Run `decide` on one record and commit if nobody wrote it meanwhile: a transaction without its round trip.

        `decide` writes or deletes that record wherever it writes anything. Its first run is on what `reading` has seen,
        where it has. On a conflict it runs again on what the record has become, so it must not do anything outside of
        its writes. Leaves in `reading` what was written. Returns as `transact`. Raises Overtaken.
        """

    def get(self, key: Key[R]) -> R | None:
        """One record, None where there is none."""

    def get_all(self, keys: Sequence[Key[R]]) -> list[R | None]:
        """The records in the order of `keys`, in one round trip."""

    def get_parts(self, kind: type[R], keys: Sequence[Key[Any]]) -> list[R | None]:
        """Of these records the fields alone that `kind` has, in the order of `keys`: a version may have a megabyte."""

    def delete_all(self, keys: Sequence[Key[Any]]) -> None:
        """Delete records outside of any transaction."""


class LockedVersionStore(DocumentStore, Protocol):
    """The locks that versions have."""

    def current_locks(self, versions: Sequence[Key[ProviderVersion]]) -> list[str | None]:
        """The digests alone of the versions' present locks, in their order: a version may have a megabyte.

        None for one that has no lock, or is not published.
        """


class CountedStore(DocumentStore, Protocol):
    """How many installations an organization has."""

    def count_installations_of(self, organization_id: str) -> int:
        """How many installations the organization has, in whatever state."""


class TenantStore(LockedVersionStore, CountedStore, Protocol):
    """One organization's installations."""

    def installations_of(self, organization_id: str, limit: int | None = None) -> list[Installation]:
        """The organization's installations, oldest first: all of them, or the first `limit`."""


class SlugStore(DocumentStore, Protocol):
    """How many providers a slug has."""

    def count_providers_under(self, prefix: str) -> int:
        """How many providers the organization of that slug has."""


class OrganizationStore(CountedStore, SlugStore, Protocol):
    """What an organization has."""


class CatalogStore(SlugStore, Protocol):
    """Providers, their versions, and how often they are installed."""

    def install_count(self, provider: ProviderName) -> int:
        """The number of installations over all tenants."""

    def install_counts(self, providers: Sequence[ProviderName]) -> list[int]:
        """The numbers of installations in the order of `providers`, each at most a minute old: for lists, not rules."""

    def version_numbers(self, provider: ProviderName) -> list[str]:
        """The numbers alone of all versions, in no particular order: one version may have a megabyte."""

    def lock_digests(self, provider: ProviderName) -> list[str]:
        """The digests alone of the locks of the provider's versions: one lock may have half a megabyte."""

    def count_versions_of(self, provider: ProviderName) -> int:
        """How many versions the provider has, in whatever state."""

    def providers_under(self, prefix: str, audiences: Sequence[str], place: str | None, limit: int) -> list[Provider]:
        """The providers of that slug for those audiences, by document path, from the one behind `place`.

        Those that are being deleted and every `readme` are left out.
        """

    def providers_of_distributions(
        self, prefix: str, distributions: Sequence[str], audiences: Sequence[str], limit: int
    ) -> list[Provider]:
        """Of what `providers_under` finds, the providers with a version of any of the distributions (15 at most)."""

    def listed_versions(self, provider: ProviderName, after_version: str | None, limit: int) -> list[ProviderVersion]:
        """Versions by their numbers' text, from the one behind `after_version`, without schemas, changelog and such."""

    def newest_runtimes(self, limit: int) -> list[RuntimeVersion]:
        """The runtime versions that were released last, the last first."""

    def find_providers(
        self, audiences: Sequence[str], token: str | None, limit: int, offset: int
    ) -> tuple[list[Provider], int]:
        """A page of the providers for those audiences that have the search token, by name; and their total number.

        They come without their `readme`.
        """


class DeadLetterStore(DocumentStore, Protocol):
    """The dead letters of an organization, or of none (None)."""

    def dead_letters_of(self, organization_id: str | None, provider: str | None, limit: int) -> list[DeadLetter]:
        """The organization's dead letters, of one provider or of all (None), newest first."""


class AuditStore(DocumentStore, Protocol):
    """The audit."""

    def audit_entries(
        self,
        organization_id: str | None,
        action: str | None,
        since: datetime | None,
        place: AuditPlace | None,
        limit: int,
    ) -> list[AuditEntry]:
        """Entries after `place`, newest first; a filter that is None matches all."""


class PublisherStore(DocumentStore, Protocol):
    """Trusted publishers: of a provider, and of a CI platform's repository over all organizations."""

    def publishers_of(self, provider: ProviderName, limit: int) -> list[Publisher]:
        """The provider's publishers, oldest first."""

    def publishers_of_repository(self, issuer: str, repository_key: str, limit: int) -> list[Publisher]:
        """The publishers, of any organization, that name the repository; oldest first."""

    def count_publishers_of(self, organization_id: str) -> int:
        """How many publishers the organization's providers have."""


class RolloutStore(LockedVersionStore, Protocol):
    """Rollouts, their members, and the installations that they offer a version to."""

    def count_auto_installations(self, provider: ProviderName, on_version: str | None) -> int:
        """How many installations have policy `auto`, over all tenants and in whatever state; None is on any version."""

    def auto_installations(
        self, provider: ProviderName, on_version: str | None, place: str | None, limit: int
    ) -> list[Installation]:
        """READY installations with policy `auto`, by document path, from the one behind the path `place`."""

    def version_statuses(self, provider: ProviderName) -> dict[str, VersionStatus]:
        """The statuses alone of all versions, by their numbers: a provider may have thousands."""

    def rollouts_of(self, provider: ProviderName, limit: int) -> list[Rollout]:
        """The provider's rollouts, newest first."""

    def started_members(self, provider: ProviderName, rollout_id: str, limit: int) -> list[Member]:
        """The members of a rollout that have not settled, longest under way first."""

    def wave_members(self, provider: ProviderName, rollout_id: str, wave: int, limit: int) -> list[Member]:
        """The members of one wave, in whatever state."""


class ProviderDeletionStore(CatalogStore, RolloutStore, PublisherStore, Protocol):
    """Everything that is deleted together with a provider."""


class LockStore(DocumentStore, Protocol):
    """The locks of all providers."""

    def versions_to_lock(self, now: datetime, limit: int) -> list[ProviderVersion]:
        """Versions whose dependencies are due to be locked, longest first."""

    def versions_after(self, place: str | None, limit: int) -> list[ProviderVersion]:
        """All providers' versions, by document path, from the one behind the path `place`."""

    def locks_to_mirror(self, now: datetime, limit: int) -> list[StoredLock]:
        """Locks whose wheels are due to be copied into the bucket, longest first."""

    def locks_after(self, place: str | None, limit: int) -> list[StoredLock]:
        """All providers' locks, by document path, from the one behind the path `place`."""

    def versions_with_lock(self, provider: ProviderName, lock_sha256: str) -> list[str]:
        """The numbers alone of the provider's versions that have this lock now."""


class DriftStore(DocumentStore, Protocol):
    """A walk through all tenants' installations."""

    def installations_after(self, place: str | None, limit: int) -> list[Installation]:
        """All tenants' installations, by document path, from the one behind the path `place`."""


class NumbersStore(CountedStore, Protocol):
    """The numbers of installations that are kept, of all organizations."""

    def installed_counts_after(self, place: str | None, limit: int) -> list[InstalledCount]:
        """All organizations' numbers, by document path, from the one behind the path `place`."""


class DueStore(NumbersStore, Protocol):
    """What is due for the sweeper. Each query is indexed and costs by what is due, not by what exists."""

    def due_rollouts(self, before: datetime, limit: int) -> list[Rollout]:
        """Rollouts whose next step was due before `before`, longest first."""

    def overdue(self, now: datetime, limit: int) -> list[Installation]:
        """Rows whose deadline has passed, longest first."""

    def due_offers(self, now: datetime, limit: int) -> list[Installation]:
        """Rows that are due to be offered a version, longest first."""

    def silent(self, now: datetime, shards: int, limit: int) -> list[Installation]:
        """Healthy READY rows that may be silent at `now`: at most `limit` of each 30 of the `shards`, longest first."""

    def interrupted_deletions(self, now: datetime, limit: int) -> list[Provider]:
        """Hidden providers whose deletion is to be given up, longest first."""

    def left_behind(self, before: datetime, limit: int, after: OutboxEntry | None = None) -> list[OutboxEntry]:
        """Outbox entries written before `before`, oldest first, from the one behind `after`."""


class Store(
    TenantStore,
    DueStore,
    OrganizationStore,
    CatalogStore,
    DeadLetterStore,
    AuditStore,
    PublisherStore,
    RolloutStore,
    LockStore,
    DriftStore,
    Protocol,
):
    """Every reader's documents together, as the wiring hands them out."""


class Topics(Protocol):
    """The topics."""

    def publish(self, entry: OutboxEntry) -> None:
        """Returns once the topic has the message. Raises TemporaryError."""


class Tasks(Protocol):
    """The queues of calls that are made later."""

    def schedule(self, call: ScheduledCall) -> None:
        """Have a call made at its time. A second one of the same name does nothing. Raises TemporaryError."""

    def cancel(self, queue: Queue, name: str) -> None:
        """Delete the call of that name if it has not been made yet. Raises TemporaryError."""

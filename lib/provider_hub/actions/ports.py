"""What the operations need of the world. Adapters implement these for Google Cloud; tests also in memory.

The cluster is apart, in `cluster`: most functions have none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar, overload

from provider_hub.domain.catalog import Provider, ProviderVersion
from provider_hub.domain.installation import Installation
from provider_hub.domain.names import ProviderName
from provider_hub.domain.rollout import Member, Rollout
from provider_hub.domain.wheels import WheelUrl

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
S = TypeVar("S")
T = TypeVar("T")
U = TypeVar("U")

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Key(Generic[R_co]):
    """Where a record of one type is kept."""

    path: tuple[str, ...]
    record: type[R_co]


class Topic(StrEnum):
    """The topics by their role; settings say what they are called in one deployment."""

    INSTALLATION_EVENTS = "installation-events"
    VERSION_EVENTS = "version-events"
    CHECK_INS = "runtime-check-ins"


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A message that is owed to a topic: written with the change it tells of, deleted once published.

    `event_id` is unique: writing the same event twice is writing it once.
    """

    event_id: str
    topic: Topic
    ordering_key: str
    payload: str
    created_at: datetime
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that no consumer could handle, with what is known of why."""

    dead_letter_id: str
    event_id: str
    topic: Topic
    ordering_key: str
    payload: str
    organization_id: str | None
    provider: str | None
    event_type: str
    error_message: str
    attempt_count: int
    failed_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryError:
    """Why the last delivery of an event failed, until it is delivered or dead."""

    event_id: str
    reason: str
    at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered to the first request with an idempotency key; no `status` while that is under way."""

    fingerprint: str
    status: int | None
    body: str
    headers: Mapping[str, str]
    reserved_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a walk through everything, a slice at a time, has got to; None is the beginning."""

    name: str
    place: str | None


class Transaction(Protocol):
    """All reads come before the first write. What is written happens as a whole or not at all."""

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

    def write(self, key: Key[R], record: R) -> None:
        """Replace the whole record."""

    def delete(self, key: Key[Any]) -> None:
        """Delete the record; deleting nothing is fine."""

    def emit(self, entry: OutboxEntry) -> None:
        """Write `entry` to the outbox."""


class Store(Protocol):
    """The documents. Every method raises TemporaryError when the database cannot answer."""

    def transact(self, decide: Callable[[Transaction], R]) -> tuple[R, tuple[OutboxEntry, ...]]:
        """Run `decide` in a transaction, again from the start on a conflict; also returns what it emitted."""

    def get(self, key: Key[R]) -> R | None: ...

    def get_all(self, keys: Sequence[Key[R]]) -> list[R | None]:
        """In the order of `keys`, in one round trip."""

    def delete_all(self, keys: Sequence[Key[Any]]) -> None:
        """Delete records outside of any transaction."""

    def installations_of(self, organization_id: str) -> list[Installation]:
        """Oldest first."""

    def count_installations_of(self, organization_id: str) -> int: ...

    def install_count(self, provider: ProviderName) -> int:
        """Over all tenants."""

    def install_counts(self, providers: Sequence[ProviderName]) -> list[int]:
        """In the order of `providers`, counted side by side."""

    def versions_of(self, provider: ProviderName) -> list[ProviderVersion]:
        """In no particular order."""

    def published_versions(self, provider: ProviderName) -> list[str]:
        """Only what they are called: a provider may have thousands."""

    def find_providers(
        self, audiences: Sequence[str], token: str | None, limit: int, offset: int
    ) -> tuple[list[Provider], int]:
        """Providers of those audiences that have the search token, by name, and how many there are in all."""

    def dead_letters_of(self, organization_id: str, provider: str | None, limit: int) -> list[DeadLetter]:
        """Newest first."""

    def count_auto_installations(self, provider: ProviderName) -> int:
        """Over all tenants, with policy `auto`, in whatever state."""

    def auto_installations(self, provider: ProviderName, after: str | None, limit: int) -> list[Installation]:
        """READY ones with policy `auto`, in the order of their documents' paths, from the one after `after`."""

    def rollouts_of(self, provider: ProviderName, limit: int) -> list[Rollout]:
        """Newest first."""

    def started_members(self, provider: ProviderName, version: str, limit: int) -> list[Member]:
        """Members of a rollout that have not settled, longest under way first."""

    def wave_members(self, provider: ProviderName, version: str, wave: int, limit: int) -> list[Member]:
        """Members of one wave, in whatever state."""

    def due_rollouts(self, before: datetime, limit: int) -> list[Rollout]:
        """Rollouts that wanted a step before `before`, longest first."""

    def installations_after(self, place: str | None, limit: int) -> list[Installation]:
        """All tenants' installations, in the order of their documents' paths."""

    def overdue(self, now: datetime, limit: int) -> list[Installation]:
        """Rows whose deadline has passed, longest first."""

    def silent(self, cutoff: datetime, limit: int) -> list[Installation]:
        """Healthy READY rows last heard of before `cutoff`, longest first."""

    def left_behind(self, before: datetime, limit: int) -> list[OutboxEntry]:
        """Outbox entries written before `before`, oldest first."""


class Publisher(Protocol):
    def publish(self, entry: OutboxEntry) -> None:
        """Returns once the topic has it. Raises TemporaryError."""


class Tasks(Protocol):
    def schedule_deadline(self, row: Installation) -> None:
        """Have `deadlines` called for this generation at its deadline; a second creation is none. TemporaryError."""

    def cancel_deadline(self, installation_id: str, generation: int) -> None:
        """Forget it if it is still there. Raises TemporaryError."""

    def schedule_step(self, rollout: Rollout) -> None:
        """Have `upgrades` called for this step when it is due; a second creation is none. Raises TemporaryError."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """What was found out about a wheel by fetching it."""

    sha256: str
    version: str


class Wheels(Protocol):
    """Fetches wheels from where their publishers put them."""

    def fetch(self, url: WheelUrl, sha256: str | None, provider: ProviderName, version: str) -> Wheel:
        """Fetch and verify. Raises Invalid with the reason."""

"""Firestore: one transaction is one read and one commit.

This speaks the generated API and not the hand-written client above it, since that one spends a round
trip of its own on beginning a transaction; here the first read begins it (`new_transaction`).
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from os import environ
from typing import Any, TypeVar

import grpc
import grpc.experimental
from google.api_core import exceptions
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport
from google.cloud.firestore_v1.types import firestore as api
from google.cloud.firestore_v1.types.query import StructuredAggregationQuery, StructuredQuery
from google.cloud.firestore_v1.types.write import Write

from provider_hub.actions import keys
from provider_hub.actions.ports import Key
from provider_hub.adapters.firestore.encoding import decode_record, encode_record, value_of
from provider_hub.domain.catalog import Provider, ProviderVersion, VersionStatus
from provider_hub.domain.errors import TemporaryError
from provider_hub.domain.installation import Health, Installation, LifecycleState, UpgradePolicy
from provider_hub.domain.names import ProviderName
from provider_hub.domain.records import DeadLetter, OutboxEntry
from provider_hub.domain.rollout import Member, MemberState, Rollout

R = TypeVar("R")

ATTEMPTS = 8
_BACKOFF_SECONDS = 0.01
_RPC_SECONDS = 20.0
_COUNTS_AT_A_TIME = 10
_CONFLICTS = (exceptions.Aborted,)
_TEMPORARY = (
    exceptions.Aborted,
    exceptions.ServiceUnavailable,
    exceptions.DeadlineExceeded,
    exceptions.InternalServerError,
    exceptions.ResourceExhausted,
    exceptions.Cancelled,
    exceptions.Unknown,
    exceptions.RetryError,
)

Filter = tuple[str, str, Any]
_OPERATORS = {
    "==": StructuredQuery.FieldFilter.Operator.EQUAL,
    "<=": StructuredQuery.FieldFilter.Operator.LESS_THAN_OR_EQUAL,
    "in": StructuredQuery.FieldFilter.Operator.IN,
    "contains": StructuredQuery.FieldFilter.Operator.ARRAY_CONTAINS,
}
_DIRECTIONS = {False: StructuredQuery.Direction.ASCENDING, True: StructuredQuery.Direction.DESCENDING}
# A streamed answer is read by the thread that waits for it; grpc's default starts one more for every read and query.
_CHANNEL_OPTIONS = ((grpc.experimental.ChannelOptions.SingleThreadedUnaryStream, 1),)


def connect(project: str, database: str) -> "FirestoreStore":
    """A store over one channel: to the emulator when FIRESTORE_EMULATOR_HOST is set, else to Google."""
    emulator = environ.get("FIRESTORE_EMULATOR_HOST")
    if not emulator:
        to_google = FirestoreClient(transport=partial(FirestoreGrpcTransport, channel=_secure_channel))
        return FirestoreStore(to_google, project, database)
    transport = FirestoreGrpcTransport(channel=grpc.insecure_channel(emulator, options=_CHANNEL_OPTIONS))
    return FirestoreStore(FirestoreClient(transport=transport), project, database, (("authorization", "Bearer owner"),))


def _secure_channel(host: str, **settings: Any) -> grpc.Channel:
    options = (*settings.pop("options", ()), *_CHANNEL_OPTIONS)
    channel: grpc.Channel = FirestoreGrpcTransport.create_channel(host, options=options, **settings)
    return channel


class FirestoreStore:
    """The documents of one database (`operations.ports.Store`)."""

    def __init__(
        self, client: FirestoreClient, project: str, database: str, metadata: Sequence[tuple[str, str]] = ()
    ) -> None:
        self._client = client
        self._database = f"projects/{project}/databases/{database}"
        self._root = f"{self._database}/documents"
        self._metadata = (*metadata, ("google-cloud-resource-prefix", self._database))

    def transact(self, decide: Callable[["FirestoreTransaction"], R]) -> tuple[R, tuple[OutboxEntry, ...]]:
        previous = b""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(_BACKOFF_SECONDS * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, no secret
            transaction = FirestoreTransaction(self, previous)
            try:
                result = decide(transaction)
                transaction.commit()
            except _CONFLICTS as conflict:
                previous = transaction.transaction_id
                last = conflict
            except BaseException as error:
                transaction.roll_back()
                if isinstance(error, _TEMPORARY):
                    raise _unanswered(error) from error
                raise
            else:
                return result, tuple(transaction.emitted)
        raise TemporaryError(f"the database refused {ATTEMPTS} tries of a contended change") from last

    def get(self, key: Key[R]) -> R | None:
        return self.get_all([key])[0]

    def get_all(self, keys: Sequence[Key[R]]) -> list[R | None]:
        if not keys:
            return []
        with _translated():
            return self.read_documents(keys, {})[0]

    def delete_all(self, keys: Sequence[Key[Any]]) -> None:
        if keys:
            with _translated():
                self.commit_writes([Write(delete=self.name_of(key)) for key in keys], b"")

    def installations_of(self, organization_id: str) -> list[Installation]:
        parent = self.name_of(keys.organization(organization_id))
        return self._query(Installation, "installations", parent=parent, order=("created_at",))

    def count_installations_of(self, organization_id: str) -> int:
        return self._count(_query("installations"), self.name_of(keys.organization(organization_id)))

    def install_count(self, provider: ProviderName) -> int:
        return self._count(_query("installations", everywhere=True, where=_is_of(provider)), self._root)

    def install_counts(self, providers: Sequence[ProviderName]) -> list[int]:
        # One aggregation counts one query: a page of a hundred providers must not wait for a hundred round trips.
        with ThreadPoolExecutor(_COUNTS_AT_A_TIME, thread_name_prefix="counts") as pool:
            return list(pool.map(self.install_count, providers))

    def versions_of(self, provider: ProviderName) -> list[ProviderVersion]:
        return self._query(ProviderVersion, "versions", parent=self.name_of(keys.provider(provider)))

    def published_versions(self, provider: ProviderName) -> list[str]:
        where = (("status", "==", VersionStatus.PUBLISHED),)
        parent = self.name_of(keys.provider(provider))
        query = _query("versions", where=where, fields=("version",))
        return [document.fields["version"].string_value for document in self._documents(query, parent)]

    def find_providers(
        self, audiences: Sequence[str], token: str | None, limit: int, offset: int
    ) -> tuple[list[Provider], int]:
        tokens = () if token is None else (("search_tokens", "contains", token),)
        where = (("audience", "in", tuple(audiences)), ("retiring", "==", False), *tokens)
        total = self._count(_query("providers", where=where), self._root)
        found = self._query(Provider, "providers", where=where, order=("__name__",), limit=limit, offset=offset)
        return found, total

    def dead_letters_of(self, organization_id: str, provider: str | None, limit: int) -> list[DeadLetter]:
        providers = () if provider is None else (("provider", "==", provider),)
        where = (("organization_id", "==", organization_id), *providers)
        return self._query(DeadLetter, "dead_letters", where=where, order=("-failed_at",), limit=limit)

    def count_auto_installations(self, provider: ProviderName) -> int:
        where = (*_is_of(provider), ("upgrade_policy", "==", UpgradePolicy.AUTO))
        return self._count(_query("installations", everywhere=True, where=where), self._root)

    def auto_installations(self, provider: ProviderName, after: str | None, limit: int) -> list[Installation]:
        where = (
            *_is_of(provider),
            ("upgrade_policy", "==", UpgradePolicy.AUTO),
            ("lifecycle_state", "==", LifecycleState.READY),
        )
        start = None if after is None else f"{self._root}/{after}"
        return self._query(
            Installation, "installations", everywhere=True, where=where, order=("__name__",), after=start, limit=limit
        )

    def rollouts_of(self, provider: ProviderName, limit: int) -> list[Rollout]:
        parent = self.name_of(keys.provider(provider))
        return self._query(Rollout, "rollouts", parent=parent, order=("-created_at",), limit=limit)

    def started_members(self, provider: ProviderName, version: str, limit: int) -> list[Member]:
        parent = self.name_of(keys.rollout(provider, version))
        where = (("state", "==", MemberState.STARTED),)
        return self._query(Member, "members", parent=parent, where=where, order=("started_at",), limit=limit)

    def wave_members(self, provider: ProviderName, version: str, wave: int, limit: int) -> list[Member]:
        parent = self.name_of(keys.rollout(provider, version))
        return self._query(Member, "members", parent=parent, where=(("wave", "==", wave),), limit=limit)

    def due_rollouts(self, before: datetime, limit: int) -> list[Rollout]:
        where = (("due_at", "<=", before),)
        return self._query(Rollout, "rollouts", everywhere=True, where=where, order=("due_at",), limit=limit)

    def installations_after(self, place: str | None, limit: int) -> list[Installation]:
        start = None if place is None else f"{self._root}/{place}"
        return self._query(
            Installation, "installations", everywhere=True, order=("__name__",), after=start, limit=limit
        )

    def overdue(self, now: datetime, limit: int) -> list[Installation]:
        return self._query(
            Installation,
            "installations",
            everywhere=True,
            where=(("deadline_at", "<=", now),),
            order=("deadline_at",),
            limit=limit,
        )

    def silent(self, cutoff: datetime, limit: int) -> list[Installation]:
        return self._query(
            Installation,
            "installations",
            everywhere=True,
            where=(
                ("lifecycle_state", "==", LifecycleState.READY),
                ("health", "==", Health.HEALTHY),
                ("last_check_in_at", "<=", cutoff),
            ),
            order=("last_check_in_at",),
            limit=limit,
        )

    def left_behind(self, before: datetime, limit: int) -> list[OutboxEntry]:
        where = (("created_at", "<=", before),)
        return self._query(OutboxEntry, "outbox", where=where, order=("created_at",), limit=limit)

    def name_of(self, key: Key[Any]) -> str:
        return "/".join((self._root, *key.path))

    def read_documents(self, wanted: Sequence[Key[Any]], options: dict[str, Any]) -> tuple[list[Any], bytes]:
        """The records in the order asked for, and the id of the transaction that the read began, if any."""
        names = [self.name_of(key) for key in wanted]
        found: dict[str, Any] = {}
        transaction_id = b""
        request = api.BatchGetDocumentsRequest(database=self._database, documents=names, **options)
        responses = self._client.batch_get_documents(request, metadata=self._metadata, timeout=_RPC_SECONDS, retry=None)
        for response in responses:
            raw = api.BatchGetDocumentsResponse.pb(response)
            transaction_id = raw.transaction or transaction_id
            if raw.HasField("found"):
                found[raw.found.name] = raw.found
        records = [
            decode_record(key.record, found[name]) if name in found else None
            for key, name in zip(wanted, names, strict=True)
        ]
        return records, transaction_id

    def commit_writes(self, writes: list[Write], transaction_id: bytes) -> None:
        request = api.CommitRequest(database=self._database, writes=writes, transaction=transaction_id)
        self._client.commit(request, metadata=self._metadata, timeout=_RPC_SECONDS, retry=None)

    def roll_back(self, transaction_id: bytes) -> None:
        request = api.RollbackRequest(database=self._database, transaction=transaction_id)
        self._client.rollback(request, metadata=self._metadata, timeout=_RPC_SECONDS, retry=None)

    def _query(self, kind: type[R], collection: str, *, parent: str | None = None, **clauses: Any) -> list[R]:
        documents = self._documents(_query(collection, **clauses), parent or self._root)
        return [decode_record(kind, document) for document in documents]

    def _documents(self, query: StructuredQuery, parent: str) -> list[Any]:
        request = api.RunQueryRequest(parent=parent, structured_query=query)
        with _translated():
            responses = self._client.run_query(request, metadata=self._metadata, timeout=_RPC_SECONDS, retry=None)
            raw = (api.RunQueryResponse.pb(response) for response in responses)
            return [response.document for response in raw if response.HasField("document")]

    def _count(self, query: StructuredQuery, parent: str) -> int:
        aggregation = StructuredAggregationQuery(
            structured_query=query,
            aggregations=[{"count": StructuredAggregationQuery.Aggregation.Count(), "alias": "n"}],
        )
        request = api.RunAggregationQueryRequest(parent=parent, structured_aggregation_query=aggregation)
        with _translated():
            responses = self._client.run_aggregation_query(
                request, metadata=self._metadata, timeout=_RPC_SECONDS, retry=None
            )
            return sum(response.result.aggregate_fields["n"].integer_value for response in responses)


class FirestoreTransaction:
    """Reads, then writes that happen together if what was read still stands (`operations.ports.Transaction`)."""

    def __init__(self, store: FirestoreStore, retry_of: bytes) -> None:
        self._store = store
        self._retry_of = retry_of
        self._writes: list[Write] = []
        self.transaction_id = b""
        self.emitted: list[OutboxEntry] = []

    def read(self, *wanted: Key[Any]) -> Any:
        if self._writes:
            raise AssertionError("a transaction reads before it writes")
        records, begun = self._store.read_documents(wanted, self._options())
        self.transaction_id = begun or self.transaction_id
        return tuple(records)

    def write(self, key: Key[R], record: R) -> None:
        self._writes.append(Write(update=encode_record(record, self._store.name_of(key))))

    def delete(self, key: Key[Any]) -> None:
        self._writes.append(Write(delete=self._store.name_of(key)))

    def emit(self, entry: OutboxEntry) -> None:
        self.write(keys.outbox(entry.event_id), entry)
        self.emitted.append(entry)

    def commit(self) -> None:
        if self._writes:
            self._store.commit_writes(self._writes, self.transaction_id)
        else:
            self.roll_back()

    def roll_back(self) -> None:
        """Let go of what the server holds for it; best effort, since it does so by itself after a while."""
        if not self.transaction_id:
            return
        try:
            self._store.roll_back(self.transaction_id)
        except exceptions.GoogleAPICallError:
            self.transaction_id = b""

    def _options(self) -> dict[str, Any]:
        if self.transaction_id:
            return {"transaction": self.transaction_id}
        return {"new_transaction": {"read_write": {"retry_transaction": self._retry_of}}}


def _is_of(provider: ProviderName) -> tuple[Filter, Filter]:
    return ("prefix", "==", provider.prefix), ("name", "==", provider.name)


def _query(
    collection: str,
    *,
    everywhere: bool = False,
    where: Iterable[Filter] = (),
    order: Iterable[str] = (),
    limit: int | None = None,
    offset: int = 0,
    after: str | None = None,
    fields: Iterable[str] = (),
) -> StructuredQuery:
    """A query of documents; a field of `order` with a minus before it counts down.

    `after` is the path of the document to go on behind, in a query ordered by `__name__`.
    """
    filters = [
        {"field_filter": {"field": {"field_path": field}, "op": _OPERATORS[operator], "value": value_of(value)}}
        for field, operator, value in where
    ]
    query: dict[str, Any] = {"from_": [{"collection_id": collection, "all_descendants": everywhere}]}
    if filters:
        query["where"] = {"composite_filter": {"op": "AND", "filters": filters}}
    query["order_by"] = [
        {"field": {"field_path": field.removeprefix("-")}, "direction": _DIRECTIONS[field.startswith("-")]}
        for field in order
    ]
    if after is not None:
        query["start_at"] = {"values": [{"reference_value": after}], "before": False}
    if fields:
        query["select"] = {"fields": [{"field_path": field} for field in fields]}
    query["limit"] = limit
    query["offset"] = offset
    return StructuredQuery(query)


@contextmanager
def _translated() -> Iterator[None]:
    """Firestore's passing failures as TemporaryError; anything else is a fault, and stays what it is."""
    try:
        yield
    except _TEMPORARY as error:
        raise _unanswered(error) from error


def _unanswered(error: Exception) -> TemporaryError:
    return TemporaryError(f"the database did not answer: {type(error).__name__}")

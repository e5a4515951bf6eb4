"""Documents by key: reads, and transactions of one read and one commit.

This uses the generated API, not the hand-written client above it. That client begins a transaction with a round trip of
its own; here the first read begins it (`new_transaction`).
"""

import random
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from google.api_core import exceptions
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.types import firestore as api
from google.cloud.firestore_v1.types.document import Document
from google.cloud.firestore_v1.types.query import StructuredQuery
from google.cloud.firestore_v1.types.write import Write

from provider_hub.actions.ports import Key, Overtaken, Reading, Seen
from provider_hub.adapters.firestore.encoding import decode_record, message
from provider_hub.adapters.firestore.failures import CONDITION_FAILED, CONFLICTS, TEMPORARY, no_answer, translated
from provider_hub.adapters.firestore.queries import build_query
from provider_hub.adapters.firestore.writes import ConditionalWrites, PendingWrites, seen_as
from provider_hub.domain.errors import TemporaryError
from provider_hub.domain.records import OutboxEntry

R = TypeVar("R")
T = TypeVar("T")

ATTEMPTS = 8
_BACKOFF_SECONDS = 0.01
_RPC_SECONDS = 20.0


class FirestoreDocuments:
    """The documents of one database (`actions.ports.DocumentStore`)."""

    def __init__(
        self, client: FirestoreClient, project: str, database: str, metadata: Sequence[tuple[str, str]] = ()
    ) -> None:
        self._client = client
        self._database = f"projects/{project}/databases/{database}"
        self._root = f"{self._database}/documents"
        self._metadata = (*metadata, ("google-cloud-resource-prefix", self._database))

    def transact(self, decide: Callable[["FirestoreTransaction"], R]) -> tuple[R, tuple[OutboxEntry, ...]]:
        """Run `decide` and commit, up to ATTEMPTS times while commits conflict. Returns its result and what it emitted.

        Raises what `decide` raises, and TemporaryError where the database does not answer or conflicts do not end. A
        commit whose answer was lost counts as committed when the documents show it.
        """
        previous = b""
        for attempt in range(ATTEMPTS):
            if attempt:
                _back_off(attempt)
            transaction = FirestoreTransaction(self, previous)
            try:
                result = decide(transaction)
                transaction.commit()
            except CONFLICTS as conflict:
                previous = transaction.transaction_id
                last = conflict
                continue
            except BaseException as error:
                transaction.roll_back()
                if not isinstance(error, TEMPORARY):
                    raise
                if not transaction.was_committed():
                    raise no_answer(error) from error
            return result, tuple(transaction.emitted)
        raise TemporaryError(f"the database refused {ATTEMPTS} tries of a contended change") from last

    def change(
        self, key: Key[R], decide: Callable[[R | None, PendingWrites], T], reading: Reading[R] | None = None
    ) -> tuple[T, tuple[OutboxEntry, ...]]:
        """Decide on one record, and commit on condition that it was not written since it was read.

        Where it was, it is read again and decided again, up to ATTEMPTS times, or Overtaken is raised. Raises as
        `transact` besides. A commit without a transaction cannot be stopped on its way: one that lands after its answer
        was given up still finds the record as it was seen, or fails.
        """
        known = reading or Reading()
        for attempt in range(ATTEMPTS):
            if attempt:
                _back_off(attempt)
            seen, known.seen = known.seen or self.see(key), None
            writes = ConditionalWrites(self, key, seen)
            result = decide(seen.record, writes)
            try:
                writes.commit()
            except CONDITION_FAILED as conflict:
                if known.may_be_old:
                    raise Overtaken(key.place) from conflict
                last = conflict
                continue
            except TEMPORARY as error:
                if not writes.was_committed():
                    raise no_answer(error) from error
            if reading:
                reading.seen = writes.as_left()
            return result, tuple(writes.emitted)
        raise TemporaryError(f"the database refused {ATTEMPTS} tries of a contended change") from last

    def see(self, key: Key[R]) -> Seen[R]:
        """One record for `change`. Raises TemporaryError."""
        name = self.name_of(key)
        with translated():
            found = self._tried_twice(lambda: self._read_one(name))
        if found is None:
            return Seen(None, None)
        return seen_as(decode_record(key.record, found), found)

    def see_beside(self, key: Key[R], other: Key[T]) -> tuple[Seen[R], T | None]:
        """One record for `change`, and another one, in one round trip. Raises TemporaryError."""
        name, beside = self.name_of(key), self.name_of(other)
        with translated():
            found = self._tried_twice(lambda: self.read_raw([name, beside]))
        seen = seen_as(decode_record(key.record, found[name]), found[name]) if name in found else Seen(None, None)
        return seen, decode_record(other.record, found[beside]) if beside in found else None

    def get(self, key: Key[R]) -> R | None:
        """One record, None where there is none. Raises TemporaryError."""
        return self.get_all([key])[0]

    def get_all(self, keys: Sequence[Key[R]]) -> list[R | None]:
        """The records in the order of `keys`, in one round trip. Raises TemporaryError."""
        if not keys:
            return []
        with translated():
            return self.read_documents(keys, {})[0]

    def get_parts(self, kind: type[R], keys: Sequence[Key[Any]]) -> list[R | None]:
        """Of these records the fields alone that `kind` has, in the order of `keys`. Raises TemporaryError."""
        names = [self.name_of(key) for key in keys]
        with translated():
            found = self.read_raw(names, [*kind.__annotations__]) if names else {}
        return [decode_record(kind, found[name]) if name in found else None for name in names]

    def delete_all(self, keys: Sequence[Key[Any]]) -> None:
        """Delete records in one commit, outside of any transaction. Raises TemporaryError."""
        if keys:
            with translated():
                self.commit_writes([message(Write, delete=self.name_of(key)) for key in keys], b"")

    def name_of(self, key: Key[Any]) -> str:
        """The document's full resource name."""
        return f"{self._root}/{key.place}"

    def read_documents(self, wanted: Sequence[Key[Any]], options: dict[str, Any]) -> tuple[list[Any], bytes]:
        """The records in the order of `wanted`, and the id of the transaction that the read began, empty for none.

        Tried once more where the server cannot be reached: a channel that died while an idle instance had no CPU
        shows that at its next call. A transaction that the first try may have begun holds no lock, and expires.
        """
        return self._tried_twice(lambda: self._read_documents(wanted, options))

    @staticmethod
    def _tried_twice(read: Callable[[], T]) -> T:
        try:
            return read()
        except exceptions.ServiceUnavailable:
            return read()

    def _read_documents(self, wanted: Sequence[Key[Any]], options: dict[str, Any]) -> tuple[list[Any], bytes]:
        names = [self.name_of(key) for key in wanted]
        found: dict[str, Any] = {}
        transaction_id = b""
        request = message(api.BatchGetDocumentsRequest, database=self._database, documents=names, **options)
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

    def _read_one(self, name: str) -> Any:
        """One document as it is stored, None where there is none. Raises what the client raises.

        A call with one answer costs half of what a stream of one answer does, here and in the database.
        """
        request = message(api.GetDocumentRequest, name=name)
        try:
            found = self._client.get_document(request, metadata=self._metadata, timeout=_RPC_SECONDS, retry=None)
        except exceptions.NotFound:
            # The same is said of a database that does not exist, for which this read raises.
            return self.read_raw([name]).get(name)
        return Document.pb(found)

    def read_raw(self, names: Sequence[str], fields: Sequence[str] = ()) -> dict[str, Any]:
        """The documents that exist among these full names, as they are stored, with these fields alone (none: all).

        Raises what the client raises.
        """
        mask = {"mask": {"field_paths": fields}} if fields else {}
        request = message(api.BatchGetDocumentsRequest, database=self._database, documents=names, **mask)
        responses = self._client.batch_get_documents(request, metadata=self._metadata, timeout=_RPC_SECONDS, retry=None)
        found = (api.BatchGetDocumentsResponse.pb(response) for response in responses)
        return {answer.found.name: answer.found for answer in found if answer.HasField("found")}

    def commit_writes(self, writes: list[Write], transaction_id: bytes) -> Any:
        """Commit; an empty id is a commit without a transaction. Returns the answer. Raises what the client raises."""
        raw = [Write.pb(write) for write in writes]
        request = message(api.CommitRequest, database=self._database, writes=raw, transaction=transaction_id)
        answer = self._client.commit(request, metadata=self._metadata, timeout=_RPC_SECONDS, retry=None)
        return api.CommitResponse.pb(answer)

    def roll_back(self, transaction_id: bytes) -> None:
        """Release what the server holds for a transaction. Raises what the client raises."""
        request = message(api.RollbackRequest, database=self._database, transaction=transaction_id)
        self._client.rollback(request, metadata=self._metadata, timeout=_RPC_SECONDS, retry=None)

    def _query(self, kind: type[R], collection: str, *, parent: str | None = None, **clauses: Any) -> list[R]:
        documents = self._documents(build_query(collection, **clauses), parent or self._root)
        return [decode_record(kind, document) for document in documents]

    def _documents(self, query: StructuredQuery, parent: str) -> list[Any]:
        request = message(api.RunQueryRequest, parent=parent, structured_query=StructuredQuery.pb(query))
        with translated():
            responses = self._client.run_query(request, metadata=self._metadata, timeout=_RPC_SECONDS, retry=None)
            raw = (api.RunQueryResponse.pb(response) for response in responses)
            return [response.document for response in raw if response.HasField("document")]

    def _count(self, query: StructuredQuery, parent: str) -> int:
        counted = {"structured_query": StructuredQuery.pb(query), "aggregations": [{"count": {}, "alias": "n"}]}
        request = message(api.RunAggregationQueryRequest, parent=parent, structured_aggregation_query=counted)
        with translated():
            responses = self._client.run_aggregation_query(
                request, metadata=self._metadata, timeout=_RPC_SECONDS, retry=None
            )
            return sum(response.result.aggregate_fields["n"].integer_value for response in responses)


class FirestoreTransaction(PendingWrites):
    """Reads, then writes that are committed together unless what was read has changed (`actions.ports.Transaction`)."""

    def __init__(self, store: FirestoreDocuments, retry_of: bytes) -> None:
        super().__init__(store)
        self._retry_of = retry_of
        self.transaction_id = b""

    def read(self, *wanted: Key[Any]) -> Any:
        """The records in the order of `wanted`. Raises AssertionError after the first write."""
        if self._writes:
            raise AssertionError("a transaction reads before it writes")
        records, begun = self._store.read_documents(wanted, self._options())
        self.transaction_id = begun or self.transaction_id
        return tuple(records)

    def commit(self) -> None:
        """Commit the writes; a transaction without any is rolled back. Raises what the client raises."""
        if self._writes:
            self._send(self.transaction_id)
        else:
            self.roll_back()

    def roll_back(self) -> None:
        """Release what the server holds for it. Best effort: the server releases it by itself after a while."""
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


def _back_off(attempt: int) -> None:
    time.sleep(_BACKOFF_SECONDS * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, no secret

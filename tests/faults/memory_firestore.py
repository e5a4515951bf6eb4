"""Firestore in memory, behind the generated client's own methods: what the adapter uses of them, and no more.

Transactions are optimistic: a commit is refused with ABORTED when a document that its transaction read was
written since. Google's server keeps others waiting instead; what gets committed is serial in both.
"""

import itertools
from collections.abc import Iterator
from typing import Any

from google.api_core import exceptions
from google.cloud.firestore_v1.types import firestore as api
from google.cloud.firestore_v1.types.document import Document
from google.cloud.firestore_v1.types.query import StructuredQuery

_OPERATOR = StructuredQuery.FieldFilter.Operator


class MemoryFirestore:
    """The documents by name, each with the number of its last write."""

    def __init__(self) -> None:
        self.documents: dict[str, Any] = {}
        self._versions: dict[str, int] = {}
        self._writes = itertools.count(1)
        self._transactions: dict[bytes, dict[str, int]] = {}
        self._ids = itertools.count(1)

    def batch_get_documents(self, request: Any, **_options: Any) -> Iterator[Any]:
        wanted = api.BatchGetDocumentsRequest.pb(request)
        begun = b""
        transaction = wanted.transaction
        if wanted.HasField("new_transaction"):
            begun = transaction = b"t%d" % next(self._ids)
            self._transactions[transaction] = {}
        for number, name in enumerate(wanted.documents):
            if transaction:
                self._reads_of(transaction)[name] = self._versions.get(name, 0)
            answer = api.BatchGetDocumentsResponse.pb()()
            answer.transaction = begun if number == 0 else b""
            if name in self.documents:
                answer.found.CopyFrom(self.documents[name])
                answer.found.update_time.seconds = self._versions[name]
            else:
                answer.missing = name
            yield api.BatchGetDocumentsResponse.wrap(answer)

    def get_document(self, request: Any, **_options: Any) -> Any:
        if request.name not in self.documents:
            raise exceptions.NotFound("no such document")  # type: ignore[no-untyped-call]
        found = Document.pb()()
        found.CopyFrom(self.documents[request.name])
        found.update_time.seconds = self._versions[request.name]
        return Document.wrap(found)

    def commit(self, request: Any, **_options: Any) -> Any:
        wanted = api.CommitRequest.pb(request)
        if wanted.transaction:
            reads = self._reads_of(wanted.transaction)
            del self._transactions[wanted.transaction]
            if any(self._versions.get(name, 0) != version for name, version in reads.items()):
                raise exceptions.Aborted("what this one had read was written")  # type: ignore[no-untyped-call]
        for write in wanted.writes:
            self._check_condition(write)
        number = next(self._writes)
        for write in wanted.writes:
            name = write.delete or write.update.name
            self._versions[name] = number
            if write.delete:
                self.documents.pop(name, None)
            elif write.HasField("update_mask"):
                self._update(write)
            else:
                self.documents[name] = write.update
        return self._committed(wanted.writes, number)

    @staticmethod
    def _committed(writes: Any, number: int) -> Any:
        answer = api.CommitResponse.pb()()
        for write in writes:
            result = answer.write_results.add()
            if not write.delete:
                result.update_time.seconds = number
        return api.CommitResponse.wrap(answer)

    def _update(self, write: Any) -> None:
        """Set the fields of the mask and add to numbers, as Firestore does for a document that need not exist."""
        document = type(write.update)()
        document.CopyFrom(self.documents.get(write.update.name, document))
        document.name = write.update.name
        for path in write.update_mask.field_paths:
            document.fields[path].CopyFrom(write.update.fields[path])
        for change in write.update_transforms:
            document.fields[change.field_path].integer_value += change.increment.integer_value
        self.documents[document.name] = document

    def _check_condition(self, write: Any) -> None:
        name, condition = write.delete or write.update.name, write.current_document
        if condition.HasField("update_time"):
            as_seen = name in self.documents and self._versions[name] == condition.update_time.seconds
        else:
            as_seen = not condition.HasField("exists") or condition.exists == (name in self.documents)
        if not as_seen:
            raise exceptions.FailedPrecondition("it was written since")  # type: ignore[no-untyped-call]

    def rollback(self, request: Any, **_options: Any) -> None:
        self._transactions.pop(request.transaction, None)

    def run_query(self, request: Any, **_options: Any) -> Iterator[Any]:
        wanted = api.RunQueryRequest.pb(request)
        for document in self._select(wanted.parent, wanted.structured_query):
            answer = api.RunQueryResponse.pb()()
            answer.document.CopyFrom(document)
            yield api.RunQueryResponse.wrap(answer)

    def run_aggregation_query(self, request: Any, **_options: Any) -> Iterator[Any]:
        wanted = api.RunAggregationQueryRequest.pb(request)
        found = self._select(wanted.parent, wanted.structured_aggregation_query.structured_query)
        answer = api.RunAggregationQueryResponse.pb()()
        answer.result.aggregate_fields["n"].integer_value = len(found)
        yield api.RunAggregationQueryResponse.wrap(answer)

    def _reads_of(self, transaction: bytes) -> dict[str, int]:
        if transaction not in self._transactions:
            raise exceptions.InvalidArgument("it has ended")  # type: ignore[no-untyped-call]
        return self._transactions[transaction]

    def _select(self, parent: str, query: Any) -> list[Any]:
        (source,) = query.from_
        found = [
            document
            for name, document in self.documents.items()
            if _is_in(name, parent, source.collection_id, everywhere=source.all_descendants)
            and all(_matches(document, item.field_filter) for item in query.where.composite_filter.filters)
        ]
        found.sort(key=lambda document: str(document.name))
        for order in reversed(query.order_by):
            path = order.field.field_path
            if path != "__name__":
                found = [document for document in found if path in document.fields]
                descending = order.direction == StructuredQuery.Direction.DESCENDING
                found.sort(key=lambda document: _plain(document.fields[path]), reverse=descending)
        if query.HasField("start_at"):
            after = query.start_at.values[0].reference_value
            found = [document for document in found if document.name > after]
        found = found[query.offset :]
        return found[: query.limit.value] if query.HasField("limit") else found


def _is_in(name: str, parent: str, collection: str, *, everywhere: bool) -> bool:
    above, _, _ = name.rpartition("/")
    if everywhere:
        return above.rpartition("/")[2] == collection and above.startswith(parent)
    return above == f"{parent}/{collection}"


def value_at(document: Any, path: str) -> Any:
    """The tagged value at `a.b`; None where there is none."""
    fields, value = document.fields, None
    for part in path.split("."):
        if part not in fields:
            return None
        value = fields[part]
        fields = value.map_value.fields
    return value


def _matches(document: Any, wanted: Any) -> bool:
    """As Firestore: a field that is missing, or of another type than what it is compared with, never matches."""
    value, given = value_at(document, wanted.field.field_path), wanted.value
    if value is None:
        return False
    if wanted.op in (_OPERATOR.ARRAY_CONTAINS, _OPERATOR.ARRAY_CONTAINS_ANY, _OPERATOR.IN):
        sought = [given] if wanted.op == _OPERATOR.ARRAY_CONTAINS else given.array_value.values
        there = [value] if wanted.op == _OPERATOR.IN else value.array_value.values
        return any(_plain(item) == _plain(one) for item in there for one in sought)
    if value.WhichOneof("value_type") != given.WhichOneof("value_type"):
        return False
    if wanted.op == _OPERATOR.EQUAL:
        return bool(_plain(value) == _plain(given))
    if wanted.op == _OPERATOR.LESS_THAN_OR_EQUAL:
        return bool(_plain(value) <= _plain(given))
    raise NotImplementedError(f"operator {wanted.op}: add it here when a query needs it")


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value_type")
    if kind == "timestamp_value":
        return (value.timestamp_value.seconds, value.timestamp_value.nanos)
    return getattr(value, kind)

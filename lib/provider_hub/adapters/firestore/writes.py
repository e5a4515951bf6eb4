"""What a commit writes, and whether it took effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from google.cloud.firestore_v1.types.write import Write

from provider_hub.actions import keys
from provider_hub.actions.ports import Seen
from provider_hub.adapters.firestore.encoding import encode_record, fill, message
from provider_hub.adapters.firestore.failures import TEMPORARY

if TYPE_CHECKING:
    from provider_hub.actions.ports import Key
    from provider_hub.adapters.firestore.documents import FirestoreDocuments
    from provider_hub.domain.records import OutboxEntry

R = TypeVar("R")


def seen_as(record: R, stored: Any) -> Seen[R]:
    """A record with the document that has it."""
    return Seen(record, stored, stored.ByteSize())


class PendingWrites:
    """Writes that one commit makes together or not at all (`actions.ports.Writes`)."""

    def __init__(self, store: FirestoreDocuments) -> None:
        self._store = store
        self._writes: list[Write] = []
        self.emitted: list[OutboxEntry] = []
        self._commit_sent = False
        self._answer: Any = None

    def write(self, key: Key[R], record: R) -> None:
        """Replace the whole document at the commit."""
        self._writes.append(message(Write, update=encode_record(record, self._store.name_of(key))))

    def delete(self, key: Key[Any]) -> None:
        """Delete the document at the commit."""
        self._writes.append(message(Write, delete=self._store.name_of(key)))

    def add(self, key: Key[Any], field: str, amount: int, **same: str) -> None:
        """Add to a number of the document at the commit (`actions.ports.Writes.add`)."""
        change = Write.pb()()
        change.update.name = self._store.name_of(key)
        fill(change.update.fields, same)
        change.update_mask.field_paths.extend(same)
        increment = change.update_transforms.add()
        increment.field_path = field
        increment.increment.integer_value = amount
        self._writes.append(Write.wrap(change))

    def emit(self, entry: OutboxEntry) -> None:
        """Write an outbox entry at the commit."""
        self.write(keys.outbox(entry.event_id), entry)
        self.emitted.append(entry)

    def was_committed(self) -> bool:
        """Whether the commit took effect although its answer was lost.

        A connection that breaks after the commit leaves the caller without an answer. The documents show it: all of
        them are as this one wrote them. Of a transaction, ask after `roll_back`, which ends a commit still on its way.
        False also where the database does not answer now, or a later change wrote one of the documents.
        """
        if not self._commit_sent:
            return False
        names = [write.update.name or write.delete for write in self._writes]
        try:
            stored = self._store.read_raw(names)
        except TEMPORARY:
            return False
        return all(self._is_in_effect(write, stored) for write in self._writes)

    def _send(self, transaction_id: bytes) -> None:
        self._commit_sent = True
        self._answer = self._store.commit_writes(self._writes, transaction_id)

    def _is_in_effect(self, write: Write, stored: Mapping[str, Any]) -> bool:
        if write.delete:
            return write.delete not in stored
        if write.update_transforms:
            return True  # it may have been moved again since, and was committed together with the others
        wanted = Write.pb(write).update
        return wanted.name in stored and stored[wanted.name].fields == wanted.fields


class ConditionalWrites(PendingWrites):
    """Writes on condition that the document at `key` is as it was seen: a commit without a transaction."""

    def __init__(self, store: FirestoreDocuments, key: Key[Any], seen: Seen[Any]) -> None:
        super().__init__(store)
        self._name = store.name_of(key)
        self._seen = seen
        self._record: Any = None

    def write(self, key: Key[R], record: R) -> None:
        """Replace the document at the commit; of the seen one, only the fields that `record` has otherwise."""
        if self._store.name_of(key) == self._name:
            self._record = record
        if self._seen.record is None or self._store.name_of(key) != self._name:
            super().write(key, record)
            return
        changed = self._changed_fields(record)
        write = Write.pb()()
        write.update.CopyFrom(encode_record(record, self._name, changed))
        write.update_mask.field_paths.extend(changed)
        self._writes.append(Write.wrap(write))

    def commit(self) -> None:
        """Commit the writes, if any. Raises what the client raises, and AssertionError where none has the condition."""
        if not self._writes:
            return
        conditional = [write for write in self._writes if (write.update.name or write.delete) == self._name]
        if not conditional:
            raise AssertionError(f"a change of {self._name} writes it: Firestore compares what is written alone")
        for write in conditional:
            condition = Write.pb(write).current_document
            if self._seen.record is None:
                condition.exists = False
            else:
                condition.update_time.CopyFrom(self._seen.stored.update_time)
        self._send(b"")

    def as_left(self) -> Seen[Any] | None:
        """The document as a read finds it. None where it was deleted, or the commit's answer was lost."""
        if not self._writes:
            return self._seen
        results = self._answer.write_results if self._answer else ()
        for write, result in zip(map(Write.pb, self._writes), results, strict=False):
            if write.update.name == self._name:
                return seen_as(self._record, self._stored_after(write, result.update_time))
        return None

    def _stored_after(self, write: Any, update_time: Any) -> Any:
        """What was seen with the fields that `write` changed."""
        stored = type(write.update)()
        stored.CopyFrom(self._seen.stored if write.HasField("update_mask") else write.update)
        for path in write.update_mask.field_paths:
            stored.fields[path].CopyFrom(write.update.fields[path])
        stored.update_time.CopyFrom(update_time)
        return stored

    def _changed_fields(self, record: Any) -> list[str]:
        """The fields of the seen document that `record` has otherwise; all where the document lacks one.

        An older release wrote it then, and queries find a document by the fields that it has.
        """
        seen, names = self._seen.record, [field.name for field in fields(record)]
        if any(name not in self._seen.stored.fields for name in names):
            return names
        return [name for name in names if getattr(record, name) != getattr(seen, name)]

    def _is_in_effect(self, write: Write, stored: Mapping[str, Any]) -> bool:
        change = Write.pb(write)
        if not change.HasField("update_mask") or change.update.name != self._name:
            return super()._is_in_effect(write, stored)
        whole = {**self._seen.stored.fields, **change.update.fields}
        return self._name in stored and dict(stored[self._name].fields) == whole

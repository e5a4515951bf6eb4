"""The objects, their versions and their history. Every change is made here, one at a time.

Nothing awaits, so each call is atomic on the event loop. Stored objects are replaced and never modified, so
reads, lists and watches share them, and their encoded form, without a copy.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from typing import Literal

from .kinds import Kind, Object
from .records import Change, Record
from .status import expired, version_too_large
from .watches import Watch

HISTORY = 2048  # Changes kept per kind for watches that resume; older ones answer 410.


class Store:
    """All objects by kind, namespace and name, under one growing resourceVersion.

    Versions start at `first_version`; a server that starts later should start higher, so that a client that still
    remembers a version of an earlier server gets 410 and lists again. It does not wait for ever.
    """

    def __init__(self, first_version: int, history: int = HISTORY) -> None:
        self.version = first_version
        self._history_size = history
        self._objects: dict[str, dict[str, dict[str, Record]]] = defaultdict(lambda: defaultdict(dict))
        self._by_uid: dict[str, Record] = {}
        self._dependents: dict[str, dict[str, Record]] = defaultdict(dict)
        self._history: dict[str, deque[Change]] = defaultdict(deque)
        self._forgotten: dict[str, int] = defaultdict(lambda: first_version)
        self._watches: dict[str, set[Watch]] = defaultdict(set)
        self._listeners: list[Callable[[Change], None]] = []

    def get(self, kind: Kind, namespace: str, name: str) -> Record | None:
        """The object; None when there is none."""
        return self._objects[kind.resource][namespace].get(name)

    def by_uid(self, uid: str) -> Record | None:
        """The object with that uid; None when it is gone."""
        return self._by_uid.get(uid)

    def dependents(self, uid: str) -> list[Record]:
        """The objects with an ownerReference to that uid."""
        return list(self._dependents.get(uid, {}).values())

    def select(self, kind: Kind, namespace: str = "") -> Iterator[Record]:
        """Objects of that kind by namespace and name; an empty namespace is every namespace."""
        found = self._objects[kind.resource]
        for space in [namespace] if namespace else sorted(found):
            named = found.get(space, {})
            for name in sorted(named):
                yield named[name]

    def insert(self, kind: Kind, body: Object) -> Record:
        """Store a new object under the next version."""
        return self._commit("ADDED", kind, body, None)

    def replace(self, previous: Record, body: Object) -> Record:
        """Store the object's next state under the next version."""
        return self._commit("MODIFIED", previous.kind, body, previous)

    def remove(self, previous: Record, body: Object | None = None) -> Record:
        """Remove it; `body` is the last state that watches see, where that differs from the stored one."""
        return self._commit("DELETED", previous.kind, body or previous.object, previous)

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Have `listener` called after each change; it must not change the store itself."""
        self._listeners.append(listener)

    def watch(self, kind: Kind, since: int) -> tuple[Watch, list[Change]]:
        """An open watch of that kind, and the changes after version `since` that it has missed.

        Raises a 410 ApiError when `since` lies before the kept history and a 504 one when it lies in the future.
        """
        if since < self._forgotten[kind.resource]:
            oldest = self._forgotten[kind.resource]
            raise expired(f"too old resource version: {since} ({oldest})")
        if since > self.version:
            raise version_too_large(since, self.version)
        missed = [change for change in self._history[kind.resource] if change.record.version > since]
        watch = Watch()
        self._watches[kind.resource].add(watch)
        return watch, missed

    def unwatch(self, kind: Kind, watch: Watch) -> None:
        """Stop sending changes to a watch."""
        self._watches[kind.resource].discard(watch)

    def close(self) -> None:
        """End every watch."""
        for watches in self._watches.values():
            for watch in watches:
                watch.close()

    def _commit(
        self, type_: Literal["ADDED", "MODIFIED", "DELETED"], kind: Kind, body: Object, previous: Record | None
    ) -> Record:
        self.version += 1
        metadata = {**body["metadata"], "resourceVersion": str(self.version)}
        record = Record(kind, {**body, "metadata": metadata}, self.version)
        if previous is not None:
            self._forget(previous)
        if type_ != "DELETED":
            self._remember(record)
        self._publish(Change(type_, record, previous))
        return record

    def _remember(self, record: Record) -> None:
        self._objects[record.kind.resource][record.namespace][record.name] = record
        self._by_uid[record.uid] = record
        for owner in record.owners:
            self._dependents[owner["uid"]][record.uid] = record

    def _forget(self, record: Record) -> None:
        named = self._objects[record.kind.resource][record.namespace]
        del named[record.name]
        if not named:
            del self._objects[record.kind.resource][record.namespace]
        del self._by_uid[record.uid]
        for owner in record.owners:
            siblings = self._dependents[owner["uid"]]
            siblings.pop(record.uid, None)
            if not siblings:
                self._dependents.pop(owner["uid"], None)

    def _publish(self, change: Change) -> None:
        resource = change.record.kind.resource
        history = self._history[resource]
        history.append(change)
        if len(history) > self._history_size:
            self._forgotten[resource] = history.popleft().record.version
        for watch in self._watches[resource]:
            watch.push(change)
        for listener in self._listeners:
            listener(change)

"""What the cluster does by itself: collect dependents of deleted owners, empty namespaces, count quotas.

The store's changes are noted as work. One task does it step by step, so that no request waits for a cascade. Every step
reads the present state, so a late, repeated or outdated note does no harm.
"""

import asyncio
import logging
from collections.abc import Callable

from .admission import quota
from .deletion import FOREGROUND, DeleteOptions, Deletions
from .kinds import NAMESPACED, named
from .records import Change, Record
from .store import Store

_log = logging.getLogger(__name__)

_BACKGROUND = DeleteOptions()
_FOREGROUND = DeleteOptions(propagation="Foreground")


class Collector:
    """The cluster's own controllers: garbage collection, the end of namespaces, the count of quotas.

    It notes what each change makes due, and works it off in `run`.
    """

    def __init__(self, store: Store, deletions: Deletions) -> None:
        self._store = store
        self._deletions = deletions
        self._due: dict[tuple[str, str], None] = {}
        self._noted = asyncio.Event()
        self._steps: dict[str, Callable[[str], None]] = {
            "orphan": self._collect,
            "owner": self._finish_foreground,
            "namespace": self._empty_namespace,
            "quota": self._count_quotas,
        }
        store.listen(self._note)

    @property
    def is_busy(self) -> bool:
        """Whether there is work left to do."""
        return bool(self._due)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._noted.wait()
            self._noted.clear()
            while self._due:
                step, subject = next(iter(self._due))
                del self._due[step, subject]
                try:
                    self._steps[step](subject)
                except Exception:
                    _log.exception("collecting %s %s failed; it stays as it is until its next change", step, subject)
                await asyncio.sleep(0)

    def _note(self, change: Change) -> None:
        record = change.record
        if change.type == "DELETED":
            for dependent in self._store.dependents(record.uid):
                self._add("orphan", dependent.uid)
            for owner in record.owners:
                self._add("owner", owner["uid"])
            self._add("namespace", record.namespace)
        else:
            self._note_state(record)
        if change.type != "MODIFIED" or record.kind.name in ("ResourceQuota", "Pod"):
            self._add("quota", record.namespace)

    def _note_state(self, record: Record) -> None:
        metadata = record.object["metadata"]
        if record.owners:
            self._add("orphan", record.uid)
        if FOREGROUND in metadata.get("finalizers", ()):
            self._add("owner", record.uid)
        if record.kind.name == "Namespace" and "deletionTimestamp" in metadata:
            self._add("namespace", record.name)

    def _add(self, step: str, subject: str) -> None:
        if subject:
            self._due[step, subject] = None
            self._noted.set()

    def _collect(self, uid: str) -> None:
        """Delete an object whose owners are all gone. If some are left, remove the references to the others."""
        record = self._store.by_uid(uid)
        if record is None or "deletionTimestamp" in record.object["metadata"]:
            return
        gone = {owner["uid"] for owner in record.owners if self._store.by_uid(owner["uid"]) is None}
        if not gone:
            return
        if len(gone) == len({owner["uid"] for owner in record.owners}):
            self._deletions.remove(record, _BACKGROUND)
        else:
            self._deletions.disown(record, gone)

    def _finish_foreground(self, uid: str) -> None:
        """Delete the dependents of an owner in foreground deletion, then the owner once none of them blocks it."""
        owner = self._store.by_uid(uid)
        if owner is None or FOREGROUND not in owner.object["metadata"].get("finalizers", ()):
            return
        for dependent in self._store.dependents(uid):
            if "deletionTimestamp" not in dependent.object["metadata"]:
                has_own = bool(self._store.dependents(dependent.uid))
                self._deletions.remove(dependent, _FOREGROUND if has_own else _BACKGROUND)
        if not any(_blocks(dependent, uid) for dependent in self._store.dependents(uid)):
            self._deletions.release(owner, FOREGROUND)

    def _empty_namespace(self, name: str) -> None:
        """Delete what a terminating namespace holds, and the namespace once it holds nothing."""
        namespace = self._store.get(named("Namespace"), "", name)
        if namespace is None or "deletionTimestamp" not in namespace.object["metadata"]:
            return
        left = [record for kind in NAMESPACED for record in self._store.select(kind, name)]
        for record in left:
            if "deletionTimestamp" not in record.object["metadata"]:
                self._deletions.remove(record, _BACKGROUND)
        if not left and not namespace.object["metadata"].get("finalizers"):
            self._store.remove(namespace)

    def _count_quotas(self, namespace: str) -> None:
        for record in list(self._store.select(named("ResourceQuota"), namespace)):
            status = quota.status(self._store, record.object)
            if record.object.get("status") != status:
                self._store.replace(record, {**record.object, "status": status})


def _blocks(dependent: Record, uid: str) -> bool:
    return any(owner["uid"] == uid and owner.get("blockOwnerDeletion") for owner in dependent.owners)

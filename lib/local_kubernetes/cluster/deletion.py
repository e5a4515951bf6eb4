"""DELETE: preconditions, finalizers, propagation, and the grace a running Pod is given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .admission.admission import require_deletable
from .decoding import decode_model
from .kinds import Object
from .records import Record
from .resources import Target, rfc3339
from .status import bad_request, conflict, invalid, not_found, unsupported
from .store import Store

FOREGROUND = "foregroundDeletion"
_POLICIES = ("Foreground", "Background", "Orphan")
_FINISHED = ("Succeeded", "Failed")


@dataclass(frozen=True)
class DeleteOptions:
    """Grace in seconds, None for the object's own; the preconditions are empty when not given."""

    propagation: str = "Background"
    grace: int | None = None
    uid: str = ""
    version: str = ""
    dry_run: bool = False

    @classmethod
    def read(cls, body: Mapping[str, Any], query: Mapping[str, str]) -> "DeleteOptions":
        """Read a DeleteOptions body, and the query where the body leaves an option out. Raises a 400 ApiError."""
        body = decode_model("V1DeleteOptions", body)
        preconditions = body.get("preconditions") or {}
        grace = body.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
        orphan = body.get("orphanDependents", query.get("orphanDependents"))
        legacy = "Orphan" if orphan in (True, "true") else "Background"
        policy = body.get("propagationPolicy") or query.get("propagationPolicy") or legacy
        if policy not in _POLICIES:
            cause = unsupported("propagationPolicy", policy, _POLICIES)
            raise bad_request(f"invalid DeleteOptions: {cause.message()}")
        try:
            seconds = None if grace is None else int(grace)
        except (TypeError, ValueError) as error:
            raise bad_request(f"gracePeriodSeconds is a number of seconds, not {grace!r}") from error
        return cls(
            propagation=policy,
            grace=seconds,
            uid=preconditions.get("uid") or "",
            version=preconditions.get("resourceVersion") or "",
            dry_run=bool(body.get("dryRun") or query.get("dryRun")),
        )


class Deletions:
    """The deleting verb: preconditions, finalizers, grace and what becomes of dependents."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    def delete(self, target: Target, options: DeleteOptions) -> tuple[Record, bool]:
        """The object's last state, and whether it is gone already or waits for finalizers, grace or dependents.

        Raises a 404 ApiError when it does not exist, a 409 one when a precondition fails.
        """
        record = self._store.get(target.kind, target.namespace, target.name)
        if record is None:
            raise not_found(target.kind, target.name)
        _check(target, record, options)
        require_deletable(record)
        if options.dry_run:
            return record, True
        if options.propagation == "Orphan":
            self._orphan_dependents(record)
        return self.remove(record, options)

    def remove(self, record: Record, options: DeleteOptions) -> tuple[Record, bool]:
        """Begin or finish the deletion of a record that was just read."""
        grace = _grace(record, options)
        finalizers = self._finalizers(record, options)
        if record.kind.name != "Namespace" and not finalizers and not grace:
            return self._store.remove(record), True
        marked = self._marked(record, grace, finalizers)
        if marked == record.object:
            return record, False
        return self._store.replace(record, marked), False

    def release(self, record: Record, finalizer: str) -> None:
        """Take a finalizer away; the object goes when it was the last and its deletion has begun."""
        left = [name for name in record.object["metadata"].get("finalizers", ()) if name != finalizer]
        metadata = {key: value for key, value in record.object["metadata"].items() if key != "finalizers"}
        if left:
            metadata["finalizers"] = left
        body = {**record.object, "metadata": metadata}
        if left or "deletionTimestamp" not in metadata or metadata.get("deletionGracePeriodSeconds"):
            self._store.replace(record, body)
        else:
            self._store.remove(record, body)

    def disown(self, record: Record, owners: set[str]) -> None:
        """Take away the ownerReferences to those uids."""
        left = [owner for owner in record.owners if owner["uid"] not in owners]
        metadata = {key: value for key, value in record.object["metadata"].items() if key != "ownerReferences"}
        if left:
            metadata["ownerReferences"] = left
        self._store.replace(record, {**record.object, "metadata": metadata})

    def _orphan_dependents(self, record: Record) -> None:
        for dependent in self._store.dependents(record.uid):
            self.disown(dependent, {record.uid})

    def _finalizers(self, record: Record, options: DeleteOptions) -> list[str]:
        finalizers = list(record.object["metadata"].get("finalizers", ()))
        if options.propagation != "Foreground" or FOREGROUND in finalizers:
            return finalizers
        return [*finalizers, FOREGROUND] if self._store.dependents(record.uid) else finalizers

    def _marked(self, record: Record, grace: int, finalizers: list[str]) -> Object:
        """The object with its deletion begun; a second request may only shorten the grace."""
        body = record.object
        metadata = dict(body["metadata"])
        if finalizers:
            metadata["finalizers"] = finalizers
        if "deletionTimestamp" not in metadata:
            metadata["generation"] = metadata.get("generation", 0) + 1
        elif metadata.get("deletionGracePeriodSeconds", 0) <= grace:
            return {**body, "metadata": metadata}
        metadata["deletionTimestamp"] = rfc3339(self._clock() + timedelta(seconds=grace))
        metadata["deletionGracePeriodSeconds"] = grace
        if record.kind.name == "Namespace":
            del metadata["deletionGracePeriodSeconds"]
            return {**body, "metadata": metadata, "status": {**body.get("status", {}), "phase": "Terminating"}}
        return {**body, "metadata": metadata}


def _check(target: Target, record: Record, options: DeleteOptions) -> None:
    if options.uid and options.uid != record.uid:
        detail = f"Precondition failed: UID in precondition: {options.uid}, UID in object meta: {record.uid}"
        raise conflict(target.kind, target.name, detail)
    if options.version and options.version != str(record.version):
        detail = (
            f"Precondition failed: ResourceVersion in precondition: {options.version}, "
            f"ResourceVersion in object meta: {record.version}"
        )
        raise conflict(target.kind, target.name, detail)
    if options.grace is not None and options.grace < 0:
        cause = unsupported("gracePeriodSeconds", options.grace, ("0 or more",))
        raise invalid(target.kind, target.name, [cause])


def _grace(record: Record, options: DeleteOptions) -> int:
    """Seconds until a Pod is removed. It is 0 for a Pod without a node, since no agent would confirm its end."""
    if record.kind.name != "Pod":
        return 0
    spec, status = record.object["spec"], record.object.get("status", {})
    if not spec.get("nodeName") or status.get("phase") in _FINISHED:
        return 0
    return int(spec.get("terminationGracePeriodSeconds", 30)) if options.grace is None else options.grace

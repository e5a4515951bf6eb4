"""The writing verbs: create, replace, patch and server-side apply, each one step on the store.

Every call runs to its end without awaiting, so what it read is still true when it writes.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from . import defaults, managers, patch, validation
from .admission import Admission
from .apply import Applied, merge_applied
from .decoding import checked, decode
from .fields import DuplicateItemError
from .kinds import Kind, Object, named
from .managers import Holdings, Manager
from .network import ClusterIPs
from .records import Record
from .secrets_data import absorb_string_data
from .status import ApiError, Cause, already_exists, bad_request, conflict, invalid, not_found, wrong
from .store import Store

_KEPT_METADATA = (
    "name",
    "namespace",
    "generateName",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
)
_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # As the API generates names: no vowels, no words.
_PATCHES: dict[str, Callable[[Kind, Object, Any], Object]] = {
    "application/merge-patch+json": lambda _, live, body: patch.json_merge(live, body),
    "application/strategic-merge-patch+json": patch.strategic_merge,
    "application/json-patch+json": lambda _, live, body: patch.json_patch(live, body),
}


@dataclass(frozen=True)
class Write:
    """The options of a write. `warnings` collects the warnings of its answer."""

    manager: str
    dry_run: bool = False
    force: bool = False
    validation: str = "Warn"
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Target:
    """The object that a request names."""

    kind: Kind
    namespace: str
    name: str
    subresource: str = ""


def rfc3339(moment: datetime) -> str:
    """The moment in UTC and whole seconds, as objects write it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Resources:
    """The writing verbs on a store. Each checks, completes and admits what it writes."""

    def __init__(self, store: Store, admission: Admission, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._admission = admission
        self._clock = clock
        self._addresses = ClusterIPs()

    def read(self, target: Target) -> Record:
        """The object. Raises a 404 ApiError."""
        record = self._store.get(target.kind, target.namespace, target.name)
        if record is None:
            raise not_found(target.kind, target.name)
        return record

    def create(self, kind: Kind, namespace: str, body: object, write: Write) -> Record:
        """Store a new object. Raises a 400, 403, 404, 409 or 422 ApiError."""
        new = self._decoded(kind, namespace, body, write)
        metadata = new["metadata"]
        if metadata.get("resourceVersion"):
            raise bad_request("resourceVersion should not be set on objects to be created")
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = self._free_name(kind, namespace, metadata["generateName"])
        manager = Manager(write.manager, "Update", kind.api_version)
        return self._insert(kind, new, lambda made: managers.after_update(kind, {}, made, manager, self._now()), write)

    def ensure_default_account(self, namespace: str) -> None:
        """Give the namespace the ServiceAccount of pods that name none, as its controller does in a real cluster."""
        kind = named("ServiceAccount")
        if self._store.get(kind, namespace, "default") is None:
            self.create(kind, namespace, {"metadata": {"name": "default"}}, Write("kube-controller-manager"))

    def replace(self, target: Target, body: object, write: Write) -> Record:
        """Put a whole object in the place of the stored one. Raises a 400, 403, 404, 409 or 422 ApiError."""
        previous = self.read(target)
        new = self._decoded(target.kind, target.namespace, body, write)
        if target.kind.version_required and not new["metadata"].get("resourceVersion"):
            raise invalid(
                target.kind, target.name, [wrong("metadata.resourceVersion", "", "must be specified for an update")]
            )
        return self._update(target, previous, new, write)

    def patch(self, target: Target, media_type: str, body: object, write: Write) -> Record:
        """A JSON merge, strategic merge or JSON patch, by media type."""
        previous = self.read(target)
        if not isinstance(body, dict | list):
            raise bad_request(f"a patch is an object or an array of operations, not {body!r}")
        patched = _PATCHES[media_type](target.kind, previous.object, body)
        new = self._decoded(target.kind, target.namespace, patched, write)
        return self._update(target, previous, new, write)

    def apply(self, target: Target, body: object, write: Write) -> tuple[Record, bool]:
        """Server-side apply; true when it created the object."""
        kind = target.kind
        applied = _declared(target, body)
        previous = self._store.get(kind, target.namespace, target.name)
        manager = Manager(write.manager, "Apply", kind.api_version, target.subresource)
        if previous is None:
            return self._apply_new(target, applied, manager, write), True
        _check_preconditions(target, previous, applied["metadata"])
        merged = self._merge(target, previous.object, applied, manager, force=write.force)
        new = _copy(merged.object)
        return self._store_change(target, previous, new, lambda _: merged.holdings, write), False

    def _apply_new(self, target: Target, applied: Object, manager: Manager, write: Write) -> Record:
        if target.subresource:
            raise not_found(target.kind, target.name)
        metadata = applied["metadata"]
        if metadata.get("uid"):
            detail = (
                f"uid mismatch: the provided object specified uid {metadata['uid']}, and no existing object was found"
            )
            raise conflict(target.kind, target.name, detail)
        metadata.pop("resourceVersion", None)
        merged = self._merge(target, {}, applied, manager, force=True)
        return self._insert(target.kind, _copy(merged.object), lambda _: merged.holdings, write)

    def _merge(self, target: Target, live: Object, applied: Object, manager: Manager, *, force: bool) -> Applied:
        declared = _only_subresource(target, applied)
        try:
            return merge_applied(target.kind, live, declared, manager, self._now(), force=force)
        except DuplicateItemError as error:
            raise _untyped(target, str(error)) from error

    def _decoded(self, kind: Kind, namespace: str, body: object, write: Write) -> Object:
        if not isinstance(body, dict):
            raise bad_request(f"the object provided is unrecognized: expected a {kind.name}")
        _check_envelope(kind, body)
        new, warnings = checked(kind, body, write.validation)
        write.warnings.extend(warnings)
        new.update(apiVersion=kind.api_version, kind=kind.name)
        _place(new.setdefault("metadata", {}), namespace)
        absorb_string_data(kind, new)
        return new

    def _insert(self, kind: Kind, new: Object, holdings: Callable[[Object], Holdings], write: Write) -> Record:
        metadata = new["metadata"]
        self._admission.require_namespace(kind, metadata.get("namespace", ""), metadata.get("name", ""))
        if self._store.get(kind, metadata.get("namespace", ""), metadata.get("name", "")):
            raise already_exists(kind, metadata["name"])
        for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "managedFields", "selfLink"):
            metadata.pop(name, None)
        metadata.update(uid=str(uuid4()), creationTimestamp=self._now())
        if kind.generation:
            metadata["generation"] = 1
        if kind.status:
            new.pop("status", None)
        self._complete(kind, new)
        self._admission.complete(kind, new)
        validation.check_new(kind, new)
        write.warnings.extend(self._admission.admit(kind, new))
        metadata["managedFields"] = managers.dump(holdings(new))
        if write.dry_run:
            return Record(kind, new, 0)
        made = self._store.insert(kind, new)
        if kind.name == "Namespace":
            self.ensure_default_account(made.name)
        return made

    def _update(self, target: Target, previous: Record, new: Object, write: Write) -> Record:
        _check_name(target, new["metadata"])
        _check_preconditions(target, previous, new["metadata"])
        manager = Manager(write.manager, "Update", target.kind.api_version, target.subresource)
        stripped = new["metadata"].get("managedFields") in ([], [{}])
        live = previous.object if not stripped else _unmanaged(previous.object)

        def holdings(made: Object) -> Holdings:
            return managers.after_update(target.kind, live, made, manager, self._now())

        return self._store_change(target, previous, new, holdings, write)

    def _store_change(
        self,
        target: Target,
        previous: Record,
        new: Object,
        holdings: Callable[[Object], Holdings],
        write: Write,
    ) -> Record:
        kind, old = target.kind, previous.object
        new = _writable_part(target, old, new)
        _check_finalizers(target, old, new)
        if target.subresource != "status":
            self._complete(kind, new)
            validation.check_change(kind, old, new)
            write.warnings.extend(self._admission.admit_change(kind, old, new))
            if kind.generation and _desired(kind, old) != _desired(kind, new):
                new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
        new["metadata"]["managedFields"] = managers.dump(holdings(new))
        if new == old:
            return previous
        if write.dry_run:
            return Record(kind, new, previous.version)
        return self._commit(previous, new)

    def _commit(self, previous: Record, new: Object) -> Record:
        metadata = new["metadata"]
        finished = "deletionTimestamp" in metadata and not metadata.get("finalizers")
        if finished and not metadata.get("deletionGracePeriodSeconds") and previous.kind.name != "Namespace":
            return self._store.remove(previous, new)
        return self._store.replace(previous, new)

    def _complete(self, kind: Kind, new: Object) -> None:
        defaults.set_defaults(kind, new)
        if kind.name == "Service":
            defaults.set_service_address(new, self._addresses)

    def _free_name(self, kind: Kind, namespace: str, prefix: str) -> str:
        while True:
            name = prefix[:58] + "".join(secrets.choice(_SUFFIX_ALPHABET) for _ in range(5))
            if self._store.get(kind, namespace, name) is None:
                return name

    def _now(self) -> str:
        return rfc3339(self._clock())


def _declared(target: Target, body: object) -> Object:
    """The decoded body of an apply. Unlike other writes it must name its type, and may hold no unknown field."""
    kind = target.kind
    if not isinstance(body, dict):
        raise bad_request(f"error decoding YAML: an applied object is a mapping, not {type(body).__name__}")
    for name in ("apiVersion", "kind"):
        if not body.get(name):
            raise bad_request(f"an applied object must set {name}")
    _check_envelope(kind, body)
    decoded = decode(kind, body)
    if decoded.repeated:
        raise bad_request(f'error decoding YAML: key "{decoded.repeated[0]}" already set in map')
    if decoded.unknown:
        raise _untyped(target, f".{decoded.unknown[0]}: field not declared in schema")
    applied = decoded.object
    metadata = applied.setdefault("metadata", {})
    if metadata.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    _place(metadata, target.namespace)
    metadata.setdefault("name", target.name)
    _check_name(target, metadata)
    absorb_string_data(kind, applied)
    return applied


def _untyped(target: Target, detail: str) -> ApiError:
    """What an apply of a malformed object answers: 500 without a reason, as the API server does."""
    where = f"{target.namespace}/{target.name}" if target.namespace else target.name
    kind = target.kind
    subject = f"{where}; {kind.api_version}, Kind={kind.name}"
    return ApiError(500, "", f"failed to create typed patch object ({subject}): {detail}")


def _check_envelope(kind: Kind, body: Object) -> None:
    found = body.get("apiVersion") or kind.api_version, body.get("kind") or kind.name
    if found != (kind.api_version, kind.name):
        raise bad_request(
            f"the API version in the data ({found[0]}, Kind={found[1]}) does not match the expected API version "
            f"({kind.api_version}, Kind={kind.name})"
        )


def _place(metadata: Object, namespace: str) -> None:
    """Set the request's namespace on the object. Raises a 400 ApiError when the object names another."""
    if namespace and metadata.setdefault("namespace", namespace) != namespace:
        raise bad_request(
            f"the namespace of the provided object does not match the namespace sent on the request: "
            f"{metadata['namespace']!r} and {namespace!r}"
        )
    if not namespace:
        metadata.pop("namespace", None)


def _check_name(target: Target, metadata: Object) -> None:
    name = metadata.get("name")
    if name != target.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({target.name})")


def _check_preconditions(target: Target, previous: Record, metadata: Object) -> None:
    version, uid = metadata.get("resourceVersion"), metadata.get("uid")
    if uid and uid != previous.uid:
        detail = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {previous.uid}"
        raise conflict(target.kind, target.name, detail)
    if version and version != str(previous.version):
        raise conflict(target.kind, target.name)


def _check_finalizers(target: Target, old: Object, new: Object) -> None:
    if "deletionTimestamp" not in old["metadata"]:
        return
    added = set(new["metadata"].get("finalizers") or ()) - set(old["metadata"].get("finalizers") or ())
    if added:
        detail = f"Forbidden: no new finalizers can be added if the object is being deleted, found new {sorted(added)}"
        raise invalid(target.kind, target.name, [Cause("FieldValueForbidden", "metadata.finalizers", detail)])


def _writable_part(target: Target, old: Object, new: Object) -> Object:
    """`new` with everything that this request may not write taken from `old`."""
    if target.subresource == "status":
        status = {"status": new["status"]} if "status" in new else {}
        metadata = {**old["metadata"]}
        if target.kind.annotations_count:
            metadata["annotations"] = new["metadata"].get("annotations") or {}
        return {**{key: value for key, value in old.items() if key != "status"}, **status, "metadata": metadata}
    metadata = {key: value for key, value in new["metadata"].items() if key not in _KEPT_METADATA}
    kept = {key: old["metadata"][key] for key in _KEPT_METADATA if key in old["metadata"]}
    result = {**new, "metadata": {**kept, **metadata}}
    if target.kind.status:
        result.pop("status", None)
        if "status" in old:
            result["status"] = old["status"]
    return result


def _only_subresource(target: Target, applied: Object) -> Object:
    """The fields that an apply may declare: for the status subresource the status, otherwise all other fields."""
    if target.subresource == "status":
        kept = ("apiVersion", "kind", "status")
        named = ("name", "namespace", "annotations") if target.kind.annotations_count else ("name", "namespace")
        identity = {key: applied["metadata"][key] for key in named if key in applied["metadata"]}
        return {**{key: applied[key] for key in kept if key in applied}, "metadata": identity}
    if not target.kind.status:
        return applied
    return {key: value for key, value in applied.items() if key != "status"}


def _desired(kind: Kind, body: Object) -> Object:
    desired = {key: value for key, value in body.items() if key not in ("metadata", "status")}
    return {**desired, "annotations": body["metadata"].get("annotations") or {}} if kind.annotations_count else desired


def _unmanaged(body: Object) -> Object:
    return {**body, "metadata": {**body["metadata"], "managedFields": []}}


def _copy(value: Any) -> Any:
    """A deep copy of JSON data, several times as fast as copy.deepcopy."""
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value

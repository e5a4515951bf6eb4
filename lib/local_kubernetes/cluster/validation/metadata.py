"""What every object's metadata has to be: names, labels, annotations, owners, finalizers."""

from local_kubernetes.cluster.kinds import Kind
from local_kubernetes.cluster.status import Cause, missing, wrong

from . import names
from .values import Causes, Fields

_ANNOTATIONS_LIMIT = 256 * 1024  # Bytes of all annotations together.
_DELETION_FINALIZERS = {"orphan", "foregroundDeletion"}


def check(kind: Kind, metadata: Fields) -> Causes:
    """Every fault of an object's metadata."""
    if prefix := metadata.get("generateName"):
        # A generated name goes on behind a dash: only what the name begins with has to fit.
        masked = f"{prefix[:-2]}a" if len(prefix) > 1 and prefix.endswith("-") else prefix
        for cause in _name(kind, "metadata.generateName", masked):
            yield Cause(cause.reason, cause.field, cause.detail.replace(f'"{masked}"', f'"{prefix}"', 1))
    if not metadata.get("name"):
        yield missing("metadata.name", "name or generateName is required")
    else:
        yield from _name(kind, "metadata.name", metadata["name"])
    yield from names.labels("metadata.labels", metadata.get("labels") or {})
    yield from _annotations(metadata.get("annotations") or {})
    yield from _owners(metadata.get("ownerReferences") or [])
    finalizers = metadata.get("finalizers") or []
    for finalizer in finalizers:
        yield from names.qualified("metadata.finalizers", finalizer)
    if set(finalizers) >= _DELETION_FINALIZERS:
        detail = "finalizer orphan and foregroundDeletion cannot be both set"
        yield wrong("metadata.finalizers", finalizers, detail)


def _name(kind: Kind, path: str, name: str) -> Causes:
    if kind.group == "rbac.authorization.k8s.io":
        return names.path_segment(path, name)
    form = {"Namespace": names.LABEL, "Service": names.DNS_1035}.get(kind.name, names.SUBDOMAIN)
    return form.check(path, name)


def _annotations(annotations: dict[str, str]) -> Causes:
    for key in annotations:
        yield from names.qualified("metadata.annotations", key.lower())
    if sum(names.size(key) + names.size(value) for key, value in annotations.items()) > _ANNOTATIONS_LIMIT:
        detail = f"Too long: may not be more than {_ANNOTATIONS_LIMIT} bytes"
        yield Cause("FieldValueTooLong", "metadata.annotations", detail)


def _owners(owners: list[Fields]) -> Causes:
    path = "metadata.ownerReferences"
    controllers: list[str] = []
    for owner in owners:
        if not owner.get("apiVersion"):
            yield wrong(f"{path}.apiVersion", "", "version must not be empty")
        for name in ("kind", "name", "uid"):
            if not owner.get(name):
                yield wrong(f"{path}.{name}", "", "must not be empty")
        if (owner.get("apiVersion"), owner.get("kind")) == ("v1", "Event"):
            yield wrong(path, owner, "/v1, Kind=Event is disallowed from being an owner")
        if owner.get("controller"):
            controllers.append(f"{owner.get('kind', '')}/{owner.get('name', '')}")
    for other in controllers[1:]:
        found = f'Found "true" in references for {controllers[0]} and {other}'
        yield wrong(path, owners, f"Only one reference can have Controller set to true. {found}")

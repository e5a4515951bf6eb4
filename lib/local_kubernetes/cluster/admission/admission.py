"""Decides on objects that are to be created or changed, by what the store holds."""

from local_kubernetes.cluster.kinds import Kind, Object, named
from local_kubernetes.cluster.records import Record
from local_kubernetes.cluster.status import Cause, forbidden, invalid, not_found, wrong
from local_kubernetes.cluster.store import Store

from . import limit_ranges, pod_security, quota

_TEMPLATED = ("Deployment", "ReplicaSet")
UNDELETABLE = ("default", "kube-public", "kube-system")


class Admission:
    """The admission chain. `complete` may change an object, before it is validated; the others only refuse it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def require_namespace(self, kind: Kind, namespace: str, name: str) -> None:
        """Raises a 404 ApiError for a missing namespace, a 403 one for a terminating one."""
        if not kind.namespaced:
            return
        found = self._store.get(named("Namespace"), "", namespace)
        if found is None:
            raise not_found(named("Namespace"), namespace)
        if "deletionTimestamp" in found.object["metadata"]:
            detail = f"unable to create new content in namespace {namespace} because it is being terminated"
            cause = {"reason": "NamespaceTerminating", "message": f"namespace {namespace} is being terminated"}
            raise forbidden(kind, name, detail, causes=[{**cause, "field": "metadata.namespace"}])

    def complete(self, kind: Kind, body: Object) -> None:
        """Fill a new Pod's requests and limits from the LimitRanges of its namespace, in place."""
        if kind.name == "Pod":
            limit_ranges.complete(body["spec"], self._limits(body))

    def admit(self, kind: Kind, body: Object) -> list[str]:
        """Warnings for a valid new object. Raises a 403 ApiError for what its namespace does not allow."""
        if kind.name == "Namespace":
            _check_levels(kind, body, {})
        warnings = self._secure(kind, body)
        if kind.name == "Pod":
            self._require_account(kind, body)
            if faults := limit_ranges.faults(body["spec"], self._limits(body)):
                raise forbidden(kind, body["metadata"]["name"], _listed(faults))
        if kind.namespaced:
            quota.require_room(self._store, kind, body, {})
        return warnings

    def admit_change(self, kind: Kind, old: Object, new: Object) -> list[str]:
        """Warnings for a valid change. Raises a 403 ApiError when it asks for more than a quota leaves."""
        if kind.name == "Namespace":
            _check_levels(kind, new, old["metadata"].get("labels") or {})
            return self._level_warnings(old, new)
        if kind.namespaced:
            quota.require_room(self._store, kind, new, old)
        return self._secure(kind, new) if kind.name in _TEMPLATED and old["spec"] != new["spec"] else []

    def _secure(self, kind: Kind, body: Object) -> list[str]:
        """Pods are held to the level that their namespace enforces; their templates are only warned of it."""
        if kind.name != "Pod" and kind.name not in _TEMPLATED:
            return []
        policy = self._policy(body["metadata"]["namespace"])
        metadata, spec = body["metadata"], body["spec"]
        if kind.name in _TEMPLATED:
            metadata, spec = spec["template"].get("metadata") or {}, spec["template"]["spec"]
        elif found := pod_security.violations(policy.enforce, metadata, spec):
            raise forbidden(kind, metadata["name"], f'violates PodSecurity "{policy.enforce}": {found}')
        found = pod_security.violations(policy.warn, metadata, spec)
        return [f'would violate PodSecurity "{policy.warn}": {found}'] if found else []

    def _level_warnings(self, old: Object, new: Object) -> list[str]:
        name = new["metadata"]["name"]
        before = pod_security.Policy.of(old["metadata"].get("labels") or {})
        after = pod_security.Policy.of(new["metadata"].get("labels") or {})
        pods = (record.object for record in self._store.select(named("Pod"), name))
        return pod_security.raised_warnings(name, before, after, pods)

    def _policy(self, namespace: str) -> pod_security.Policy:
        found = self._store.get(named("Namespace"), "", namespace)
        return pod_security.Policy.of(found.object["metadata"].get("labels") or {} if found else {})

    def _require_account(self, kind: Kind, body: Object) -> None:
        namespace, account = body["metadata"]["namespace"], body["spec"]["serviceAccountName"]
        if self._store.get(named("ServiceAccount"), namespace, account) is None:
            detail = f'error looking up service account {namespace}/{account}: serviceaccount "{account}" not found'
            raise forbidden(kind, body["metadata"]["name"], detail)

    def _limits(self, body: Object) -> list[Object]:
        records = self._store.select(named("LimitRange"), body["metadata"]["namespace"])
        return [limit for record in records for limit in record.object["spec"].get("limits") or ()]


def require_deletable(record: Record) -> None:
    """Raises a 403 ApiError for the namespaces that a cluster cannot be without."""
    if record.kind.name == "Namespace" and record.name in UNDELETABLE:
        raise forbidden(record.kind, record.name, "this namespace may not be deleted")


def _check_levels(kind: Kind, body: Object, old_labels: Object) -> None:
    labels = body["metadata"].get("labels") or {}
    causes: list[Cause] = [
        wrong(f"metadata.labels[{key}]", value, rule)
        for key, value, rule in pod_security.label_faults(labels)
        if old_labels.get(key) != value
    ]
    if causes:
        raise invalid(kind, body["metadata"]["name"], causes)


def _listed(faults: list[str]) -> str:
    return faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]"

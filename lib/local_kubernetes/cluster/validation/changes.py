"""What may not change in an object that exists."""

from typing import Any

from local_kubernetes.cluster.kinds import Kind, Object
from local_kubernetes.cluster.status import refused, wrong

from .values import Causes, Fields

_FROZEN_POD = (
    "pod updates may not change fields other than `spec.containers[*].image`, `spec.initContainers[*].image`, "
    "`spec.activeDeadlineSeconds`, `spec.tolerations` (only additions to existing tolerations), "
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_FREE_IN_POD = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds")


def check(kind: Kind, old: Object, new: Object) -> Causes:
    """Every field of `new` that differs from `old` and may not."""
    frozen = _BY_KIND.get(kind.name)
    return frozen(old, new) if frozen else iter(())


def _pod(old: Object, new: Object) -> Causes:
    if _fixed(old["spec"]) != _fixed(new["spec"]):
        yield refused("spec", _FROZEN_POD)


def _fixed(found: Fields) -> dict[str, Any]:
    fixed = {key: value for key, value in found.items() if key not in _FREE_IN_POD}
    for name in ("containers", "initContainers"):
        fixed[name] = [{**container, "image": ""} for container in found.get(name) or ()]
    return fixed


def _selector(old: Object, new: Object) -> Causes:
    before, after = old["spec"].get("selector"), new["spec"].get("selector")
    if before != after:
        yield wrong("spec.selector", after, "field is immutable")


def _data(old: Object, new: Object) -> Causes:
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        yield refused("immutable", "field is immutable when `immutable` is set")
    for name in ("data", "binaryData"):
        if old.get(name, {}) != new.get(name, {}):
            yield refused(name, "field is immutable when `immutable` is set")


def _secret(old: Object, new: Object) -> Causes:
    if old.get("type") != new.get("type"):
        yield wrong("type", new.get("type", ""), "field is immutable")
    yield from _data(old, new)


def _address(old: Object, new: Object) -> Causes:
    before, after = old["spec"].get("clusterIP"), new["spec"].get("clusterIP")
    if before and after != before and new["spec"]["type"] != "ExternalName":
        yield wrong("spec.clusterIPs[0]", after, "may not change once set")


def _role(old: Object, new: Object) -> Causes:
    if old.get("roleRef") != new.get("roleRef"):
        yield wrong("roleRef", new.get("roleRef"), "cannot change roleRef")


def _scopes(old: Object, new: Object) -> Causes:
    before, after = (set(body.get("spec", {}).get("scopes") or ()) for body in (old, new))
    if before != after:
        yield wrong("spec.scopes", new.get("spec", {}).get("scopes") or [], "field is immutable")


_BY_KIND = {
    "Pod": _pod,
    "Deployment": _selector,
    "ReplicaSet": _selector,
    "ResourceQuota": _scopes,
    "Secret": _secret,
    "ConfigMap": _data,
    "Service": _address,
    "RoleBinding": _role,
    "ClusterRoleBinding": _role,
}

"""What the API server refuses as 422 Invalid: names, labels, required and immutable fields, per kind."""

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from . import pods, selectors
from .kinds import Kind, Object
from .status import Cause, duplicate, invalid, missing, refused, unsupported, wrong

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_ANNOTATIONS_LIMIT = 256 * 1024  # Bytes of all annotations together.
_DATA_LIMIT = 1024 * 1024  # Bytes of a Secret's or ConfigMap's data.

_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character"
)
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    "with an alphanumeric character"
)
_DNS_1035_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character"
)
_QUALIFIED_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character"
)
_LABEL_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character"
)

Causes = Iterator[Cause]


def check_new(kind: Kind, body: Object) -> None:
    """Raises a 422 ApiError with every fault of an object that is to be created."""
    _raise(kind, body, [*_metadata(kind, body["metadata"]), *_content(kind, body)])


def check_change(kind: Kind, old: Object, new: Object) -> None:
    """Raises a 422 ApiError with every fault of an object that is to replace `old`."""
    immutable = _IMMUTABLE.get(kind.name)
    frozen = immutable(old, new) if immutable else ()
    _raise(kind, new, [*_metadata(kind, new["metadata"]), *_content(kind, new), *frozen])


def _raise(kind: Kind, body: Object, causes: list[Cause]) -> None:
    if causes:
        raise invalid(kind, body["metadata"].get("name", ""), causes)


def _content(kind: Kind, body: Object) -> Causes:
    check = _BY_KIND.get(kind.name)
    if check is not None:
        yield from check(body)


def _metadata(kind: Kind, metadata: Mapping[str, Any]) -> Causes:
    yield from _name(kind, metadata.get("name", ""))
    yield from labels("metadata.labels", metadata.get("labels") or {})
    annotations = metadata.get("annotations") or {}
    for key in annotations:
        yield from _qualified("metadata.annotations", key.lower())
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > _ANNOTATIONS_LIMIT:
        detail = f"Too long: may not be more than {_ANNOTATIONS_LIMIT} bytes"
        yield Cause("FieldValueTooLong", "metadata.annotations", detail)
    for index, owner in enumerate(metadata.get("ownerReferences") or ()):
        for name in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(name):
                yield missing(f"metadata.ownerReferences[{index}].{name}", "must not be empty")
    controllers = [owner["name"] for owner in metadata.get("ownerReferences") or () if owner.get("controller")]
    if len(controllers) > 1:
        found = f'Found "true" in references for {controllers[0]} and {controllers[1]}'
        detail = f"Only one reference can have Controller set to true. {found}"
        yield Cause("FieldValueInvalid", "metadata.ownerReferences", f"Invalid value: {detail}")
    for finalizer in metadata.get("finalizers") or ():
        yield from _qualified("metadata.finalizers", finalizer)


def _name(kind: Kind, name: str) -> Causes:
    path = "metadata.name"
    if not name:
        yield missing(path, "name or generateName is required")
    elif kind.group == "rbac.authorization.k8s.io":
        if name in (".", "..") or "/" in name or "%" in name:
            yield wrong(path, name, "may not be '.' or '..' and may not contain '/' or '%'")
    elif kind.name == "Namespace":
        yield from _matches(path, name, _LABEL, 63, _LABEL_RULE)
    elif kind.name == "Service":
        yield from _matches(path, name, _DNS_1035, 63, _DNS_1035_RULE)
    else:
        yield from _matches(path, name, _SUBDOMAIN, 253, _SUBDOMAIN_RULE)


def _matches(path: str, value: str, form: re.Pattern[str], limit: int, rule: str) -> Causes:
    if len(value) > limit:
        yield wrong(path, value, f"must be no more than {limit} characters")
    if not form.fullmatch(value):
        yield wrong(path, value, f"{rule} (regex used for validation is '{form.pattern}')")


def labels(path: str, found: Mapping[str, str]) -> Causes:
    for key, value in found.items():
        yield from _qualified(path, key)
        if len(value) > 63:
            yield wrong(path, value, "must be no more than 63 characters")
        if value and not _QUALIFIED.fullmatch(value):
            yield wrong(path, value, f"{_LABEL_VALUE_RULE} (regex used for validation is '({_QUALIFIED.pattern})?')")


def _qualified(path: str, key: str) -> Causes:
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > 253 or not _SUBDOMAIN.fullmatch(prefix)):
        yield wrong(path, key, f"prefix part {_SUBDOMAIN_RULE}")
    if len(name) > 63:
        yield wrong(path, key, "name part must be no more than 63 characters")
    elif not _QUALIFIED.fullmatch(name):
        yield wrong(path, key, _QUALIFIED_RULE)


def _pod(body: Object) -> Causes:
    yield from pods.spec("spec", body["spec"])


def _workload(body: Object) -> Causes:
    spec = body["spec"]
    yield from _not_negative("spec.replicas", spec.get("replicas", 0))
    yield from _template(spec)


def _deployment(body: Object) -> Causes:
    yield from _workload(body)
    spec = body["spec"]
    strategy = spec["strategy"]
    if strategy["type"] not in ("Recreate", "RollingUpdate"):
        yield unsupported("spec.strategy.type", strategy["type"], ("Recreate", "RollingUpdate"))
    rolling = strategy.get("rollingUpdate")
    if rolling is not None:
        yield from _rolling_update(strategy["type"], rolling)
    for name in ("minReadySeconds", "revisionHistoryLimit"):
        yield from _not_negative(f"spec.{name}", spec.get(name, 0))
    if spec["progressDeadlineSeconds"] <= spec.get("minReadySeconds", 0):
        path = "spec.progressDeadlineSeconds"
        yield wrong(path, spec["progressDeadlineSeconds"], "must be greater than minReadySeconds")


def _rolling_update(strategy: str, rolling: Mapping[str, Any]) -> Causes:
    path = "spec.strategy.rollingUpdate"
    if strategy == "Recreate":
        yield refused(path, "may not be specified when strategy `type` is 'Recreate'")
        return
    for name in ("maxSurge", "maxUnavailable"):
        yield from _int_or_percent(f"{path}.{name}", rolling[name])
    if all(str(rolling[name]).rstrip("%") == "0" for name in ("maxSurge", "maxUnavailable")):
        yield wrong(f"{path}.maxUnavailable", rolling["maxUnavailable"], "may not be 0 when `maxSurge` is 0")


def _template(spec: Mapping[str, Any]) -> Causes:
    selector, template = spec.get("selector"), spec.get("template", {})
    found = template.get("metadata", {}).get("labels") or {}
    yield from labels("spec.template.metadata.labels", found)
    if not selector:
        yield missing("spec.selector")
    elif faults := list(_selector("spec.selector", selector)):
        yield from faults
    elif not selectors.label_selector(selector)({"metadata": {"labels": found}}):
        yield wrong("spec.template.metadata.labels", found, "`selector` does not match template `labels`")
    yield from pods.spec("spec.template.spec", template.get("spec", {}))
    if template.get("spec", {}).get("restartPolicy", "Always") != "Always":
        yield unsupported("spec.template.spec.restartPolicy", template["spec"]["restartPolicy"], ("Always",))


def _selector(path: str, selector: Mapping[str, Any]) -> Causes:
    yield from labels(f"{path}.matchLabels", selector.get("matchLabels") or {})
    for index, expression in enumerate(selector.get("matchExpressions") or ()):
        here = f"{path}.matchExpressions[{index}]"
        if not expression.get("key"):
            yield missing(f"{here}.key")
        operators = ("DoesNotExist", "Exists", "In", "NotIn")
        if expression.get("operator") not in operators:
            yield unsupported(f"{here}.operator", expression.get("operator", ""), operators)
        elif expression["operator"] in ("In", "NotIn") and not expression.get("values"):
            yield missing(f"{here}.values", "must be specified when `operator` is 'In' or 'NotIn'")


def _service(body: Object) -> Causes:
    spec = body["spec"]
    kinds = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
    if spec["type"] not in kinds:
        yield unsupported("spec.type", spec["type"], kinds)
    listed = spec.get("ports") or []
    if not listed and spec["type"] != "ExternalName" and spec.get("clusterIP") != "None":
        yield missing("spec.ports")
    names: set[str] = set()
    for index, port in enumerate(listed):
        path = f"spec.ports[{index}]"
        yield from pods.port_number(f"{path}.port", port.get("port"))
        yield from _port_name(f"{path}.name", port.get("name", ""), names, required=len(listed) > 1)


def _port_name(path: str, name: str, names: set[str], *, required: bool) -> Causes:
    if not name:
        if required:
            yield missing(path)
        return
    if name in names:
        yield duplicate(path, name)
    names.add(name)
    yield from _matches(path, name, _LABEL, 63, _LABEL_RULE)


def _secret(body: Object) -> Causes:
    yield from _data(body, (len(b64decode(value)) for value in (body.get("data") or {}).values()))


def _config_map(body: Object) -> Causes:
    texts = (len(value.encode()) for value in (body.get("data") or {}).values())
    binaries = (len(b64decode(value)) for value in (body.get("binaryData") or {}).values())
    yield from _data(body, (*texts, *binaries))


def _data(body: Object, sizes: Iterable[int]) -> Causes:
    """The rules that Secrets and ConfigMaps share. `sizes` are bytes of the values, binary ones before base64."""
    data = {**body.get("data", {}), **body.get("binaryData", {})}
    for key in sorted(body.get("data", {}).keys() & body.get("binaryData", {}).keys()):
        yield wrong(f"data[{key}]", key, "duplicate of key present in binaryData")
    for key in data:
        if len(key) > 253 or not _DATA_KEY.fullmatch(key):
            detail = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
            yield wrong(f"data[{key}]", key, detail)
    if sum(sizes) > _DATA_LIMIT:
        yield Cause("FieldValueTooLong", "data", f"Too long: may not be more than {_DATA_LIMIT} bytes")


def _disruption_budget(body: Object) -> Causes:
    spec = body.get("spec", {})
    if "minAvailable" in spec and "maxUnavailable" in spec:
        yield wrong("spec", "PodDisruptionBudgetSpec", "minAvailable and maxUnavailable cannot be both set")
    for name in ("minAvailable", "maxUnavailable"):
        if name in spec:
            yield from _int_or_percent(f"spec.{name}", spec[name])
    if spec.get("selector"):
        yield from _selector("spec.selector", spec["selector"])


def _network_policy(body: Object) -> Causes:
    yield from _selector("spec.podSelector", body["spec"]["podSelector"])
    for index, policy in enumerate(body["spec"]["policyTypes"]):
        if policy not in ("Egress", "Ingress"):
            yield unsupported(f"spec.policyTypes[{index}]", policy, ("Egress", "Ingress"))


def _lease(body: Object) -> Causes:
    seconds = body.get("spec", {}).get("leaseDurationSeconds")
    if seconds is not None and seconds <= 0:
        yield wrong("spec.leaseDurationSeconds", seconds, "must be greater than 0")


def _int_or_percent(path: str, value: Any) -> Causes:
    if isinstance(value, bool) or not isinstance(value, int | str):
        yield wrong(path, value, "must be an integer or percentage (e.g '5%%')")
    elif isinstance(value, int):
        yield from _not_negative(path, value)
    elif not re.fullmatch(r"\d+%", value):
        detail = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%', or '93%')"
        yield wrong(path, value, detail)


def _not_negative(path: str, value: int) -> Causes:
    if value < 0:
        yield wrong(path, value, "must be greater than or equal to 0")


def _same_selector(old: Object, new: Object) -> Causes:
    before, after = old["spec"].get("selector"), new["spec"].get("selector")
    if before != after:
        yield wrong("spec.selector", after, "field is immutable")


def _same_data(old: Object, new: Object) -> Causes:
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        yield refused("immutable", "field is immutable when `immutable` is set")
    for name in ("data", "binaryData"):
        if old.get(name, {}) != new.get(name, {}):
            yield refused(name, "field is immutable when `immutable` is set")


def _same_secret(old: Object, new: Object) -> Causes:
    if old.get("type") != new.get("type"):
        yield wrong("type", new.get("type", ""), "field is immutable")
    yield from _same_data(old, new)


def _same_address(old: Object, new: Object) -> Causes:
    before, after = old["spec"].get("clusterIP"), new["spec"].get("clusterIP")
    if before and after != before and new["spec"]["type"] != "ExternalName":
        yield wrong("spec.clusterIPs[0]", after, "may not change once set")


def _same_role(old: Object, new: Object) -> Causes:
    if old.get("roleRef") != new.get("roleRef"):
        yield wrong("roleRef", new.get("roleRef"), "cannot change roleRef")


_BY_KIND: dict[str, Callable[[Object], Causes]] = {
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _workload,
    "Service": _service,
    "Secret": _secret,
    "ConfigMap": _config_map,
    "PodDisruptionBudget": _disruption_budget,
    "NetworkPolicy": _network_policy,
    "Lease": _lease,
}

_IMMUTABLE: dict[str, Callable[[Object, Object], Causes]] = {
    "Pod": pods.frozen,
    "Deployment": _same_selector,
    "ReplicaSet": _same_selector,
    "Secret": _same_secret,
    "ConfigMap": _same_data,
    "Service": _same_address,
    "RoleBinding": _same_role,
    "ClusterRoleBinding": _same_role,
}

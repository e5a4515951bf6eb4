"""Kinds that need a few lines: Secrets and ConfigMaps, PodDisruptionBudgets, Leases, Events."""

from base64 import b64decode
from collections.abc import Iterator

from local_kubernetes.cluster.kinds import KINDS, Object
from local_kubernetes.cluster.status import Cause, missing, wrong

from . import names
from .values import Causes, Fields, int_or_percent, selector

_DATA_LIMIT = 1024 * 1024  # Bytes of a Secret's or ConfigMap's data.
_NAMESPACED = {(kind.api_version, kind.name): kind.namespaced for kind in KINDS}


def secret(body: Object) -> Causes:
    """A Secret."""
    sizes = (len(b64decode(value)) for value in (body.get("data") or {}).values())
    return _data(body, sizes)


def config_map(body: Object) -> Causes:
    """A ConfigMap. Its binary values are counted as they are before base64."""

    def sizes() -> Iterator[int]:
        yield from (names.size(value) for value in (body.get("data") or {}).values())
        yield from (len(b64decode(value)) for value in (body.get("binaryData") or {}).values())

    return _data(body, sizes())


def _data(body: Object, sizes: Iterator[int]) -> Causes:
    data, binary = body.get("data") or {}, body.get("binaryData") or {}
    for key in data:
        yield from names.data_key(f"data[{key}]", key)
        if key in binary:
            yield wrong(f"data[{key}]", key, "duplicate of key present in binaryData")
    for key in binary:
        yield from names.data_key(f"binaryData[{key}]", key)
    if sum(sizes) > _DATA_LIMIT:
        yield Cause("FieldValueTooLong", "data", f"Too long: may not be more than {_DATA_LIMIT} bytes")


def disruption_budget(body: Object) -> Causes:
    """A PodDisruptionBudget."""
    spec = body.get("spec", {})
    if "minAvailable" in spec and "maxUnavailable" in spec:
        yield wrong("spec", spec, "minAvailable and maxUnavailable cannot be both set")
    for name in ("minAvailable", "maxUnavailable"):
        if name in spec:
            yield from int_or_percent(f"spec.{name}", spec[name])
    if spec.get("selector"):
        yield from selector("spec.selector", spec["selector"])


def lease(body: Object) -> Causes:
    """A Lease."""
    spec = body.get("spec", {})
    seconds, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    if seconds is not None and seconds <= 0:
        yield wrong("spec.leaseDurationSeconds", seconds, "must be greater than 0")
    if transitions is not None and transitions < 0:
        yield wrong("spec.leaseTransitions", transitions, "must be greater than or equal to 0")


def event(body: Object) -> Causes:
    """An Event: it stands in the namespace of what it is about, or in `default` for what has none."""
    namespace, about = body["metadata"].get("namespace", ""), body.get("involvedObject") or {}
    theirs, path = about.get("namespace", ""), "involvedObject.namespace"
    if theirs != namespace and (theirs or namespace != "default"):
        yield wrong(path, theirs, "does not match event.namespace")
    has_namespace = _NAMESPACED.get((about.get("apiVersion", ""), about.get("kind", "")))
    if has_namespace is True and not theirs:
        yield missing(path, f"required for kind {about['kind']}")
    if has_namespace is False and theirs:
        yield wrong(path, theirs, f"not allowed for kind {about['kind']}")
    if body.get("eventTime"):
        yield from _new_event(body)


def _new_event(body: Fields) -> Causes:
    """What an event with an `eventTime` has to say, which older ones may leave out."""
    for name in ("reportingComponent", "reportingInstance", "action", "reason"):
        if not body.get(name):
            yield missing(name)
    for name, limit in (("reportingInstance", 128), ("action", 128), ("reason", 128), ("message", 1024)):
        if len(body.get(name) or "") > limit:
            yield wrong(name, "", f"can have at most {limit} characters")

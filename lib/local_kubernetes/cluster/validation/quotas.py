"""ResourceQuotas and LimitRanges: bounds that can be kept, of resources that there are."""

from decimal import Decimal

from local_kubernetes import quantities
from local_kubernetes.cluster.kinds import Object
from local_kubernetes.cluster.status import duplicate, missing, refused, wrong

from . import names, resources
from .values import Causes, Fields

_SCOPES = {"BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating"}
_OPPOSITES = ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"})
_LIMIT_TYPES = {"Container", "PersistentVolumeClaim", "Pod"}
_REQUEST = "defaultRequest"
# What may not exceed what: the smaller, the larger, the field that is wrong, whose value is shown, and the words.
_ORDERS = (
    ("min", "max", "min", "min", "min value {} is greater than max value {}"),
    ("min", _REQUEST, _REQUEST, _REQUEST, "min value {} is greater than default request value {}"),
    (_REQUEST, "max", _REQUEST, _REQUEST, "default request value {} is greater than max value {}"),
    (_REQUEST, "default", _REQUEST, _REQUEST, "default request value {} is greater than default limit value {}"),
    ("min", "default", "default", "min", "min value {} is greater than default value {}"),
    ("default", "max", "default", "max", "default value {} is greater than max value {}"),
)


def resource_quota(body: Object) -> Causes:
    """A ResourceQuota's `hard` amounts and scopes."""
    spec = body.get("spec", {})
    hard = spec.get("hard") or {}
    for resource, amount in hard.items():
        yield from resources.of_quota(f"spec.hard[{resource}]", resource, amount)
    scopes = spec.get("scopes") or []
    for scope in scopes:
        if scope not in _SCOPES:
            yield wrong("spec.scopes", scopes, "unsupported scope")
        elif (scope == "BestEffort" and hard.keys() - {"pods"}) or _counts_other_objects(hard):
            yield wrong("spec.scopes", scopes, "unsupported scope applied to resource")
    if any(set(scopes) >= pair for pair in _OPPOSITES):
        yield wrong("spec.scopes", scopes, "conflicting scopes")


def limit_range(body: Object) -> Causes:
    """A LimitRange's items: one for each type, in each of which no bound contradicts another."""
    seen: set[str] = set()
    for index, item in enumerate(body.get("spec", {}).get("limits") or ()):
        path, kind = f"spec.limits[{index}]", item.get("type", "")
        yield from _limit_type(f"{path}.type", kind)
        if kind in seen:
            yield duplicate(f"{path}.type", kind)
        seen.add(kind)
        yield from _limit(path, item, kind)


def _counts_other_objects(hard: Fields) -> bool:
    """Scopes choose pods: a quota with scopes cannot bound other objects."""
    return any("/" not in name and name.partition(".")[0] in ("configmaps", "secrets", "services") for name in hard)


def _limit_type(path: str, kind: str) -> Causes:
    faults = list(names.qualified(path, kind))
    yield from faults
    if not faults and "/" not in kind and kind not in _LIMIT_TYPES:
        yield wrong(path, kind, "must be a standard limit type or fully qualified")


def _limit(path: str, item: Fields, kind: str) -> Causes:
    check = resources.of_container if kind in ("Container", "Pod") else resources.named
    for bound in ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio"):
        if bound in ("default", "defaultRequest") and kind == "Pod":
            if item.get(bound):
                yield refused(f"{path}.{bound}", "may not be specified when `type` is 'Pod'")
            continue
        for resource in item.get(bound) or ():
            yield from check(f"{path}.{bound}[{resource}]", resource)
    if kind == "PersistentVolumeClaim" and not any("storage" in (item.get(bound) or {}) for bound in ("min", "max")):
        detail = "either minimum or maximum storage value is required, but neither was provided"
        yield missing(f"{path}.limits", detail)
    defaults = ("default", "defaultRequest") if kind == "Pod" else ()
    yield from _contradictions(path, {name: bound for name, bound in item.items() if name not in defaults})


def _contradictions(path: str, item: Fields) -> Causes:
    for low, high, at, shown, text in _ORDERS:
        for resource in sorted((item.get(low) or {}).keys() & (item.get(high) or {}).keys()):
            smaller, larger = item[low][resource], item[high][resource]
            if quantities.parse(smaller) > quantities.parse(larger):
                yield wrong(f"{path}.{at}[{resource}]", item[shown][resource], text.format(smaller, larger))
    for resource, ratio in (item.get("maxLimitRequestRatio") or {}).items():
        yield from _ratio(f"{path}.maxLimitRequestRatio[{resource}]", item, resource, ratio)


def _ratio(path: str, item: Fields, resource: str, ratio: str) -> Causes:
    if quantities.parse(ratio) < 1:
        yield wrong(path, ratio, f"ratio {ratio} is less than 1")
    low, high = (quantities.parse((item.get(bound) or {}).get(resource, "0")) for bound in ("min", "max"))
    if low > 0 and high > 0 and quantities.parse(ratio) > high / low:
        yield wrong(path, ratio, f"ratio {ratio} is greater than max/min = {Decimal(high / low):f}")

"""Names and amounts of resources: what containers ask for, what quotas and limit ranges bound."""

from local_kubernetes import quantities
from local_kubernetes.cluster.status import wrong

from . import names
from .values import Causes, Fields

_COMPUTE = {"cpu", "memory", "ephemeral-storage"}
_OBJECTS = {
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
}
_BOUNDS = {f"{bound}.{name}" for bound in ("limits", "requests") for name in _COMPUTE}
_QUOTA = {*_COMPUTE, *_OBJECTS, *_BOUNDS, "requests.storage"}
_STANDARD = {*_QUOTA, "storage"}


def requirements(path: str, found: Fields) -> Causes:
    """`requests` and `limits` of a container."""
    limits, requests = found.get("limits") or {}, found.get("requests") or {}
    for name, group in (("limits", limits), ("requests", requests)):
        for resource, amount in group.items():
            here = f"{path}.{name}[{resource}]"
            yield from of_container(here, resource)
            yield from _amount(here, resource, amount)
    for resource, amount in requests.items():
        limit = limits.get(resource)
        if limit is not None and quantities.parse(amount) > quantities.parse(limit):
            yield wrong(f"{path}.requests", amount, f"must be less than or equal to {resource} limit of {limit}")


def of_container(path: str, resource: str) -> Causes:
    """A resource that a container may ask for: a standard one, huge pages, or a `vendor.example/device`."""
    yield from named(path, resource)
    if "/" not in resource and resource not in _COMPUTE and not _is_huge_pages(resource):
        yield wrong(path, resource, "must be a standard resource for containers")


def of_quota(path: str, resource: str, amount: str) -> Causes:
    """One line of a quota. A resource with a slash is an extended one, or `count/…`."""
    yield from named(path, resource)
    if "/" not in resource and resource not in _QUOTA and not _is_huge_pages(resource.removeprefix("requests.")):
        yield wrong(path, resource, "must be a standard resource for quota")
    yield from _amount(path, resource, amount)


def named(path: str, resource: str) -> Causes:
    """A resource of any kind."""
    faults = list(names.qualified(path, resource))
    yield from faults
    if not faults and "/" not in resource and not _is_standard(resource):
        yield wrong(path, resource, "must be a standard resource type or fully qualified")


def _amount(path: str, resource: str, amount: str) -> Causes:
    value = quantities.parse(amount)
    if value < 0:
        yield wrong(path, amount, "must be greater than or equal to 0")
    is_counted = resource in _OBJECTS or "/" in resource
    if is_counted and value != value.to_integral_value():
        yield wrong(path, amount, "must be an integer")


def _is_standard(resource: str) -> bool:
    return resource in _STANDARD or _is_huge_pages(resource.removeprefix("requests."))


def _is_huge_pages(resource: str) -> bool:
    return resource.startswith("hugepages-")

"""The environment of a container: `env` and `envFrom`, with exactly one source each."""

import re

from local_kubernetes.cluster.status import missing, unsupported, wrong

from . import names
from .values import Causes, Fields

_VALUE_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef")
_MAP_SOURCES = ("configMapRef", "secretRef")
_POD_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_CONVERTIBLE_FIELDS = (*_POD_FIELDS, "metadata.annotations", "metadata.labels", "spec.restartPolicy", "status.phase")
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]")
_RESOURCES = tuple(
    f"{bound}.{name}" for bound in ("limits", "requests") for name in ("cpu", "ephemeral-storage", "memory")
)
_DIVISORS = {
    "cpu": ("1", "1m"),
    "memory": ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"),
}


def variables(path: str, found: list[Fields]) -> Causes:
    """The variables of `env`."""
    for index, variable in enumerate(found):
        here = f"{path}[{index}]"
        if not variable.get("name"):
            yield missing(f"{here}.name")
        else:
            yield from names.variable(f"{here}.name", variable["name"])
        if "valueFrom" in variable:
            yield from _value_from(f"{here}.valueFrom", variable["valueFrom"], bool(variable.get("value")))


def maps(path: str, found: list[Fields]) -> Causes:
    """The Secrets and ConfigMaps of `envFrom`."""
    for index, source in enumerate(found):
        here = f"{path}[{index}]"
        if source.get("prefix"):
            yield from names.variable(f"{here}.prefix", source["prefix"])
        given = [name for name in _MAP_SOURCES if name in source]
        for name in given:
            if not source[name].get("name"):
                yield missing(f"{here}.{name}.name")
        if not given:
            yield wrong(here, "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(given) > 1:
            yield wrong(here, "", "may not have more than one field specified at a time")


def field_reference(path: str, reference: Fields, *, volume: bool = False) -> Causes:
    """A field of the pod, for a variable or, with `volume`, for a file of the downward API."""
    found = reference.get("fieldPath", "")
    if not found:
        yield missing(f"{path}.fieldPath")
        return
    if subscript := _SUBSCRIPT.fullmatch(found):
        yield from names.qualified(path, subscript[2] if subscript[1] == "labels" else subscript[2].lower())
        return
    if found not in _CONVERTIBLE_FIELDS:
        yield wrong(f"{path}.fieldPath", found, f"error converting fieldPath: field label not supported: {found}")
        return
    whole_maps = ("metadata.annotations", "metadata.labels")
    allowed = (*whole_maps, *_POD_FIELDS[:3]) if volume else _POD_FIELDS
    if found not in allowed:
        yield unsupported(f"{path}.fieldPath", found, allowed)


def resource_reference(path: str, reference: Fields, *, volume: bool = False) -> Causes:
    """A resource of a container, which a volume has to name."""
    if volume and not reference.get("containerName"):
        yield missing(f"{path}.containerName")
    resource = reference.get("resource", "")
    if not resource:
        yield missing(f"{path}.resource")
        return
    if resource not in _RESOURCES and not re.fullmatch(r"(limits|requests)\.hugepages-.+", resource):
        yield unsupported(f"{path}.resource", resource, _RESOURCES)
        return
    name = resource.partition(".")[2]
    allowed = _DIVISORS["cpu" if name == "cpu" else "memory"]
    divisor = reference.get("divisor") or "0"
    if divisor not in ("0", *allowed):
        detail = f"only divisor's values {', '.join(allowed)} are supported with the {name} resource"
        yield wrong(f"{path}.divisor", resource, detail)


def _value_from(path: str, source: Fields, has_value: bool) -> Causes:
    given = [name for name in _VALUE_SOURCES if name in source]
    if "fieldRef" in source:
        yield from field_reference(f"{path}.fieldRef", source["fieldRef"])
    if "resourceFieldRef" in source:
        yield from resource_reference(f"{path}.resourceFieldRef", source["resourceFieldRef"])
    for name in ("configMapKeyRef", "secretKeyRef"):
        if name in source:
            yield from _key_reference(f"{path}.{name}", source[name])
    if not given and "fileKeyRef" not in source:
        detail = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        yield wrong(path, "", detail)
    elif has_value:
        yield wrong(path, "", "may not be specified when `value` is not empty")
    elif len(given) > 1:
        yield wrong(path, "", "may not have more than one field specified at a time")


def _key_reference(path: str, reference: Fields) -> Causes:
    if not reference.get("name"):
        yield missing(f"{path}.name")
    if not reference.get("key"):
        yield missing(f"{path}.key")
    else:
        yield from names.data_key(f"{path}.key", reference["key"])

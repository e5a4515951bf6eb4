"""What the API server demands of a Pod's spec, on its own or in a template, and what it lets change later."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from local_kubernetes import quantities

from .kinds import Object
from .status import Cause, duplicate, missing, refused, unsupported, wrong

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_ENV_NAME = re.compile(r"[^\x00-\x1f\x7f=]+")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_RESTART_POLICIES = ("Always", "Never", "OnFailure")
_HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket")
_FROZEN = (
    "pod updates may not change fields other than `spec.containers[*].image`, `spec.initContainers[*].image`, "
    "`spec.activeDeadlineSeconds`, `spec.tolerations` (only additions to existing tolerations), "
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)

Causes = Iterator[Cause]


def spec(path: str, found: Mapping[str, Any]) -> Causes:
    containers = found.get("containers") or []
    if not containers:
        yield missing(f"{path}.containers")
    if found.get("restartPolicy") not in _RESTART_POLICIES:
        yield unsupported(f"{path}.restartPolicy", found.get("restartPolicy", ""), _RESTART_POLICIES)
    if found.get("terminationGracePeriodSeconds", 0) < 0:
        value = found["terminationGracePeriodSeconds"]
        yield wrong(f"{path}.terminationGracePeriodSeconds", value, "must be greater than or equal to 0")
    volumes = [volume.get("name", "") for volume in found.get("volumes") or ()]
    yield from _names(f"{path}.volumes", volumes)
    listed = (("initContainers", found.get("initContainers") or []), ("containers", containers))
    for name, group in listed:
        yield from _names(f"{path}.{name}", [container.get("name", "") for container in group])
        for index, container in enumerate(group):
            yield from _container(f"{path}.{name}[{index}]", container, volumes)


def frozen(old: Object, new: Object) -> Causes:
    """Whatever differs between two specs beyond what may change in a Pod that exists."""
    if _fixed_part(old["spec"]) != _fixed_part(new["spec"]):
        yield refused("spec", _FROZEN)


def port_number(path: str, value: object) -> Causes:
    if value is None:
        yield missing(path)
    elif not isinstance(value, int) or not 0 < value < 65536:
        yield wrong(path, value, "must be between 1 and 65535, inclusive")


def _fixed_part(found: Mapping[str, Any]) -> dict[str, Any]:
    free = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds")
    fixed = {key: value for key, value in found.items() if key not in free}
    for name in ("containers", "initContainers"):
        fixed[name] = [{**container, "image": ""} for container in found.get(name) or ()]
    return fixed


def _names(path: str, names: list[str]) -> Causes:
    for index, name in enumerate(names):
        here = f"{path}[{index}].name"
        if not name:
            yield missing(here)
        elif len(name) > 63 or not _NAME.fullmatch(name):
            rule = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"
            yield wrong(here, name, f"{rule}, start and end with an alphanumeric character and have at most 63")
        if name and name in names[:index]:
            yield duplicate(here, name)


def _container(path: str, container: Mapping[str, Any], volumes: list[str]) -> Causes:
    if not container.get("image", "").strip():
        yield missing(f"{path}.image")
    if container["imagePullPolicy"] not in _PULL_POLICIES:
        yield unsupported(f"{path}.imagePullPolicy", container["imagePullPolicy"], _PULL_POLICIES)
    yield from _environment(f"{path}.env", container.get("env") or [])
    yield from _ports(f"{path}.ports", container.get("ports") or [])
    yield from _mounts(f"{path}.volumeMounts", container.get("volumeMounts") or [], volumes)
    yield from _resources(f"{path}.resources", container.get("resources", {}))
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name in container:
            yield from _probe(f"{path}.{name}", name, container[name])


def _environment(path: str, variables: list[dict[str, Any]]) -> Causes:
    for index, variable in enumerate(variables):
        here = f"{path}[{index}]"
        name = variable.get("name", "")
        if not name:
            yield missing(f"{here}.name")
        elif not _ENV_NAME.fullmatch(name):
            yield wrong(f"{here}.name", name, "a valid environment variable name has no '=' or control characters")
        if variable.get("value") and variable.get("valueFrom"):
            yield wrong(f"{here}.valueFrom", "", "may not be specified when `value` is not empty")


def _ports(path: str, ports: list[dict[str, Any]]) -> Causes:
    names: set[str] = set()
    for index, port in enumerate(ports):
        here = f"{path}[{index}]"
        yield from port_number(f"{here}.containerPort", port.get("containerPort"))
        if port.get("protocol") not in ("SCTP", "TCP", "UDP"):
            yield unsupported(f"{here}.protocol", port.get("protocol", ""), ("SCTP", "TCP", "UDP"))
        name = port.get("name")
        if name and len(name) > 15:
            yield wrong(f"{here}.name", name, "must be no more than 15 characters")
        if name and name in names:
            yield duplicate(f"{here}.name", name)
        names.add(name or "")


def _mounts(path: str, mounts: list[dict[str, Any]], volumes: list[str]) -> Causes:
    seen: set[str] = set()
    for index, mount in enumerate(mounts):
        here = f"{path}[{index}]"
        name, target = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            yield missing(f"{here}.name")
        elif name not in volumes:
            yield Cause("FieldValueNotFound", f"{here}.name", f'Not found: "{name}"')
        if not target:
            yield missing(f"{here}.mountPath")
        elif target in seen:
            yield wrong(f"{here}.mountPath", target, "must be unique")
        seen.add(target)


def _resources(path: str, resources: Mapping[str, Any]) -> Causes:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for name, group in (("limits", limits), ("requests", requests)):
        for resource, amount in group.items():
            if quantities.parse(amount) < 0:
                yield wrong(f"{path}.{name}[{resource}]", amount, "must be greater than or equal to 0")
    for resource, amount in requests.items():
        limit = limits.get(resource)
        if limit is not None and quantities.parse(amount) > quantities.parse(limit):
            detail = f"must be less than or equal to {resource} limit of {limit}"
            yield wrong(f"{path}.requests", amount, detail)


def _probe(path: str, name: str, probe: Mapping[str, Any]) -> Causes:
    handlers = [handler for handler in _HANDLERS if handler in probe]
    if not handlers:
        yield missing(path, "must specify a handler type")
    if len(handlers) > 1:
        yield refused(f"{path}.{handlers[1]}", "may not specify more than 1 handler type")
    if name != "readinessProbe" and probe["successThreshold"] != 1:
        yield wrong(f"{path}.successThreshold", probe["successThreshold"], "must be 1")
    for number in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "failureThreshold"):
        if probe.get(number, 0) < 0:
            yield wrong(f"{path}.{number}", probe[number], "must be greater than or equal to 0")

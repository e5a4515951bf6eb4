"""A pod's spec, on its own or in a template."""

from local_kubernetes.cluster.kinds import Object
from local_kubernetes.cluster.status import duplicate, missing, unsupported, wrong

from . import containers, names, security, volumes
from .values import Causes, Fields, choice, in_range, not_negative

_RESTART_POLICIES = ("Always", "Never", "OnFailure")
_DNS_POLICIES = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
_EFFECTS = ("NoExecute", "NoSchedule", "PreferNoSchedule")


def pod(body: Object) -> Causes:
    """A Pod."""
    yield from spec("spec", body["spec"])


def spec(path: str, found: Fields) -> Causes:
    """Every fault of a pod's spec."""
    grace = found.get("terminationGracePeriodSeconds", 0)
    yield from volumes.volumes(f"{path}.volumes", found.get("volumes") or [])
    yield from _containers(path, found, grace)
    if found.get("restartPolicy") not in _RESTART_POLICIES:
        yield unsupported(f"{path}.restartPolicy", found.get("restartPolicy", ""), _RESTART_POLICIES)
    yield from choice(f"{path}.dnsPolicy", found.get("dnsPolicy", "ClusterFirst"), _DNS_POLICIES)
    yield from not_negative(f"{path}.terminationGracePeriodSeconds", grace)
    if "activeDeadlineSeconds" in found:
        yield from in_range(f"{path}.activeDeadlineSeconds", found["activeDeadlineSeconds"], 1, 2**31 - 1)
    yield from names.labels(f"{path}.nodeSelector", found.get("nodeSelector") or {})
    for name, form in (("serviceAccountName", names.SUBDOMAIN), ("nodeName", names.SUBDOMAIN)):
        if found.get(name):
            yield from form.check(f"{path}.{name}", found[name])
    for name in ("hostname", "subdomain"):
        if found.get(name):
            yield from names.LABEL.check(f"{path}.{name}", found[name])
    yield from _tolerations(f"{path}.tolerations", found.get("tolerations") or [])
    yield from security.pod(f"{path}.securityContext", found.get("securityContext", {}), found)
    if found.get("hostNetwork"):
        yield from _host_ports(f"{path}.containers", found.get("containers") or [])


def _containers(path: str, found: Fields, grace: int) -> Causes:
    if not found.get("containers"):
        yield missing(f"{path}.containers")
    known = {volume.get("name", "") for volume in found.get("volumes") or ()}
    seen: set[str] = set()
    for group in ("containers", "initContainers"):
        for index, container in enumerate(found.get(group) or ()):
            here, name = f"{path}.{group}[{index}]", container.get("name", "")
            if not name:
                yield missing(f"{here}.name")
            else:
                yield from names.LABEL.check(f"{here}.name", name)
            if name and name in seen:
                yield duplicate(f"{here}.name", name)
            seen.add(name)
            yield from containers.check(here, container, known, grace)
            if group == "initContainers":
                yield from containers.runs_once(here, container)


def _tolerations(path: str, tolerations: list[Fields]) -> Causes:
    for index, toleration in enumerate(tolerations):
        here = f"{path}[{index}]"
        key, operator = toleration.get("key", ""), toleration.get("operator", "") or "Equal"
        if key:
            yield from names.qualified(f"{here}.key", key)
        elif operator != "Exists":
            detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            yield wrong(f"{here}.operator", operator, detail)
        if operator == "Exists" and toleration.get("value"):
            detail = "value must be empty when `operator` is 'Exists'"
            yield wrong(f"{here}.operator", toleration["value"], detail)
        elif operator not in ("Equal", "Exists"):
            yield unsupported(f"{here}.operator", operator, ("Equal", "Exists"))
        effect = toleration.get("effect", "")
        if effect and effect not in _EFFECTS:
            yield unsupported(f"{here}.effect", effect, _EFFECTS)
        if "tolerationSeconds" in toleration and effect != "NoExecute":
            detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            yield wrong(f"{here}.effect", effect, detail)


def _host_ports(path: str, found: list[Fields]) -> Causes:
    for index, container in enumerate(found):
        for number, port in enumerate(container.get("ports") or ()):
            if port.get("hostPort", port.get("containerPort")) != port.get("containerPort"):
                here = f"{path}[{index}].ports[{number}].containerPort"
                yield wrong(here, port["containerPort"], "must match `hostPort` when `hostNetwork` is true")

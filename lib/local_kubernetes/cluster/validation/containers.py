"""One container of a pod."""

from local_kubernetes.cluster.status import duplicate, missing, refused, wrong

from . import environment, handlers, names, resources, security, volumes
from .values import PROTOCOLS, Causes, Fields, choice, in_range, port_number

_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("FallbackToLogsOnError", "File")
_ONCE = "may not be set for init containers without restartPolicy=Always"


def check(path: str, container: Fields, known_volumes: set[str], grace_seconds: int) -> Causes:
    """Every fault of a container but its name, which has to differ from the others'."""
    image = container.get("image", "")
    if not image:
        yield missing(f"{path}.image")
    elif image.strip() != image:
        yield wrong(f"{path}.image", image, "must not have leading or trailing whitespace")
    yield from choice(f"{path}.imagePullPolicy", container["imagePullPolicy"], _PULL_POLICIES)
    yield from choice(
        f"{path}.terminationMessagePolicy", container.get("terminationMessagePolicy", "File"), _MESSAGE_POLICIES
    )
    yield from _ports(f"{path}.ports", container.get("ports") or [])
    yield from environment.variables(f"{path}.env", container.get("env") or [])
    yield from environment.maps(f"{path}.envFrom", container.get("envFrom") or [])
    yield from volumes.mounts(f"{path}.volumeMounts", container.get("volumeMounts") or [], known_volumes)
    yield from resources.requirements(f"{path}.resources", container.get("resources", {}))
    yield from handlers.probes(path, container)
    yield from handlers.lifecycle(f"{path}.lifecycle", container.get("lifecycle", {}), grace_seconds)
    yield from security.container(f"{path}.securityContext", container.get("securityContext", {}))


def runs_once(path: str, container: Fields) -> Causes:
    """What an init container may not have, unless it keeps running beside the others."""
    if container.get("restartPolicy") == "Always":
        return
    for name in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name):
            yield refused(f"{path}.{name}", _ONCE)


def _ports(path: str, ports: list[Fields]) -> Causes:
    seen: set[str] = set()
    for index, port in enumerate(ports):
        here, name = f"{path}[{index}]", port.get("name")
        if name:
            yield from names.port_name(f"{here}.name", name)
            if name in seen:
                yield duplicate(f"{here}.name", name)
            seen.add(name)
        yield from port_number(f"{here}.containerPort", port.get("containerPort"))
        if port.get("hostPort"):
            yield from in_range(f"{here}.hostPort", port["hostPort"], 1, 65535)
        if not port.get("protocol"):
            yield missing(f"{here}.protocol")
        else:
            yield from choice(f"{here}.protocol", port["protocol"], PROTOCOLS)

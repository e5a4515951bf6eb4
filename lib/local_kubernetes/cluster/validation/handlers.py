"""What calls a container from outside: its probes, and the hooks of its life."""

from local_kubernetes.cluster.status import missing, wrong

from . import names
from .values import Causes, Fields, at_most_one, choice, not_negative, port_number, port_reference

_PROBE_HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket")
_HOOK_HANDLERS = ("exec", "httpGet", "sleep", "tcpSocket")
_SCHEMES = ("HTTP", "HTTPS")


def probes(path: str, container: Fields) -> Causes:
    """The three probes of a container."""
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name in container:
            yield from _probe(f"{path}.{name}", name, container[name])


def lifecycle(path: str, found: Fields, grace_seconds: int) -> Causes:
    """The hooks `postStart` and `preStop`; the latter sleeps no longer than the pod's grace."""
    for name in ("postStart", "preStop"):
        if name not in found:
            continue
        hook, here = found[name], f"{path}.{name}"
        yield from _handler(here, hook, _HOOK_HANDLERS)
        seconds = hook.get("sleep", {}).get("seconds")
        if seconds is not None and not 0 <= seconds <= grace_seconds:
            detail = f"must be non-negative and less than terminationGracePeriodSeconds ({grace_seconds})"
            yield wrong(f"{here}.sleep", seconds, detail)


def _probe(path: str, name: str, probe: Fields) -> Causes:
    yield from _handler(path, probe, _PROBE_HANDLERS)
    for number in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
        yield from not_negative(f"{path}.{number}", probe.get(number, 0))
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        yield wrong(f"{path}.terminationGracePeriodSeconds", grace, "must be greater than 0")
    if name == "readinessProbe":
        if grace is not None:
            yield wrong(f"{path}.terminationGracePeriodSeconds", grace, "must not be set for readinessProbes")
    elif probe.get("successThreshold", 1) != 1:
        yield wrong(f"{path}.successThreshold", probe["successThreshold"], "must be 1")


def _handler(path: str, found: Fields, handlers: tuple[str, ...]) -> Causes:
    given = [name for name in handlers if name in found]
    if not given:
        yield missing(path, "must specify a handler type")
        return
    yield from at_most_one(path, found, handlers, "handler")
    name = next(name for name in found if name in handlers)
    handler, here = found[name], f"{path}.{name}"
    if name == "exec" and not handler.get("command"):
        yield missing(f"{here}.command")
    if name == "httpGet":
        yield from _http(here, handler)
    if name == "tcpSocket":
        yield from port_reference(f"{here}.port", handler.get("port"))
    if name == "grpc":
        yield from port_number(f"{here}.port", handler.get("port"))


def _http(path: str, handler: Fields) -> Causes:
    if not handler.get("path"):
        yield missing(f"{path}.path")
    yield from port_reference(f"{path}.port", handler.get("port"))
    yield from choice(f"{path}.scheme", handler.get("scheme", "HTTP"), _SCHEMES)
    for header in handler.get("httpHeaders") or ():
        yield from names.HEADER.check(f"{path}.httpHeaders", header.get("name", ""))

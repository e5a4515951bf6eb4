"""Services: their type, and each of their ports."""

import ipaddress

from local_kubernetes.cluster.kinds import Object
from local_kubernetes.cluster.status import duplicate, missing, refused, wrong

from . import names
from .values import PROTOCOLS, Causes, Fields, choice, in_range, port_number, port_reference

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_NODE_PORTS = (30000, 32767)


def service(body: Object) -> Causes:
    """A Service."""
    spec = body["spec"]
    kind, ports = spec["type"], spec.get("ports") or []
    yield from choice("spec.type", kind, _TYPES)
    if not ports and kind != "ExternalName" and spec.get("clusterIP") != "None":
        yield missing("spec.ports")
    yield from _ports(kind, ports)
    yield from names.labels("spec.selector", spec.get("selector") or {})
    yield from choice("spec.sessionAffinity", spec.get("sessionAffinity", "None"), ("ClientIP", "None"))
    if kind == "ExternalName":
        yield from _external(spec)
    else:
        yield from _address(spec, kind)


def _external(spec: Fields) -> Causes:
    if not spec.get("externalName"):
        yield missing("spec.externalName")
    else:
        yield from names.SUBDOMAIN.check("spec.externalName", spec["externalName"].rstrip("."))
    if spec.get("clusterIP"):
        yield refused("spec.clusterIPs", "may not be set for ExternalName services")


def _address(spec: Fields, kind: str) -> Causes:
    address = spec.get("clusterIP", "")
    if address == "None":
        if kind != "ClusterIP":
            yield wrong("spec.clusterIPs[0]", address, f"may not be set to 'None' for {kind} services")
        return
    try:
        ipaddress.ip_address(address)
    except ValueError:
        detail = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        yield wrong("spec.clusterIPs[0]", address, detail)


def _ports(kind: str, ports: list[Fields]) -> Causes:
    seen_names: set[str] = set()
    seen_ports: set[tuple[object, object]] = set()
    for index, port in enumerate(ports):
        path = f"spec.ports[{index}]"
        yield from _name(f"{path}.name", port.get("name", ""), seen_names, required=len(ports) > 1)
        yield from port_number(f"{path}.port", port.get("port"))
        yield from choice(f"{path}.protocol", port.get("protocol", "TCP"), PROTOCOLS)
        yield from port_reference(f"{path}.targetPort", port.get("targetPort"))
        yield from _node_port(f"{path}.nodePort", kind, port.get("nodePort", 0))
        place = (port.get("protocol"), port.get("port"))
        if place in seen_ports:
            yield duplicate(path, {"protocol": place[0], "port": place[1]})
        seen_ports.add(place)


def _name(path: str, name: str, seen: set[str], *, required: bool) -> Causes:
    if not name:
        if required:
            yield missing(path)
        return
    yield from names.LABEL.check(path, name)
    if name in seen:
        yield duplicate(path, name)
    seen.add(name)


def _node_port(path: str, kind: str, port: int) -> Causes:
    if not port:
        return
    if kind in ("ClusterIP", "ExternalName"):
        yield refused(path, f"may not be used when `type` is '{kind}'")
        return
    yield from in_range(path, port, 1, 65535)
    low, high = _NODE_PORTS
    if not low <= port <= high:
        yield wrong(path, port, f"provided port is not in the valid range. The range of valid ports is {low}-{high}")

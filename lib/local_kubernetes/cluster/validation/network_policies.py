"""NetworkPolicies: peers and ports of each rule."""

import ipaddress

from local_kubernetes.cluster.kinds import Object
from local_kubernetes.cluster.status import missing, refused, unsupported, wrong

from . import names
from .values import PROTOCOLS, Causes, Fields, choice, in_range, port_number, selector

_TYPES = ("Egress", "Ingress")
_RULES = (("ingress", "from"), ("egress", "to"))


def network_policy(body: Object) -> Causes:
    """A NetworkPolicy."""
    spec = body["spec"]
    yield from selector("spec.podSelector", spec["podSelector"])
    for direction, peers in _RULES:
        for index, rule in enumerate(spec.get(direction) or ()):
            path = f"spec.{direction}[{index}]"
            for number, port in enumerate(rule.get("ports") or ()):
                yield from _port(f"{path}.ports[{number}]", port)
            for number, peer in enumerate(rule.get(peers) or ()):
                yield from _peer(f"{path}.{peers}[{number}]", peer)
    if len(spec["policyTypes"]) > len(_TYPES):
        yield wrong("spec.policyTypes", spec["policyTypes"], "may not specify more than two policyTypes")
        return
    for index, policy in enumerate(spec["policyTypes"]):
        if policy not in _TYPES:
            yield unsupported(f"spec.policyTypes[{index}]", policy, _TYPES)


def _port(path: str, found: Fields) -> Causes:
    yield from choice(f"{path}.protocol", found.get("protocol", "TCP"), PROTOCOLS)
    port, end = found.get("port"), found.get("endPort")
    if isinstance(port, str):
        if end is not None:
            yield wrong(f"{path}.endPort", end, "may not be specified when `port` is non-numeric")
        yield from names.port_name(f"{path}.port", port)
    elif port is not None:
        yield from port_number(f"{path}.port", port)
        if end is not None and isinstance(port, int) and end < port:
            yield wrong(f"{path}.endPort", end, "must be greater than or equal to `port`")
    elif end is not None:
        yield wrong(f"{path}.endPort", end, "may not be specified when `port` is not specified")
    if end is not None:
        yield from in_range(f"{path}.endPort", end, 1, 65535)


def _peer(path: str, peer: Fields) -> Causes:
    for name in ("podSelector", "namespaceSelector"):
        if name in peer:
            yield from selector(f"{path}.{name}", peer[name])
    if "ipBlock" in peer:
        yield from _block(f"{path}.ipBlock", peer["ipBlock"])
        if len(peer) > 1:
            yield refused(path, "may not specify both ipBlock and another peer")
    elif not peer:
        yield missing(path, "must specify a peer")


def _block(path: str, block: Fields) -> Causes:
    if not block.get("cidr"):
        yield missing(f"{path}.cidr")
        return
    network = _network(block["cidr"])
    if network is None:
        yield wrong(f"{path}.cidr", block["cidr"], "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")
        return
    for index, text in enumerate(block.get("except") or ()):
        here, inner = f"{path}.except[{index}]", _network(text)
        if inner is None:
            yield wrong(here, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")
        elif not (inner.prefixlen > network.prefixlen and _contains(network, inner)):
            yield wrong(here, text, "must be a strict subset of `cidr`")


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


def _contains(outer: Network, inner: Network) -> bool:
    return outer.version == inner.version and inner.network_address in outer

"""ResourceQuotas: what objects cost by every name that a quota may limit, and whether there is room for one more."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from local_kubernetes import quantities
from local_kubernetes.cluster.kinds import NAMESPACED, Kind, Object, named
from local_kubernetes.cluster.status import forbidden
from local_kubernetes.cluster.store import Store

from . import usage

_FINISHED = ("Succeeded", "Failed")
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_PLAIN_COUNTS = ("services", "secrets", "configmaps", "resourcequotas")
_MUST_BE_STATED = ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")

Costs = dict[str, Decimal]


def require_room(store: Store, kind: Kind, new: Object, old: Object) -> None:
    """Raises a 403 ApiError when a quota has no room for a new object, or for what a change of it adds.

    `old` is empty for an object that is to be created.
    """
    namespace = new["metadata"]["namespace"]
    for record in store.select(named("ResourceQuota"), namespace):
        spec = record.object.get("spec") or {}
        hard = spec.get("hard") or {}
        if not _is_in_scope(spec, kind, new):
            continue
        if not old:
            _require_stated(kind, new, record.name, hard)
        before = charge(kind, old) if old else {}
        added = {name: amount - before.get(name, Decimal(0)) for name, amount in charge(kind, new).items()}
        asked = {name: amount for name, amount in added.items() if name in hard and amount > 0}
        if asked:
            _require(kind, new, record.name, hard, asked, used_by(store, namespace, spec, asked))


def charge(kind: Kind, body: Object) -> Costs:
    """What one object costs. A finished Pod still counts as an object, but takes no room for running pods."""
    costs: Costs = {f"count/{kind.resource}": Decimal(1)}
    if not kind.group and kind.plural in _PLAIN_COUNTS:
        costs[kind.plural] = Decimal(1)
    if kind.name == "Service":
        costs.update(_service(body.get("spec") or {}))
    if kind.name == "Pod" and (body.get("status") or {}).get("phase") not in _FINISHED:
        costs.update(_pod(body["spec"]))
    return costs


def used_by(store: Store, namespace: str, spec: Object, names: Iterable[str]) -> Costs:
    """What the namespace's objects cost together under each of those names, as far as the quota's scopes reach."""
    used = dict.fromkeys(names, Decimal(0))
    for kind in NAMESPACED:
        for record in store.select(kind, namespace):
            if not _is_in_scope(spec, kind, record.object):
                continue
            for name, amount in charge(kind, record.object).items():
                if name in used:
                    used[name] += amount
    return used


def status(store: Store, quota: Object) -> Object:
    """A quota's status as its controller writes it: its limits, and what is used of each, in the limit's notation."""
    spec = quota.get("spec") or {}
    hard = spec.get("hard") or {}
    used = used_by(store, quota["metadata"]["namespace"], spec, hard)
    return {"hard": dict(hard), "used": {name: quantities.show(used[name], like=hard[name]) for name in hard}}


def _pod(spec: Object) -> Costs:
    costs = {"pods": Decimal(1)}
    for group in ("requests", "limits"):
        for name, amount in usage.of_pod(spec, group).items():
            costs[f"{group}.{name}"] = amount
            if group == "requests" and name in _COMPUTE:
                costs[name] = amount
    return costs


def _service(spec: Object) -> Costs:
    costs: Costs = {}
    if spec.get("type") == "LoadBalancer":
        costs["services.loadbalancers"] = Decimal(1)
    has_node_ports = spec.get("type") == "NodePort" or (
        spec.get("type") == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts", True)
    )
    if has_node_ports:
        costs["services.nodeports"] = Decimal(len(spec.get("ports") or ()))
    return costs


def _require_stated(kind: Kind, body: Object, quota: str, hard: Mapping[str, str]) -> None:
    """Where a quota limits cpu or memory, each container has to state its own."""
    if kind.name != "Pod":
        return
    spec = body["spec"]
    lacking: dict[str, list[str]] = {}
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        stated = _pod({"containers": [container]})
        for name in _MUST_BE_STATED:
            if name in hard and name not in stated:
                lacking.setdefault(name, []).append(container["name"])
    if lacking:
        listed = "; ".join(f"{name} for: {','.join(sorted(lacking[name]))}" for name in sorted(lacking))
        raise forbidden(kind, body["metadata"]["name"], f"failed quota: {quota}: must specify {listed}")


def _require(kind: Kind, body: Object, quota: str, hard: Mapping[str, str], asked: Costs, used: Costs) -> None:
    over = sorted(name for name in asked if used[name] + asked[name] > quantities.parse(hard[name]))
    if not over:
        return

    def shown(amounts: Costs) -> str:
        return ",".join(f"{name}={quantities.show(amounts[name], like=hard[name])}" for name in over)

    limited = ",".join(f"{name}={hard[name]}" for name in over)
    detail = f"exceeded quota: {quota}, requested: {shown(asked)}, used: {shown(used)}, limited: {limited}"
    raise forbidden(kind, body["metadata"]["name"], detail)


def _is_in_scope(spec: Object, kind: Kind, body: Object) -> bool:
    """Whether a quota counts that object. A quota with scopes counts only pods, those of all of its scopes."""
    terms = [{"scopeName": name, "operator": "Exists"} for name in spec.get("scopes") or ()]
    terms += (spec.get("scopeSelector") or {}).get("matchExpressions") or []
    if not terms:
        return True
    return kind.name == "Pod" and all(_matches_scope(term, body) for term in terms)


def _matches_scope(term: Mapping[str, Any], pod: Object) -> bool:
    spec = pod["spec"]
    is_best_effort = (pod.get("status") or {}).get("qosClass") == "BestEffort"
    is_terminating = spec.get("activeDeadlineSeconds") is not None
    match term.get("scopeName"):
        case "BestEffort":
            return is_best_effort
        case "NotBestEffort":
            return not is_best_effort
        case "Terminating":
            return is_terminating
        case "NotTerminating":
            return not is_terminating
        case "PriorityClass":
            return _matches_class(term, spec.get("priorityClassName", ""))
        case _:
            return False


def _matches_class(term: Mapping[str, Any], name: str) -> bool:
    match term.get("operator"):
        case "In":
            return name in (term.get("values") or ())
        case "NotIn":
            return name not in (term.get("values") or ())
        case "DoesNotExist":
            return not name
        case _:
            return bool(name)

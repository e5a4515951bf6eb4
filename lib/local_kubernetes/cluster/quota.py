"""What objects count against a ResourceQuota, and what a namespace uses.

Quotas without scopes only: a quota that is limited to a scope is counted as if it had none.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from . import quantities
from .kinds import NAMESPACED, Kind, Object
from .store import Store

_FINISHED = ("Succeeded", "Failed")
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_PLAIN_COUNTS = ("pods", "services", "secrets", "configmaps", "resourcequotas")


def charge(kind: Kind, body: Object) -> dict[str, Decimal]:
    """What one object costs by every name that a quota may count it under; nothing for a finished Pod."""
    if kind.name == "Pod" and body.get("status", {}).get("phase") in _FINISHED:
        return {}
    costs = {f"count/{kind.resource}": Decimal(1)}
    if not kind.group and kind.plural in _PLAIN_COUNTS:
        costs[kind.plural] = Decimal(1)
    if kind.name == "Pod":
        costs.update(_compute(body["spec"]))
    return costs


def compute_names(kind: Kind, hard: Iterable[str]) -> set[str]:
    """The cpu and memory entries of a quota, which a Pod in its namespace has to state."""
    if kind.name != "Pod":
        return set()
    return {name for name in hard if name.removeprefix("requests.").removeprefix("limits.") in _COMPUTE}


def usage(store: Store, namespace: str, names: Iterable[str]) -> dict[str, Decimal]:
    """What the namespace's objects cost together under each of those names."""
    used = dict.fromkeys(names, Decimal(0))
    for kind in NAMESPACED:
        for record in store.select(kind, namespace):
            for name, amount in charge(kind, record.object).items():
                if name in used:
                    used[name] += amount
    return used


def shown(hard: Mapping[str, str], used: Mapping[str, Decimal]) -> dict[str, str]:
    """A quota's `status.used`, in the notation of its limits."""
    return {name: quantities.show(used[name], like=hard[name]) for name in hard}


def _compute(spec: Object) -> dict[str, Decimal]:
    costs: dict[str, Decimal] = {}
    for container in spec.get("containers", ()):
        resources = container.get("resources", {})
        for group in ("requests", "limits"):
            for name, amount in (resources.get(group) or {}).items():
                value = quantities.parse(amount)
                full = f"{group}.{name}"
                costs[full] = costs.get(full, Decimal(0)) + value
                if group == "requests":
                    costs[name] = costs.get(name, Decimal(0)) + value
    return costs

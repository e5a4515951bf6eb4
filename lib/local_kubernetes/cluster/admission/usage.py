"""What containers and whole pods ask for, as limits and quotas count it."""

from decimal import Decimal

from local_kubernetes import quantities
from local_kubernetes.cluster.kinds import Object

Amounts = dict[str, Decimal]


def of_container(container: Object, group: str) -> Amounts:
    """One container's `requests` or `limits`, by resource."""
    stated = (container.get("resources") or {}).get(group) or {}
    return {name: quantities.parse(amount) for name, amount in stated.items()}


def of_pod(spec: Object, group: str) -> Amounts:
    """A pod's `requests` or `limits`: the sum of its containers, or its largest init container where that is more.

    Init containers run one after the other before the others start. One that restarts always runs on beside them all.
    """
    running: Amounts = {}
    for container in spec.get("containers") or ():
        _add(running, of_container(container, group))
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.get("initContainers") or ():
        asked = of_container(container, group)
        if container.get("restartPolicy") == "Always":
            _add(sidecars, asked)
            asked = dict(sidecars)
        else:
            _add(asked, sidecars)
        _raise_to(peak, asked)
    _add(running, sidecars)
    _raise_to(running, peak)
    _add(running, {name: quantities.parse(amount) for name, amount in (spec.get("overhead") or {}).items()})
    return running


def _add(total: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, Decimal(0)) + amount


def _raise_to(total: Amounts, other: Amounts) -> None:
    for name, amount in other.items():
        total[name] = max(total.get(name, Decimal(0)), amount)

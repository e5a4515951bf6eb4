"""LimitRanges: defaults for the containers that state nothing, and bounds for containers and whole pods."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from local_kubernetes import quantities
from local_kubernetes.cluster.kinds import Object

from . import usage

Amounts = Mapping[str, Decimal]


def complete(spec: Object, limits: list[Object]) -> None:
    """Give each container the requests and limits that it does not state, in place."""
    for limit in limits:
        if limit.get("type") == "Container":
            for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
                _fill(container, limit)


def faults(spec: Object, limits: list[Object]) -> list[str]:
    """Every bound that the pod breaks, in the API server's words."""
    return [fault for limit in limits for fault in _faults(spec, limit)]


def _faults(spec: Object, limit: Object) -> Iterator[str]:
    if limit.get("type") == "Pod":
        yield from _beyond("Pod", usage.of_pod(spec, "requests"), usage.of_pod(spec, "limits"), limit)
    if limit.get("type") == "Container":
        for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
            asked, most = (usage.of_container(container, group) for group in ("requests", "limits"))
            yield from _beyond("Container", asked, most, limit)


def _fill(container: Object, limit: Object) -> None:
    resources = container.setdefault("resources", {})
    own_limits = dict(resources.get("limits") or {})
    limits = {**(limit.get("default") or {}), **own_limits}
    requests = {**(limit.get("defaultRequest") or {}), **own_limits, **(resources.get("requests") or {})}
    if limits:
        resources["limits"] = limits
    if requests:
        resources["requests"] = requests


def _beyond(scope: str, requests: Amounts, limits: Amounts, limit: Object) -> Iterator[str]:
    for name, least in (limit.get("min") or {}).items():
        yield from _below(f"minimum {name} usage per {scope} is {least}", least, requests.get(name), limits.get(name))
    for name, most in (limit.get("max") or {}).items():
        yield from _above(f"maximum {name} usage per {scope} is {most}", most, requests.get(name), limits.get(name))
    for name, ratio in (limit.get("maxLimitRequestRatio") or {}).items():
        rule = f"{name} max limit to request ratio per {scope} is {ratio}"
        yield from _too_far_apart(rule, ratio, requests.get(name), limits.get(name))


def _below(rule: str, least: str, request: Decimal | None, limit: Decimal | None) -> Iterator[str]:
    if request is None:
        yield f"{rule}.  No request is specified"
    elif request < quantities.parse(least):
        yield f"{rule}, but request is {_shown(request, least)}"
    elif limit is not None and limit < quantities.parse(least):
        yield f"{rule}, but limit is {_shown(limit, least)}"


def _above(rule: str, most: str, request: Decimal | None, limit: Decimal | None) -> Iterator[str]:
    if limit is None:
        yield f"{rule}.  No limit is specified"
    elif limit > quantities.parse(most):
        yield f"{rule}, but limit is {_shown(limit, most)}"
    elif request is not None and request > quantities.parse(most):
        yield f"{rule}, but request is {_shown(request, most)}"


def _too_far_apart(rule: str, ratio: str, request: Decimal | None, limit: Decimal | None) -> Iterator[str]:
    if not request:
        yield f"{rule}, but no request is specified or request is 0"
    elif not limit:
        yield f"{rule}, but no limit is specified or limit is 0"
    elif limit / request > quantities.parse(ratio):
        yield f"{rule}, but provided ratio is {limit / request:f}"


def _shown(amount: Decimal, like: Any) -> str:
    return quantities.show(amount, like=str(like))

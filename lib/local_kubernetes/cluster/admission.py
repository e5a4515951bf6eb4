"""What a valid object may still be refused for: its namespace, a LimitRange or a ResourceQuota."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from . import quantities, quota
from .kinds import Kind, Object, named
from .status import ApiError, forbidden, not_found
from .store import Store


class Admission:
    """Decides on objects that are to be created; limits and quotas come from the store itself."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def require_namespace(self, kind: Kind, namespace: str, name: str) -> None:
        """Raises a 404 ApiError for a missing namespace, a 403 one for a terminating one."""
        if not kind.namespaced:
            return
        found = self._store.get(named("Namespace"), "", namespace)
        if found is None:
            raise not_found(named("Namespace"), namespace)
        if "deletionTimestamp" in found.object["metadata"]:
            detail = f"unable to create new content in namespace {namespace} because it is being terminated"
            cause = {"reason": "NamespaceTerminating", "message": f"namespace {namespace} is being terminated"}
            raise forbidden(kind, name, detail, causes=[{**cause, "field": "metadata.namespace"}])

    def admit(self, kind: Kind, body: Object) -> None:
        """Complete a Pod from LimitRanges, in place, and raise a 403 ApiError for what a limit or quota refuses."""
        if not kind.namespaced:
            return
        if kind.name == "Pod":
            self._limit(kind, body)
        self._charge(kind, body)

    def _limit(self, kind: Kind, body: Object) -> None:
        for record in self._store.select(named("LimitRange"), body["metadata"]["namespace"]):
            for limit in record.object["spec"].get("limits", ()):
                if limit.get("type") != "Container":
                    continue
                for container in body["spec"]["containers"]:
                    _fill(container, limit)
                    faults = list(_beyond(container, limit))
                    if faults:
                        raise forbidden(kind, body["metadata"]["name"], _listed(faults))

    def _charge(self, kind: Kind, body: Object) -> None:
        namespace = body["metadata"]["namespace"]
        for record in self._store.select(named("ResourceQuota"), namespace):
            hard = record.object.get("spec", {}).get("hard", {})
            asked = {name: amount for name, amount in quota.charge(kind, body).items() if name in hard}
            unset = sorted(quota.compute_names(kind, hard) - asked.keys())
            if unset:
                detail = f"failed quota: {record.name}: must specify {','.join(unset)}"
                raise forbidden(kind, body["metadata"]["name"], detail)
            if asked:
                used = quota.usage(self._store, namespace, asked.keys())
                _require_room(kind, body, record.name, hard, asked, used)


def _require_room(
    kind: Kind,
    body: Object,
    quota_name: str,
    hard: Mapping[str, str],
    asked: Mapping[str, Decimal],
    used: Mapping[str, Decimal],
) -> None:
    over = sorted(name for name in asked if used[name] + asked[name] > quantities.parse(hard[name]))
    if not over:
        return

    def shown(amounts: Mapping[str, Decimal]) -> str:
        return ",".join(f"{name}={quantities.show(amounts[name], like=hard[name])}" for name in over)

    limited = ",".join(f"{name}={hard[name]}" for name in over)
    raise _exceeded(
        kind, body, f"exceeded quota: {quota_name}, requested: {shown(asked)}, used: {shown(used)}, limited: {limited}"
    )


def _exceeded(kind: Kind, body: Object, detail: str) -> ApiError:
    return forbidden(kind, body["metadata"]["name"], detail)


def _fill(container: Object, limit: Object) -> None:
    resources = container.setdefault("resources", {})
    own_limits = dict(resources.get("limits") or {})
    limits = {**(limit.get("default") or {}), **own_limits}
    requests = {**(limit.get("defaultRequest") or {}), **own_limits, **(resources.get("requests") or {})}
    if limits:
        resources["limits"] = limits
    if requests:
        resources["requests"] = requests


def _beyond(container: Object, limit: Object) -> Iterator[str]:
    resources = container.get("resources", {})
    for name, most in (limit.get("max") or {}).items():
        amount = resources.get("limits", {}).get(name)
        if amount is not None and quantities.parse(amount) > quantities.parse(most):
            yield f"maximum {name} usage per Container is {most}, but limit is {amount}"
    for name, least in (limit.get("min") or {}).items():
        amount = resources.get("requests", {}).get(name)
        if amount is not None and quantities.parse(amount) < quantities.parse(least):
            yield f"minimum {name} usage per Container is {least}, but request is {amount}"


def _listed(faults: list[str]) -> str:
    return faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]"

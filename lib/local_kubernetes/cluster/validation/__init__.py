"""What the API server refuses as 422 Invalid, in the words of a real one.

`metadata` holds for every kind, one module for each kind or group of kinds says what its fields may be, `changes` what
may not change later. `names` and `values` are the forms that they share.
"""

from collections.abc import Callable

from local_kubernetes.cluster.kinds import Kind, Object
from local_kubernetes.cluster.status import Cause, invalid

from . import changes, metadata, network_policies, pods, quotas, services, small_kinds, workloads
from .values import Causes


def check_new(kind: Kind, body: Object) -> None:
    """Raises a 422 ApiError with every fault of an object that is to be created."""
    _raise(kind, body, _faults(kind, body))


def check_change(kind: Kind, old: Object, new: Object) -> None:
    """Raises a 422 ApiError with every fault of an object that is to replace `old`."""
    _raise(kind, new, [*_faults(kind, new), *changes.check(kind, old, new)])


def _faults(kind: Kind, body: Object) -> list[Cause]:
    check = _BY_KIND.get(kind.name)
    return [*metadata.check(kind, body["metadata"]), *(check(body) if check else ())]


def _raise(kind: Kind, body: Object, causes: list[Cause]) -> None:
    if causes:
        raise invalid(kind, body["metadata"].get("name", ""), causes)


_BY_KIND: dict[str, Callable[[Object], Causes]] = {
    "ConfigMap": small_kinds.config_map,
    "Deployment": workloads.deployment,
    "Event": small_kinds.event,
    "Lease": small_kinds.lease,
    "LimitRange": quotas.limit_range,
    "NetworkPolicy": network_policies.network_policy,
    "Pod": pods.pod,
    "PodDisruptionBudget": small_kinds.disruption_budget,
    "ReplicaSet": workloads.replica_set,
    "ResourceQuota": quotas.resource_quota,
    "Secret": small_kinds.secret,
    "Service": services.service,
}

"""What a Deployment's status says: counts and the conditions Available, Progressing and ReplicaFailure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from local_kubernetes.node.client import ApiError
from local_kubernetes.node.objects import Json, condition_of, format_time, parse_time
from local_kubernetes.node.rollout import resolve_limits

_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
_COMPLETE = "NewReplicaSetAvailable"


def deployment_status(
    deployment: Json, new: Json | None, old: Sequence[Json], moment: datetime, failure: ApiError | None
) -> Json:
    """The whole status, from the ReplicaSets' own; `failure` is a refusal to make the new ReplicaSet."""
    every = [*old, *([new] if new else [])]
    total, available = _sum(every, "replicas"), _sum(every, "availableReplicas")
    counts = {
        "observedGeneration": deployment["metadata"].get("generation", 1),
        "replicas": total,
        "updatedReplicas": _sum([new] if new else [], "replicas"),
        "readyReplicas": _sum(every, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, sum(int(one["spec"].get("replicas", 1)) for one in every) - available),
    }
    before = deployment.get("status") or {}
    conditions = [
        _available(deployment, available, moment),
        _progressing(deployment, new, counts, moment, failure),
        _replica_failure(deployment, every, moment, failure),
    ]
    # The API leaves zero counts out of a status. A written zero would always differ from what is read.
    status: Json = {name: value for name, value in counts.items() if value or name in before}
    if "collisionCount" in before:
        status["collisionCount"] = before["collisionCount"]
    status["conditions"] = [condition for condition in conditions if condition]
    return status


def progress_due(deployment: Json, status: Json) -> datetime | None:
    """When the rollout's deadline passes; None while nothing is rolled, or it has passed already."""
    condition = condition_of({"status": status}, "Progressing")
    seconds = deployment["spec"].get("progressDeadlineSeconds")
    if condition is None or seconds is None or condition["reason"] in {_COMPLETE, _DEADLINE_EXCEEDED}:
        return None
    since = parse_time(condition["lastUpdateTime"])
    return since + timedelta(seconds=seconds) if since else None


def _sum(replica_sets: Sequence[Json], field: str) -> int:
    return sum(int((one.get("status") or {}).get(field, 0)) for one in replica_sets)


def _available(deployment: Json, available: int, moment: datetime) -> Json:
    spec = deployment["spec"]
    replicas = int(spec.get("replicas", 1))
    strategy = spec.get("strategy") or {}
    unavailable = 0
    if strategy.get("type") != "Recreate":
        rolling = strategy.get("rollingUpdate") or {}
        limits = resolve_limits(replicas, rolling.get("maxSurge", "25%"), rolling.get("maxUnavailable", "25%"))
        unavailable = limits.max_unavailable
    if available >= replicas - unavailable:
        message = "Deployment has minimum availability."
        return _condition(deployment, "Available", "True", "MinimumReplicasAvailable", message, moment)
    message = "Deployment does not have minimum availability."
    return _condition(deployment, "Available", "False", "MinimumReplicasUnavailable", message, moment)


def _progressing(
    deployment: Json, new: Json | None, counts: Json, moment: datetime, failure: ApiError | None
) -> Json | None:
    name = deployment["metadata"]["name"]
    known = condition_of(deployment, "Progressing")
    if deployment["spec"].get("progressDeadlineSeconds") is None and known is None:
        return None
    if failure:
        message = f"Failed to create new replica set: {failure.message}"
        return _condition(deployment, "Progressing", "False", "ReplicaSetCreateError", message, moment)
    if deployment["spec"].get("paused"):
        return _condition(deployment, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", moment)
    subject = f'ReplicaSet "{new["metadata"]["name"]}"' if new else f'Deployment "{name}"'
    if new and _is_complete(deployment, counts):
        message = f"{subject} has successfully progressed."
        return _condition(deployment, "Progressing", "True", _COMPLETE, message, moment)
    return _rolling(deployment, known, subject, counts, moment)


def _rolling(deployment: Json, known: Json | None, subject: str, counts: Json, moment: datetime) -> Json:
    # The message names the ReplicaSet: another name there means that a new rollout began, and with it a new deadline.
    is_new_rollout = known is None or subject not in known.get("message", "")
    is_finished = known is not None and known["reason"] == _COMPLETE
    if known is None or is_new_rollout or (not is_finished and _has_moved(deployment, counts)):
        message = f"{subject} is progressing."
        return _condition(deployment, "Progressing", "True", "ReplicaSetUpdated", message, moment, moved=True)
    if is_finished or not _is_late(deployment, known, moment):
        # A finished rollout that lost a pod later has no deadline: it is not rolling out any more.
        return known
    message = f"{subject} has timed out progressing."
    return _condition(deployment, "Progressing", "False", _DEADLINE_EXCEEDED, message, moment)


def _is_complete(deployment: Json, counts: Json) -> bool:
    replicas = int(deployment["spec"].get("replicas", 1))
    return bool(counts["updatedReplicas"] == counts["replicas"] == counts["availableReplicas"] == replicas)


def _has_moved(deployment: Json, counts: Json) -> bool:
    before = deployment.get("status") or {}
    old_before = before.get("replicas", 0) - before.get("updatedReplicas", 0)
    return bool(
        counts["updatedReplicas"] > before.get("updatedReplicas", 0)
        or counts["replicas"] - counts["updatedReplicas"] < old_before
        or counts["readyReplicas"] > before.get("readyReplicas", 0)
        or counts["availableReplicas"] > before.get("availableReplicas", 0)
    )


def _is_late(deployment: Json, known: Json, moment: datetime) -> bool:
    seconds = deployment["spec"].get("progressDeadlineSeconds")
    since = parse_time(known.get("lastUpdateTime"))
    if known["reason"] == _DEADLINE_EXCEEDED:
        return True
    return seconds is not None and since is not None and moment >= since + timedelta(seconds=seconds)


def _replica_failure(
    deployment: Json, replica_sets: Sequence[Json], moment: datetime, failure: ApiError | None
) -> Json | None:
    if failure:
        return _condition(deployment, "ReplicaFailure", "True", "FailedCreate", failure.message, moment)
    for one in reversed(replica_sets):
        condition = condition_of(one, "ReplicaFailure")
        if condition and condition["status"] == "True":
            return _condition(
                deployment, "ReplicaFailure", "True", condition["reason"], condition.get("message", ""), moment
            )
    return None


def _condition(
    deployment: Json, kind: str, status: str, reason: str, message: str, moment: datetime, *, moved: bool = False
) -> Json:
    """The condition, with the times of the known one where nothing changed. `moved` sets the update time anyway."""
    known = condition_of(deployment, kind)
    same = bool(known and known["status"] == status and known["reason"] == reason and known.get("message") == message)
    if known and same and not moved:
        return known
    stamp = format_time(moment)
    since = known.get("lastTransitionTime", stamp) if known and known["status"] == status else stamp
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastUpdateTime": stamp,
        "lastTransitionTime": since,
    }

"""The state of a Deployment and its pods, as one status and one reason that a person can act on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from provider_hub.domain.manifests import GENERATION, MANAGER
from provider_hub.domain.masking import mask

Object = Mapping[str, Any]

_IMAGE_REASONS = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    """The observed state of an installation's Deployment (contract, section 3).

    `generation` is the installation's generation that the Deployment was applied for, 0 where it does not say.
    """

    generation: int
    deployment_name: str
    status: str
    available_replicas: int
    ready_replicas: int
    version: str | None
    image: str | None
    updated_at: datetime | None
    message: str | None
    healthy: bool


def describe(deployment: Object, pods: Sequence[Object]) -> DeploymentStatus:
    """The status of `deployment`, with the container's own reason where one of its newest pods is not ready."""
    status = deployment.get("status", {})
    conditions = {item["type"]: item for item in status.get("conditions", ())}
    wanted = deployment["spec"].get("replicas", 1)
    updated = status.get("updatedReplicas", 0)
    available = status.get("availableReplicas", 0)
    observed = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 1)
    complete = observed and updated == available == status.get("replicas", 0) == wanted
    message = None if complete else _reason(deployment, pods, conditions)
    environment = deployment["spec"]["template"]["spec"]["containers"][0].get("env", ())
    generation = deployment["metadata"].get("annotations", {}).get(GENERATION, "0")
    return DeploymentStatus(
        generation=int(generation) if generation.isdigit() else 0,
        deployment_name=deployment["metadata"]["name"],
        status=_status(complete, observed, status, conditions, message),
        available_replicas=available,
        ready_replicas=status.get("readyReplicas", 0),
        version=next((item.get("value") for item in environment if item["name"] == "PRAGMA_VERSION"), None),
        image=deployment["spec"]["template"]["spec"]["containers"][0].get("image"),
        updated_at=_changed_at(deployment, conditions),
        message=message,
        healthy=complete,
    )


def _status(
    complete: bool, observed: bool, status: Object, conditions: Mapping[str, Object], message: str | None
) -> str:
    if complete:
        return "available"
    if _is(conditions, "Progressing", "False") or (message and _is(conditions, "ReplicaFailure", "True")):
        return "failed"
    return "progressing" if observed and status.get("replicas") else "pending"


def _reason(deployment: Object, pods: Sequence[Object], conditions: Mapping[str, Object]) -> str | None:
    """The best reason there is: a pod of this generation, else why no pod could be created, else the deadline."""
    generation = deployment["metadata"].get("annotations", {}).get(GENERATION)
    current = [pod for pod in pods if pod["metadata"].get("annotations", {}).get(GENERATION) == generation]
    newest_first = sorted(current, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), reverse=True)
    for pod in newest_first:
        if reason := _pod_reason(pod):
            return mask(reason)
    if _is(conditions, "ReplicaFailure", "True"):
        return mask(f"no pod could be made: {conditions['ReplicaFailure'].get('message', '')}")
    if _is(conditions, "Progressing", "False"):
        return mask(f"the rollout does not progress: {conditions['Progressing'].get('message', '')}")
    return None


def _pod_reason(pod: Object) -> str | None:
    status = pod.get("status", {})
    for container in status.get("containerStatuses", ()):
        if reason := _container_reason(container):
            return reason
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"no node takes the pod: {condition.get('message') or condition.get('reason')}"
    return None


def _container_reason(container: Object) -> str | None:
    state = container.get("state", {})
    waiting = state.get("waiting", {})
    reason = waiting.get("reason")
    if reason in _IMAGE_REASONS:
        return f"the image cannot be pulled ({reason}): {waiting.get('message', container.get('image', ''))}"
    if reason == "CreateContainerConfigError":
        return f"the container cannot be configured: {waiting.get('message', '')}"
    ended = state.get("terminated") or container.get("lastState", {}).get("terminated")
    if not ended or container.get("ready"):
        return None
    return _end_of(ended, container.get("restartCount", 0))


def _end_of(ended: Object, restarts: int) -> str:
    how = ended.get("reason") or "Error"
    code = f"exit code {ended.get('exitCode')}" if not ended.get("signal") else f"signal {ended['signal']}"
    again = f", {restarts} restarts" if restarts else ""
    lines = [line.strip() for line in (ended.get("message") or "").splitlines() if line.strip()]
    last = f": {lines[-1]}" if lines else ""
    return f"the container ended ({how}, {code}{again}){last}"


def _changed_at(deployment: Object, conditions: Mapping[str, Object]) -> datetime | None:
    times = [item.get("lastUpdateTime") or item.get("lastTransitionTime") for item in conditions.values()]
    applied = [
        entry.get("time")
        for entry in deployment["metadata"].get("managedFields", ())
        if entry.get("manager") == MANAGER
    ]
    known = [time for time in (*times, *applied, deployment["metadata"].get("creationTimestamp")) if time]
    return max(datetime.fromisoformat(time) for time in known) if known else None


def _is(conditions: Mapping[str, Object], kind: str, value: str) -> bool:
    return str(conditions.get(kind, {}).get("status")) == value

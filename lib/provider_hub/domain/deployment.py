"""The state of a Deployment and its pods, as one status and one reason that a person can act on."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.manifests import GENERATION, MANAGER
from provider_hub.domain.masking import mask
from provider_hub.domain.observed import count, generation, mapping, mappings, moment, text

Object = Mapping[str, Any]

_IMAGE_REASONS = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    """The observed state of an installation's Deployment (contract, section 3).

    `generation` is the installation's generation that the Deployment was applied for, 0 where it does not say.
    `message` is a reason, None where there is none; `progress` says how many replicas are there, None once all are.
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
    progress: str | None = None


def describe(deployment: Object, pods: Sequence[Object]) -> DeploymentStatus:
    """The status of `deployment`, with the container's own reason where one of its newest pods is not ready.

    Never raises: what is nonsense in the objects is read as if it were not there.
    """
    metadata, spec, status = (mapping(deployment.get(part)) for part in ("metadata", "spec", "status"))
    conditions = {text(item.get("type")): item for item in mappings(status.get("conditions"))}
    wanted = max(1, count(spec.get("replicas", 1)))
    updated, available = count(status.get("updatedReplicas")), count(status.get("availableReplicas"))
    observed = count(status.get("observedGeneration")) >= count(metadata.get("generation", 1))
    complete = observed and updated == available == count(status.get("replicas")) == wanted
    message = None if complete else _reason(deployment, pods, conditions)
    container = _container_of(spec)
    return DeploymentStatus(
        generation=_generation_of(deployment),
        deployment_name=text(metadata.get("name")),
        status=_status(complete, observed, status, conditions, message),
        available_replicas=available,
        ready_replicas=count(status.get("readyReplicas")),
        version=_version_of(container),
        image=text(container.get("image")) or None,
        updated_at=_changed_at(metadata, conditions),
        message=message,
        healthy=complete,
        progress=None if complete else _progress(updated, available, wanted),
    )


def _container_of(spec: Object) -> Object:
    containers = mappings(mapping(mapping(spec.get("template")).get("spec")).get("containers"))
    return containers[0] if containers else {}


def _version_of(container: Object) -> str | None:
    values = (item.get("value") for item in mappings(container.get("env")) if item.get("name") == "PRAGMA_VERSION")
    return text(next(values, None)) or None


def _generation_of(item: Object) -> int:
    return generation(mapping(mapping(item.get("metadata")).get("annotations")).get(GENERATION))


def _progress(updated: int, available: int, wanted: int) -> str:
    if updated < wanted:
        return f"{updated} of {wanted} replicas are updated"
    if available < wanted:
        return f"{available} of {wanted} replicas are available"
    return "replicas of the generation before are still there"


def _status(
    complete: bool, observed: bool, status: Object, conditions: Mapping[str, Object], message: str | None
) -> str:
    if complete:
        return "available"
    if _is(conditions, "Progressing", "False") or (message and _is(conditions, "ReplicaFailure", "True")):
        return "failed"
    return "progressing" if observed and count(status.get("replicas")) else "pending"


def _reason(deployment: Object, pods: Sequence[Object], conditions: Mapping[str, Object]) -> str | None:
    """The best reason there is: what somebody did, a pod of this generation, why there is no pod, the deadline."""
    spec, current = mapping(deployment.get("spec")), _generation_of(deployment)
    if spec.get("paused") is True:
        return "somebody paused the rollout in the cluster: the next sweeps undo that"
    if spec.get("replicas") == 0:
        return "somebody scaled it to no replicas in the cluster: the next sweeps undo that"
    of_this = [pod for pod in pods if _generation_of(pod) == current]
    for pod in sorted(
        of_this, key=lambda pod: text(mapping(pod.get("metadata")).get("creationTimestamp")), reverse=True
    ):
        if reason := _pod_reason(pod):
            return mask(reason)
    if _is(conditions, "ReplicaFailure", "True"):
        return mask(f"no pod could be made: {_message_of(conditions['ReplicaFailure'])}")
    if _is(conditions, "Progressing", "False"):
        return mask(f"the rollout does not progress: {_message_of(conditions['Progressing'])}")
    return None


def _pod_reason(pod: Object) -> str | None:
    """Why a pod is not ready. What ended the whole pod, as an eviction does, comes before how its container ended."""
    status = mapping(pod.get("status"))
    if cause := text(status.get("reason")):
        how = "evicted" if cause == "Evicted" else f"ended ({cause})"
        return f"the pod was {how}: {_message_of(status) or 'no reason given'}"
    for container in mappings(status.get("containerStatuses")):
        if reason := _container_reason(container):
            return reason
    for condition in mappings(status.get("conditions")):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"no node takes the pod: {_message_of(condition) or text(condition.get('reason'))}"
    return None


def _container_reason(container: Object) -> str | None:
    state = mapping(container.get("state"))
    waiting = mapping(state.get("waiting"))
    reason = text(waiting.get("reason"))
    if reason in _IMAGE_REASONS:
        return f"the image cannot be pulled ({reason}): {_message_of(waiting) or text(container.get('image'))}"
    if reason == "CreateContainerConfigError":
        return f"the container cannot be configured: {_message_of(waiting)}"
    ended = mapping(state.get("terminated")) or mapping(mapping(container.get("lastState")).get("terminated"))
    if not ended or container.get("ready"):
        return None
    return _end_of(ended, count(container.get("restartCount")))


def _end_of(ended: Object, restarts: int) -> str:
    how = text(ended.get("reason")) or "Error"
    code = f"exit code {ended.get('exitCode')}" if not ended.get("signal") else f"signal {ended['signal']}"
    again = f", {restarts} restarts" if restarts else ""
    lines = [line.strip() for line in _message_of(ended).splitlines() if line.strip()]
    last = f": {lines[-1]}" if lines else ""
    return f"the container ended ({how}, {code}{again}){last}"


def _message_of(item: Object) -> str:
    return text(item.get("message"))


def _changed_at(metadata: Object, conditions: Mapping[str, Object]) -> datetime | None:
    changed = [item.get("lastUpdateTime") or item.get("lastTransitionTime") for item in conditions.values()]
    entries = mappings(metadata.get("managedFields"))
    applied = [entry.get("time") for entry in entries if entry.get("manager") == MANAGER]
    times = [moment(value) for value in (*changed, *applied, metadata.get("creationTimestamp"))]
    return max((time for time in times if time), default=None)


def _is(conditions: Mapping[str, Object], kind: str, value: str) -> bool:
    return text(mapping(conditions.get(kind)).get("status")) == value

"""The ReplicaSet controller: as many pods of a template as its spec says, and their count."""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from local_kubernetes.node.client import PODS, REPLICA_SETS, ApiClient, ApiError
from local_kubernetes.node.events import EventRecorder
from local_kubernetes.node.informer import Store
from local_kubernetes.node.objects import (
    Json,
    annotations_of,
    available_at,
    condition_of,
    controlled_by,
    controller_of,
    format_time,
    is_deleting,
    is_pod_active,
    is_true,
    key_of,
    labels_of,
    matches_labels,
    now,
    owner_reference,
    parse_time,
    split_key,
    uid_of,
)
from local_kubernetes.node.workqueue import WorkQueue

_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_LONGEST_BASE = 57
"""A name made from a base and a dash and five letters keeps within 63."""
_BATCH_LIMIT = 16

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Refusal:
    """Why the last attempt to create or delete pods failed."""

    reason: str
    error: ApiError


class ReplicaSetController:
    """Reconciles every ReplicaSet in the store; add it to a TaskGroup with `run`."""

    def __init__(self, client: ApiClient, replica_sets: Store, pods: Store, recorder: EventRecorder) -> None:
        self._client = client
        self._replica_sets = replica_sets
        self._pods = pods
        self._recorder = recorder
        self._queue = WorkQueue("replica set", self.reconcile)
        replica_sets.subscribe(self._changed)
        pods.subscribe(self._pod_changed)

    async def run(self) -> None:
        """Reconcile what changes, until cancelled."""
        await self._queue.run()

    async def reconcile(self, key: str) -> None:
        """Create or delete pods until there are as many as wanted, then write the status."""
        replica_set = self._replica_sets.get(key)
        if replica_set is None:
            return
        refusal: _Refusal | None = None
        if not is_deleting(replica_set):
            refusal = await self._adjust(replica_set)
        await self._report(replica_set, refusal)
        if refusal:
            raise refusal.error

    async def _adjust(self, replica_set: Json) -> _Refusal | None:
        wanted = int(replica_set["spec"].get("replicas", 1))
        active = self._active_pods(replica_set)
        reason = "FailedCreate" if wanted > len(active) else "FailedDelete"
        try:
            if wanted > len(active):
                await self._create(replica_set, wanted - len(active))
            elif wanted < len(active):
                await self._delete(replica_set, sorted(active, key=deletion_rank)[: len(active) - wanted])
        except ApiError as error:
            if error.is_temporary:
                raise
            return _Refusal(reason, error)
        return None

    def _active_pods(self, replica_set: Json) -> list[Json]:
        return [pod for pod in controlled_by(self._pods, uid_of(replica_set)) if is_pod_active(pod)]

    async def _create(self, replica_set: Json, count: int) -> None:
        """In batches of 1, 2, 4, …: when a quota refuses the first pod, the others are not requested."""
        batch = 1
        while count > 0:
            batch = min(batch, count)
            attempts = (self._create_one(replica_set) for _ in range(batch))
            errors = [error for error in await asyncio.gather(*attempts, return_exceptions=True) if error]
            if errors:
                raise errors[0]
            count -= batch
            batch = min(2 * batch, _BATCH_LIMIT)

    async def _create_one(self, replica_set: Json) -> None:
        namespace, _ = split_key(key_of(replica_set))
        body = _pod_for(replica_set)
        try:
            created = await self._client.create(PODS, namespace, body)
        except ApiError as error:
            self._warn(replica_set, "FailedCreate", f"Error creating: {error.message}")
            raise
        self._pods.observe(created)
        self._note(replica_set, "SuccessfulCreate", f"Created pod: {created['metadata']['name']}")

    async def _delete(self, replica_set: Json, pods: Sequence[Json]) -> None:
        for pod in pods:
            namespace, name = split_key(key_of(pod))
            try:
                answer = await self._client.delete(PODS, namespace, name, uid=uid_of(pod))
            except ApiError as error:
                if error.status not in {404, 409}:
                    raise
                self._pods.forget(pod)
                continue
            if answer.get("kind") == "Pod" and is_deleting(answer):
                self._pods.observe(answer)
            elif not (pod.get("spec") or {}).get("nodeName"):
                self._pods.forget(pod)
            self._note(replica_set, "SuccessfulDelete", f"Deleted pod: {name}")

    async def _report(self, replica_set: Json, refusal: _Refusal | None) -> None:
        moment = now()
        pods = self._active_pods(replica_set)
        status = replica_set_status(replica_set, pods, moment, refusal.reason if refusal else "", _text(refusal))
        before = replica_set.get("status") or {}
        if status != before:
            namespace, name = split_key(key_of(replica_set))
            changes = {**dict.fromkeys(set(before) - set(status)), **status}
            body = {"metadata": {"uid": uid_of(replica_set)}, "status": changes}
            self._replica_sets.observe(await self._client.patch(REPLICA_SETS, namespace, name, body, sub="status"))
        self._await_availability(replica_set, pods, moment)

    def _await_availability(self, replica_set: Json, pods: Sequence[Json], moment: datetime) -> None:
        """With minReadySeconds a pod becomes available without any event: look again when it does."""
        seconds = int(replica_set["spec"].get("minReadySeconds") or 0)
        due = [at for pod in pods if (at := available_at(pod, seconds)) and at > moment]
        if due:
            self._queue.add_after(key_of(replica_set), (min(due) - moment).total_seconds() + 0.05)

    def _changed(self, _before: Json | None, after: Json | None) -> None:
        if after is not None:
            self._queue.add(key_of(after))

    def _pod_changed(self, before: Json | None, after: Json | None) -> None:
        pod = after or before
        owner = controller_of(pod) if pod else None
        if pod and owner and owner.get("kind") == "ReplicaSet":
            namespace, _ = split_key(key_of(pod))
            self._queue.add(f"{namespace}/{owner['name']}")

    def _note(self, replica_set: Json, reason: str, message: str) -> None:
        self._recorder.normal(replica_set, reason, message, kind="ReplicaSet", api_version="apps/v1")

    def _warn(self, replica_set: Json, reason: str, message: str) -> None:
        self._recorder.warning(replica_set, reason, message, kind="ReplicaSet", api_version="apps/v1")


def replica_set_status(replica_set: Json, pods: Sequence[Json], moment: datetime, reason: str, message: str) -> Json:
    """Counts over the active pods; a `reason` adds the condition ReplicaFailure, none takes it away."""
    seconds = int(replica_set["spec"].get("minReadySeconds") or 0)
    labels = labels_of(replica_set["spec"]["template"])
    before = replica_set.get("status") or {}
    counts = {
        "replicas": len(pods),
        "fullyLabeledReplicas": sum(matches_labels(labels, labels_of(pod)) for pod in pods),
        "readyReplicas": sum(is_true(pod, "Ready") for pod in pods),
        "availableReplicas": sum(bool((at := available_at(pod, seconds)) and at <= moment) for pod in pods),
        "observedGeneration": replica_set["metadata"].get("generation", 1),
    }
    status: Json = {name: value for name, value in counts.items() if value or name in before or name == "replicas"}
    if not reason:
        return status
    known = condition_of(replica_set, "ReplicaFailure")
    if not known or (known["reason"], known.get("message")) != (reason, message):
        known = {"type": "ReplicaFailure", "status": "True", "reason": reason, "message": message}
        known["lastTransitionTime"] = format_time(moment)
    return status | {"conditions": [known]}


def deletion_rank(pod: Json) -> tuple[bool, int, bool, int, float, float, float]:
    """Sorts pods for deletion: first those not scheduled, not running, not ready, cheap, restarting, young."""
    status = pod.get("status") or {}
    ready = condition_of(pod, "Ready") if is_true(pod, "Ready") else None
    ready_since = parse_time(ready.get("lastTransitionTime")) if ready else None
    created = parse_time(pod["metadata"].get("creationTimestamp"))
    cost = annotations_of(pod).get("controller.kubernetes.io/pod-deletion-cost", "0")
    return (
        bool((pod.get("spec") or {}).get("nodeName")),
        {"Pending": 0, "Unknown": 1}.get(status.get("phase") or "Pending", 2),
        ready is not None,
        int(cost) if cost.lstrip("-").isdigit() else 0,
        -(ready_since.timestamp() if ready_since else 0.0),
        -float(sum(one.get("restartCount", 0) for one in status.get("containerStatuses") or [])),
        -(created.timestamp() if created else 0.0),
    )


def _text(refusal: _Refusal | None) -> str:
    return refusal.error.message if refusal else ""


def _pod_for(replica_set: Json) -> Json:
    template = replica_set["spec"]["template"]
    name = replica_set["metadata"]["name"][:_LONGEST_BASE]
    suffix = "".join(secrets.choice(_SUFFIX_LETTERS) for _ in range(5))
    metadata = {field: value for field, value in (template.get("metadata") or {}).items() if value}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **metadata,
            "name": f"{name}-{suffix}",
            "generateName": f"{name}-",
            "namespace": replica_set["metadata"]["namespace"],
            "ownerReferences": [owner_reference(replica_set, "apps/v1", "ReplicaSet")],
        },
        "spec": template["spec"],
    }

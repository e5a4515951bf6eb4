"""The scheduler of a cluster with one kind of node: this one.

A pod comes here when its nodeSelector and required node affinity match this node's labels and there is
room. Requests for CPU and memory are not weighed: processes share the machine as processes do.
"""

import logging
from collections.abc import Callable

from local_kubernetes.node.client import PODS, ApiClient, ApiError
from local_kubernetes.node.events import EventRecorder
from local_kubernetes.node.informer import Store
from local_kubernetes.node.objects import (
    Json,
    condition_of,
    format_time,
    is_deleting,
    is_pod_active,
    key_of,
    matches_labels,
    now,
    split_key,
    uid_of,
)
from local_kubernetes.node.workqueue import WorkQueue

_PATIENCE_SECONDS = 1.0
"""Another node's agent may take a pod that this one cannot: only then is it called unschedulable."""

log = logging.getLogger(__name__)


class Scheduler:
    """Binds pending pods to the node."""

    def __init__(
        self, client: ApiClient, pods: Store, recorder: EventRecorder, node: str, labels: dict[str, str], max_pods: int
    ) -> None:
        self._client = client
        self._pods = pods
        self._recorder = recorder
        self._node = node
        self._labels = labels
        self._max_pods = max_pods
        self._refused: set[str] = set()
        self._queue = WorkQueue("scheduling of", self.schedule)
        pods.subscribe(self._changed)

    async def run(self) -> None:
        """Bind pending pods until cancelled."""
        await self._queue.run()

    async def schedule(self, key: str) -> None:
        """Bind one pod, or say why it fits nowhere."""
        pod = self._pods.get(key)
        if pod is None or not _is_pending(pod):
            self._refused.discard(key)
            return
        obstacle = self._obstacle(pod)
        if obstacle is None:
            await self._bind(pod)
        elif key in self._refused:
            await self._refuse(pod, obstacle)
        else:
            self._refused.add(key)
            self._queue.add_after(key, _PATIENCE_SECONDS)

    def _obstacle(self, pod: Json) -> str | None:
        if not fits(pod["spec"], self._labels):
            return "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
        here = sum(1 for one in self._pods if (one["spec"].get("nodeName") == self._node and is_pod_active(one)))
        if here >= self._max_pods:
            return "0/1 nodes are available: 1 Too many pods."
        return None

    async def _bind(self, pod: Json) -> None:
        namespace, name = split_key(key_of(pod))
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name, "namespace": namespace, "uid": uid_of(pod)},
            "target": {"apiVersion": "v1", "kind": "Node", "name": self._node},
        }
        try:
            await self._client.create(PODS, namespace, binding, name=name, sub="binding")
        except ApiError as error:
            if error.status != 409:
                raise
            # Bound by another scheduler, or replaced by a pod of the same name: the watch will show which.
            log.debug("pod %s was not bound: %s", key_of(pod), error)
            return
        self._refused.discard(key_of(pod))
        self._recorder.normal(pod, "Scheduled", f"Successfully assigned {key_of(pod)} to {self._node}")

    async def _refuse(self, pod: Json, obstacle: str) -> None:
        known = condition_of(pod, "PodScheduled")
        self._queue.add_after(key_of(pod), 10.0)
        if known and known.get("message") == obstacle:
            return
        namespace, name = split_key(key_of(pod))
        others = [one for one in (pod.get("status") or {}).get("conditions") or [] if one["type"] != "PodScheduled"]
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": obstacle}
        condition["lastTransitionTime"] = format_time(now())
        body = {"metadata": {"uid": uid_of(pod)}, "status": {"phase": "Pending", "conditions": [*others, condition]}}
        self._pods.observe(await self._client.patch(PODS, namespace, name, body, sub="status"))
        self._recorder.warning(pod, "FailedScheduling", obstacle)

    def _changed(self, _before: Json | None, after: Json | None) -> None:
        if after is not None and _is_pending(after):
            self._queue.add(key_of(after))


def fits(spec: Json, labels: dict[str, str]) -> bool:
    """Whether a pod's nodeSelector and required node affinity accept a node with these labels."""
    if not matches_labels(spec.get("nodeSelector") or {}, labels):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if not required:
        return True
    terms = required.get("nodeSelectorTerms") or []
    return any(all(_satisfies(one, labels) for one in term.get("matchExpressions") or []) for term in terms)


_OPERATORS: dict[str, Callable[[str | None, list[str]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
}


def _satisfies(expression: Json, labels: dict[str, str]) -> bool:
    operator = _OPERATORS.get(expression["operator"])
    return operator is not None and operator(labels.get(expression["key"]), expression.get("values") or [])


def _is_pending(pod: Json) -> bool:
    spec = pod["spec"]
    return (
        not spec.get("nodeName")
        and not is_deleting(pod)
        and is_pod_active(pod)
        and spec.get("schedulerName", "default-scheduler") == "default-scheduler"
        and not spec.get("schedulingGates")
    )

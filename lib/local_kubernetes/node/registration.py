"""The Node object: made at the start, kept alive, and marked as not ready at the end."""

import asyncio
import contextlib
import logging
import os
import platform
from dataclasses import dataclass, field

from local_kubernetes.node.client import NODES, ApiClient, ApiError
from local_kubernetes.node.objects import Json, condition_of, format_time, now

HEARTBEAT_SECONDS = 10.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NodeDescription:
    """What the Node object says of this machine. Quantities are in Kubernetes' notation."""

    name: str
    labels: dict[str, str]
    capacity: dict[str, str]


def describe(name: str, extra_labels: dict[str, str], max_pods: int) -> NodeDescription:
    """Measure this machine. All of it is offered: nothing is set aside for the system."""
    memory_kib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
    capacity = {"cpu": str(os.cpu_count() or 1), "memory": f"{memory_kib}Ki", "pods": str(max_pods)}
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": _architecture(),
        "provider-hub.dev/process-node": "true",
        **extra_labels,
    }
    return NodeDescription(name, labels, capacity)


@dataclass
class Registration:
    """Keeps the Node object of one description in the API."""

    client: ApiClient
    description: NodeDescription
    log_port: int = 0
    _due: asyncio.Event = field(default_factory=asyncio.Event)

    async def register(self) -> None:
        """Create the Node, or take over the one of that name; raises ApiError."""
        body = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.description.name, "labels": self.description.labels},
        }
        try:
            node = await self.client.create(NODES, "", body)
        except ApiError as error:
            if error.status != 409:
                raise
            node = await self.client.patch(NODES, "", self.description.name, {"metadata": body["metadata"]})
        await self._write(node, ready=True)

    def hurry(self) -> None:
        """Have the next heartbeat now: the API server may have lost what it knew."""
        self._due.set()

    async def run(self) -> None:
        """A heartbeat every 10 s. When the Node object is missing, it is created again."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), HEARTBEAT_SECONDS)
            self._due.clear()
            try:
                node = await self.client.get(NODES, "", self.description.name)
                await self._write(node, ready=True)
            except ApiError as error:
                await self._recover(error)

    async def retire(self) -> None:
        """Say that the node is not ready any more; raises ApiError."""
        node = await self.client.get(NODES, "", self.description.name)
        await self._write(node, ready=False)

    async def _recover(self, error: ApiError) -> None:
        if error.status != 404:
            log.warning("heartbeat failed: %s", error)
            return
        try:
            await self.register()
        except ApiError as second:
            log.warning("the node could not be registered again: %s", second)

    async def _write(self, node: Json, *, ready: bool) -> None:
        status = {
            "capacity": self.description.capacity,
            "allocatable": self.description.capacity,
            # Without a Hostname: an API server would fetch logs by it, and it does not resolve.
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self.log_port}},
            "nodeInfo": _node_info(),
            "conditions": _conditions(node, ready=ready),
        }
        await self.client.patch(NODES, "", self.description.name, {"status": status}, sub="status")


def _conditions(node: Json, *, ready: bool) -> list[Json]:
    stamp = format_time(now())
    why = ("KubeletReady", "process node is posting ready status") if ready else ("KubeletStopped", "the node stopped")
    wanted = {
        "Ready": ("True" if ready else "False", *why),
        "MemoryPressure": ("False", "KubeletHasSufficientMemory", "not measured by a process node"),
        "DiskPressure": ("False", "KubeletHasNoDiskPressure", "not measured by a process node"),
        "PIDPressure": ("False", "KubeletHasSufficientPID", "not measured by a process node"),
    }
    conditions = []
    for kind, (status, reason, message) in wanted.items():
        known = condition_of(node, kind)
        since = known.get("lastTransitionTime", stamp) if known and known["status"] == status else stamp
        condition = {"type": kind, "status": status, "reason": reason, "message": message}
        conditions.append({**condition, "lastHeartbeatTime": stamp, "lastTransitionTime": since})
    return conditions


def _node_info() -> Json:
    return {
        "architecture": _architecture(),
        "bootID": "",
        "containerRuntimeVersion": f"process://{platform.python_version()}",
        "kernelVersion": platform.release(),
        "kubeProxyVersion": "",
        "kubeletVersion": "v1.33.0-process-node",
        "machineID": "",
        "operatingSystem": "linux",
        "osImage": f"Python {platform.python_version()}",
        "systemUUID": "",
    }


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())

"""One pod on this node, from its arrival to its confirmed end."""

import asyncio
import enum
import logging
from contextlib import suppress
from datetime import datetime

from local_kubernetes.node.addresses import AddressError
from local_kubernetes.node.client import PODS, ApiError
from local_kubernetes.node.containers import Container
from local_kubernetes.node.ended_pods import keep_logs
from local_kubernetes.node.environment import ConfigurationError
from local_kubernetes.node.informer import Store
from local_kubernetes.node.objects import Json, is_deleting, key_of, now, parse_time, split_key, uid_of
from local_kubernetes.node.orphan_processes import Marks
from local_kubernetes.node.services import NodeServices
from local_kubernetes.node.sources import fetch
from local_kubernetes.node.status import ContainerRecord, PodFacts, pod_status
from local_kubernetes.node.volumes import (
    PodDirectories,
    VolumeError,
    make_directories,
    pod_directories,
    volume_references,
)

# From a change to its status: changes that follow each other closely, as those of a start do, are one write.
_SETTLE_SECONDS = 0.02
_FIRST_RETRY = 0.2
_LONGEST_RETRY = 10.0
_REMOVED_GRACE = 2.0
_SHUTDOWN_GRACE = 4.0

log = logging.getLogger(__name__)


class End(enum.Enum):
    """Why a pod's processes are ended."""

    DELETED = "asked for through the API"
    REMOVED = "gone from the API"
    SHUTDOWN = "the node stops"


class PodWorker:
    """Runs one pod. `run` returns once its processes are gone, and after a deletion the pod too."""

    def __init__(self, pod: Json, services: NodeServices, store: Store) -> None:
        self._pod = pod
        self._services = services
        self._store = store
        self._directories = pod_directories(services.instance, pod)
        self._address = ""
        self._started_at: datetime | None = None
        self._initialized = not pod["spec"].get("initContainers")
        self._init_containers = self._containers("initContainers", "initContainerStatuses")
        self._main_containers = self._containers("containers", "containerStatuses")
        self._end: End | None = None
        self._ending = asyncio.Event()
        self._turned = asyncio.Event()
        self._dirty = asyncio.Event()
        self._published: Json | None = None

    @property
    def pod(self) -> Json:
        """The newest version of the pod."""
        return self._pod

    @property
    def address(self) -> str:
        """The pod's IP address; empty until it has one."""
        return self._address

    @property
    def directories(self) -> PodDirectories:
        """The pod's directories."""
        return self._directories

    @property
    def containers(self) -> list[Container]:
        """Init containers first, in the order of the spec."""
        return [*self._init_containers, *self._main_containers]

    def changed(self) -> None:
        """Have the status written again."""
        self._dirty.set()

    def update(self, pod: Json) -> None:
        """Take in a newer version from the API."""
        self._pod = pod
        if is_deleting(pod):
            self.end(End.DELETED)

    def end(self, why: End) -> None:
        """Begin to end the pod, or change the reason: only the end of a deleted pod is confirmed to the API."""
        if self._end is None or why is not End.DELETED:
            self._end = why
            self._turned.set()
        self._ending.set()

    async def run(self) -> None:
        """Run the pod to its end, and write its status whenever it changes."""
        try:
            async with asyncio.TaskGroup() as group:
                publisher = group.create_task(self._publish_changes())
                life = group.create_task(self._live())
                await self._ending.wait()
                await self._stop()
                life.cancel()
                publisher.cancel()
        finally:
            for container in self.containers:
                container.kill()
                container.logs.close()
            await self._services.orphan_killer.kill(Marks(directories=(str(self._directories.root),)))
            self._services.addresses.release(self._address)
        await self._confirm()
        if self._end is not End.SHUTDOWN:
            await asyncio.to_thread(keep_logs, self._services.ended, self._pod, self._directories)
        await asyncio.to_thread(self._directories.remove)

    async def _live(self) -> None:
        """Start the pod and stay with it until its containers have ended for good."""
        if (self._pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"} or self._end:
            return
        self._started_at = parse_time((self._pod.get("status") or {}).get("startTime")) or now()
        self.changed()
        await self._prepare()
        for container in self._init_containers:
            await container.run()
            if container.record.exit_code != 0:
                self.changed()
                return
        self._initialized = True
        self.changed()
        async with asyncio.TaskGroup() as group:
            for container in self._main_containers:
                group.create_task(container.run())
        self.changed()

    async def _prepare(self) -> None:
        """Prepare address, directories and volumes. Tries again until it succeeds."""
        delay = _FIRST_RETRY
        while True:
            try:
                await self._take_address()
                namespace, _ = split_key(key_of(self._pod))
                sources = await fetch(self._services.client, namespace, *volume_references(self._pod))
                make_directories(self._pod, self._directories, sources)
            except AddressError as error:
                self._services.recorder.warning(self._pod, "FailedCreatePodSandBox", str(error))
            except (VolumeError, ConfigurationError, OSError) as error:
                self._services.recorder.warning(self._pod, "FailedMount", str(error))
            except ApiError as error:
                log.warning("pod %s: its volumes cannot be read: %s", key_of(self._pod), error)
            else:
                return
            await asyncio.sleep(delay)
            delay = min(2 * delay, _LONGEST_RETRY)

    async def _take_address(self) -> None:
        if self._address:
            return
        ports = {
            int(port["containerPort"])
            for container in self._pod["spec"]["containers"]
            for port in container.get("ports") or []
            if port.get("protocol", "TCP") == "TCP"
        }
        preferred = (self._pod.get("status") or {}).get("podIP", "")
        self._address = self._services.addresses.reserve(sorted(ports), preferred)
        self.changed()

    async def _stop(self) -> None:
        grace = self._grace_seconds()
        log.info("pod %s ends: %s", key_of(self._pod), self._end.value if self._end else "")
        for container in self.containers:
            if container.is_running:
                self._services.recorder.normal(self._pod, "Killing", f"Stopping container {container.record.name}")
        await asyncio.gather(*(container.stop(grace) for container in self.containers))

    def _grace_seconds(self) -> float:
        asked = self._pod["metadata"].get("deletionGracePeriodSeconds")
        if asked is None:
            asked = self._pod["spec"].get("terminationGracePeriodSeconds", 30)
        bounds = {End.DELETED: float(asked), End.REMOVED: _REMOVED_GRACE, End.SHUTDOWN: _SHUTDOWN_GRACE}
        return min(float(asked), bounds[self._end or End.DELETED])

    async def _publish_changes(self) -> None:
        delay = _FIRST_RETRY
        while True:
            await self._dirty.wait()
            await asyncio.sleep(_SETTLE_SECONDS)
            self._dirty.clear()
            try:
                await self._publish()
                delay = _FIRST_RETRY
            except ApiError as error:
                if error.status == 404:
                    continue
                log.log(
                    logging.DEBUG if error.status == 409 else logging.WARNING,
                    "status of pod %s: %s; again in %.1f s",
                    key_of(self._pod),
                    error,
                    delay,
                )
                self._dirty.set()
                await asyncio.sleep(max(delay, error.retry_after or 0))
                delay = min(2 * delay, _LONGEST_RETRY)

    async def _publish(self) -> None:
        if self._started_at is None:
            return
        facts = PodFacts(
            containers=[one.record for one in self._main_containers],
            init_containers=[one.record for one in self._init_containers],
            address=self._address,
            started_at=self._started_at,
            initialized=self._initialized,
        )
        status = pod_status(self._pod, facts, now())
        if status == self._published:
            return
        namespace, name = split_key(key_of(self._pod))
        body = {"metadata": {"uid": uid_of(self._pod)}, "status": status}
        answer = await self._services.client.patch(PODS, namespace, name, body, sub="status")
        self._published = status
        self._store.observe(answer)

    async def _confirm(self) -> None:
        """Write the last status, then let the API server remove the pod."""
        if self._end is End.REMOVED:
            return
        if self._end is End.SHUTDOWN:
            with suppress(ApiError):
                await self._publish()
            return
        delay = _FIRST_RETRY
        while self._end is End.DELETED:
            self._turned.clear()
            try:
                with suppress(ApiError):
                    await self._publish()
                await self._delete()
            except ApiError as error:
                log.warning("pod %s is not deleted: %s; again in %.1f s", key_of(self._pod), error, delay)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._turned.wait(), delay)
                delay = min(2 * delay, _LONGEST_RETRY)
            else:
                self._store.forget(self._pod)
                return

    async def _delete(self) -> None:
        namespace, name = split_key(key_of(self._pod))
        try:
            await self._services.client.delete(PODS, namespace, name, uid=uid_of(self._pod), grace_seconds=0)
        except ApiError as error:
            if error.status != 404 and not await self._is_replaced(error):
                raise

    async def _is_replaced(self, error: ApiError) -> bool:
        """Whether a refused precondition means that another pod has the name by now."""
        if error.status != 409:
            return False
        found = await self._services.client.get(PODS, *split_key(key_of(self._pod)))
        return uid_of(found) != uid_of(self._pod)

    def _containers(self, field: str, statuses: str) -> list[Container]:
        known = {one["name"]: one for one in (self._pod.get("status") or {}).get(statuses) or []}
        made = []
        for spec in self._pod["spec"].get(field) or []:
            record = ContainerRecord(spec["name"], spec.get("image", ""))
            if spec["name"] in known:
                record.resume(known[spec["name"]], now())
            made.append(Container(spec, self, self._services, record, is_init=field == "initContainers"))
        return made

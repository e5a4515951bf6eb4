"""The kubelet: a worker for each pod that is bound to this node."""

import asyncio
import logging

from local_kubernetes.node.containers import Container
from local_kubernetes.node.informer import Store
from local_kubernetes.node.objects import Json, key_of, uid_of
from local_kubernetes.node.pods import End, PodWorker
from local_kubernetes.node.services import NodeServices

_AGAIN_SECONDS = 2.0

log = logging.getLogger(__name__)


class Kubelet:
    """Follows the pods of the store; `stop` ends them all."""

    def __init__(self, node: str, services: NodeServices, pods: Store) -> None:
        self._node = node
        self._services = services
        self._pods = pods
        self._workers: dict[str, PodWorker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = False
        pods.subscribe(self._changed)

    async def stop(self, deadline_seconds: float) -> None:
        """End every pod's processes within the deadline; the pods stay in the API, to be started again."""
        self._stopping = True
        for worker in self._workers.values():
            worker.end(End.SHUTDOWN)
        tasks = list(self._tasks.values())
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=deadline_seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def container(self, namespace: str, pod: str, container: str) -> Container | None:
        """The named container, while its pod is on this node."""
        for worker in self._workers.values():
            if key_of(worker.pod) == f"{namespace}/{pod}":
                return next((one for one in worker.containers if one.record.name == container), None)
        return None

    def _changed(self, before: Json | None, after: Json | None) -> None:
        if before is not None and (after is None or uid_of(after) != uid_of(before)):
            self._removed(before)
        if after is None or after["spec"].get("nodeName") != self._node:
            return
        worker = self._workers.get(uid_of(after))
        if worker:
            worker.update(after)
        elif not self._stopping:
            self._start(after)

    def _removed(self, pod: Json) -> None:
        if worker := self._workers.get(uid_of(pod)):
            worker.end(End.REMOVED)

    def _start(self, pod: Json) -> None:
        worker = PodWorker(pod, self._services, self._pods)
        self._workers[uid_of(pod)] = worker
        worker.update(pod)
        self._tasks[uid_of(pod)] = asyncio.create_task(self._run(uid_of(pod), worker))

    async def _run(self, uid: str, worker: PodWorker) -> None:
        try:
            await worker.run()
        except Exception:
            log.exception("pod %s is not looked after; trying again", key_of(worker.pod))
            await asyncio.sleep(_AGAIN_SECONDS)
        finally:
            del self._workers[uid], self._tasks[uid]
        current = self._pods.get(key_of(worker.pod))
        if current is not None and uid_of(current) == uid:
            self._changed(current, current)

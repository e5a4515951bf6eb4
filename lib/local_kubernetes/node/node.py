"""The process node: scheduler, kubelet and controllers of a cluster without nodes, in one event loop."""

import asyncio
import contextlib
import fcntl
import hashlib
import logging
import os
import re
import secrets
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import aiohttp

from local_kubernetes.node.backoff import BackoffPolicy
from local_kubernetes.node.client import DEPLOYMENTS, PODS, REPLICA_SETS, ApiClient, ApiError, Resource
from local_kubernetes.node.deployments import DeploymentController
from local_kubernetes.node.ended_pods import ended_directory
from local_kubernetes.node.events import EventRecorder
from local_kubernetes.node.garbage import GarbageCollector
from local_kubernetes.node.images import DEFAULT_UNAVAILABLE, local_images
from local_kubernetes.node.informer import Informer
from local_kubernetes.node.kubelet import Kubelet
from local_kubernetes.node.logserver import LogServer, self_signed_tls
from local_kubernetes.node.orphan_processes import Marks, kill_orphans
from local_kubernetes.node.processes import Watchdog
from local_kubernetes.node.registration import Registration, describe
from local_kubernetes.node.replicasets import ReplicaSetController
from local_kubernetes.node.scheduler import Scheduler
from local_kubernetes.node.services import NodeServices

_SHUTDOWN_SECONDS = 6.0
_RETIRE_SECONDS = 1.0

log = logging.getLogger(__name__)


class NodeError(Exception):
    """The node cannot start; the message says why and what to do."""


@dataclass(frozen=True)
class NodeOptions:
    """How one node is run. `state_dir` belongs to one running node at a time.

    A node with a `namespace_prefix` schedules and controls only what is in namespaces that begin with it, so that
    several nodes can share a cluster: each is the only scheduler and controller of its namespaces.

    `images` names the interpreter that stands in for an image, and `python_path` a directory from which those
    interpreters import. The first of them stands in for every other image; without any, `interpreter` does.
    `programs` is a folder on the PATH of every image.
    """

    kubeconfig: Path
    state_dir: Path
    name: str
    namespace_prefix: str = ""
    backoff_base: float = 10.0
    with_controllers: bool = True
    unavailable_images: Sequence[str] = DEFAULT_UNAVAILABLE
    labels: dict[str, str] = field(default_factory=dict)
    max_pods: int = 500
    interpreter: Path = field(default_factory=lambda: Path(sys.executable))
    images: Mapping[str, Path] = field(default_factory=dict)
    python_path: Path | None = None
    programs: Path | None = None


def default_name(state_dir: Path) -> str:
    """A Node's name for this machine and folder: two nodes of the same name would both run its pods."""
    host = re.sub(r"[^a-z0-9-]+", "-", socket.gethostname().lower())[:40].strip("-")
    digest = hashlib.sha256(str(state_dir.resolve()).encode()).hexdigest()[:8]
    return f"process-node-{host}-{digest}" if host else f"process-node-{digest}"


class _Runner(Protocol):
    async def run(self) -> None: ...


@dataclass(frozen=True)
class _Synced:
    """Starts a controller after its stores are filled: with an empty store it would create every object again."""

    runner: _Runner
    informers: Sequence[Informer]

    async def run(self) -> None:
        for informer in self.informers:
            await informer.synced.wait()
        await self.runner.run()


class ProcessNode:
    """Runs Deployments' pods as processes of this machine.

    `run` must be called on the thread whose event loop it is: the kernel ends the pods' processes when that
    thread ends.
    """

    def __init__(self, options: NodeOptions) -> None:
        self.options = options
        self.ready = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then end every pod's processes.

        Raises NodeError when the state directory is in use, AccessError for an unusable kubeconfig.
        """
        with _instance(self.options.state_dir) as instance:
            async with (
                ApiClient(self.options.kubeconfig) as client,
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True, limit=64)) as session,
            ):
                await self._serve(instance, client, session, stop)

    async def _serve(
        self, instance: Path, client: ApiClient, session: aiohttp.ClientSession, stop: asyncio.Event
    ) -> None:
        options = self.options
        description = describe(options.name, options.labels, options.max_pods)
        recorder = EventRecorder(client, "process-node", options.name)
        registration = Registration(client, description)
        pods = self._informer(client, PODS, on_recovery=registration.hurry)
        services = self._services(instance, client, session, recorder, description.capacity)
        kubelet = Kubelet(options.name, services, pods.store)
        scheduler = Scheduler(client, pods.store, recorder, options.name, description.labels, options.max_pods)
        log_server = LogServer(kubelet, self_signed_tls(), client)
        await log_server.start()
        registration.log_port = log_server.port
        try:
            await _until_registered(registration, stop)
            async with asyncio.TaskGroup() as group:
                runners: list[_Runner] = [
                    recorder,
                    registration,
                    pods,
                    _Synced(scheduler, [pods]),
                    *self._controllers(client, pods, recorder),
                ]
                tasks = [group.create_task(runner.run()) for runner in runners]
                self.ready.set()
                await stop.wait()
                await kubelet.stop(_SHUTDOWN_SECONDS)
                await _retire(registration)
                for task in tasks:
                    task.cancel()
        finally:
            # Also when something above failed: no pod outlives its node.
            await kubelet.stop(_SHUTDOWN_SECONDS)
            await log_server.stop()
            services.addresses.close()

    def _services(
        self,
        instance: Path,
        client: ApiClient,
        session: aiohttp.ClientSession,
        recorder: EventRecorder,
        capacity: dict[str, str],
    ) -> NodeServices:
        options = self.options
        return NodeServices(
            client=client,
            recorder=recorder,
            session=session,
            instance=instance,
            ended=ended_directory(options.state_dir.resolve()),
            images=local_images(options.images, options.interpreter, options.python_path, os.environ, options.programs),
            allocatable=capacity,
            backoff=BackoffPolicy(base=options.backoff_base),
            unavailable_images=options.unavailable_images,
        )

    def _informer(self, client: ApiClient, resource: Resource, **options: Callable[[], None]) -> Informer:
        return Informer(client, resource, namespace_prefix=self.options.namespace_prefix, **options)

    def _controllers(self, client: ApiClient, pods: Informer, recorder: EventRecorder) -> list[_Runner]:
        if not self.options.with_controllers:
            return []
        deployments, replica_sets = self._informer(client, DEPLOYMENTS), self._informer(client, REPLICA_SETS)
        controllers: list[_Runner] = [
            DeploymentController(client, deployments.store, replica_sets.store, pods.store, recorder),
            ReplicaSetController(client, replica_sets.store, pods.store, recorder),
            GarbageCollector(client, deployments.store, replica_sets.store, pods.store),
        ]
        informers = [deployments, replica_sets]
        return [*informers, *(_Synced(one, [pods, *informers]) for one in controllers)]


async def _until_registered(registration: Registration, stop: asyncio.Event) -> None:
    delay = 0.2
    while not stop.is_set():
        try:
            await registration.register()
        except ApiError as error:
            log.warning("the node is not registered: %s; again in %.1f s", error, delay)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), delay)
            delay = min(2 * delay, 5.0)
        else:
            return


async def _retire(registration: Registration) -> None:
    # The API server may be stopping too. The node does not wait for it.
    with contextlib.suppress(ApiError, TimeoutError):
        async with asyncio.timeout(_RETIRE_SECONDS):
            await registration.retire()


@contextlib.contextmanager
def _instance(state_dir: Path) -> Iterator[Path]:
    """A directory for this run, with a watchdog. Processes that earlier runs left behind are killed first."""
    state_dir = state_dir.resolve()
    instances = state_dir / "instances"
    instances.mkdir(parents=True, exist_ok=True)
    with (state_dir / "node.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NodeError(
                f"{state_dir} is in use by another process node: give this one its own --state-dir"
            ) from None
        # This node holds the lock, so every other instance has ended, even if its watchdog still runs.
        kill_orphans(Marks(directories=(str(instances),)))
        for leftover in instances.iterdir():
            shutil.rmtree(leftover, ignore_errors=True)
        instance = instances / secrets.token_hex(8)
        instance.mkdir(mode=0o700)
        watchdog = Watchdog(instance)
        try:
            yield instance
        finally:
            watchdog.dismiss()
            shutil.rmtree(instance, ignore_errors=True)

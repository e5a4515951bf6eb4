"""One container: started, probed, restarted with backoff, and ended, as a kubelet would."""

import asyncio
import logging
import secrets
import signal
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from local_kubernetes.node.backoff import CrashBackoff
from local_kubernetes.node.client import ApiError
from local_kubernetes.node.environment import ConfigurationError, Rewrite, command_line, references, resolve
from local_kubernetes.node.health import HealthWatch
from local_kubernetes.node.image_environment import with_interpreter
from local_kubernetes.node.images import is_available, is_valid_reference
from local_kubernetes.node.logs import LogHistory
from local_kubernetes.node.objects import Json, format_time, now
from local_kubernetes.node.probes import ProbeTarget, ask
from local_kubernetes.node.processes import Exit, Process, StartError, spawn
from local_kubernetes.node.services import NodeServices
from local_kubernetes.node.sources import fetch
from local_kubernetes.node.status import ContainerRecord
from local_kubernetes.node.volumes import PodDirectories, VolumeError, make_sub_paths, path_rewriter

_FIRST_RETRY = 0.5
_LONGEST_RETRY = 10.0
_EXEC_OUTPUT = 10240
_START_FAILED = 128

log = logging.getLogger(__name__)


class PodContext(Protocol):
    """What a container knows of its pod. `changed` is called after each change of a container's record."""

    @property
    def pod(self) -> Json:
        """The newest version of the pod."""

    @property
    def address(self) -> str:
        """The pod's IP address."""

    @property
    def directories(self) -> PodDirectories:
        """The pod's directories."""

    def changed(self) -> None:
        """Have the pod's status written again."""


@dataclass(frozen=True)
class _Command:
    """A container resolved into what the operating system needs."""

    argv: list[str]
    environment: dict[str, str]


class Container:
    """Runs one container of a manifest; its `record` is always what the status should say."""

    def __init__(
        self, spec: Json, context: PodContext, services: NodeServices, record: ContainerRecord, *, is_init: bool = False
    ) -> None:
        self.record = record
        self.logs = LogHistory(context.directories.logs(spec["name"]))
        self._spec = spec
        self._context = context
        self._services = services
        self._image = services.images.of(spec.get("image") or "")
        self._is_init = is_init
        self._restart_policy = _restart_policy(context.pod, is_init=is_init)
        self._process: Process | None = None
        self._command: _Command | None = None
        self._stopping = False
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def is_running(self) -> bool:
        """Whether a process of the container runs, or one is about to."""
        return not self._idle.is_set()

    async def run(self) -> None:
        """Start the container, and again as its restart policy asks; returns when it has ended for good."""
        backoff = CrashBackoff(self._services.backoff)
        while True:
            await self._await_image()
            ran_for = await self._run_once()
            if self._stopping or not self._restarts():
                return
            await self._back_off(backoff.next_delay(ran_for))
            if self._stopping:
                return
            self.record.restart_count += 1

    async def stop(self, grace_seconds: float) -> None:
        """End the process, if there is one: its preStop handler, SIGTERM, SIGKILL, all within the grace period."""
        self._stopping = True
        process = self._process
        if process is None:
            return
        started = asyncio.get_running_loop().time()
        await self._pre_stop(grace_seconds)
        left = grace_seconds - (asyncio.get_running_loop().time() - started)
        await process.stop(max(left, 0.1))
        await self._idle.wait()

    def kill(self) -> None:
        """End what is left at once, without waiting."""
        if self._process:
            self._process.signal(signal.SIGKILL)

    async def execute(self, argv: list[str]) -> tuple[int, str]:
        """Run a command beside the container's process; returns exit code and output."""
        if self._command is None or not argv:
            return _START_FAILED, "the container is not running"
        output = bytearray()
        rewrite = self._rewriter()
        words = with_interpreter([rewrite(word) for word in argv], self._image.interpreter)
        home = self._context.directories.home
        try:
            process = spawn(words, self._command.environment, home, output.extend)
        except StartError as error:
            return _START_FAILED, str(error)
        try:
            result = await process.wait()
        finally:
            process.signal(signal.SIGKILL)
            await process.wait()
            await process.clean_up(self._services.orphan_killer)
        return result.code, output[-_EXEC_OUTPUT:].decode("utf-8", "replace")

    async def _await_image(self) -> None:
        image = self._spec.get("image") or ""
        if not is_valid_reference(image):
            message = (
                f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": '
                "invalid reference format"
            )
            self._wait("InvalidImageName", message)
            self._services.recorder.warning(self._context.pod, "InspectFailed", message)
            # A changed image would mean another container. This one keeps its image.
            await asyncio.Event().wait()
        delay = self._services.backoff.base
        while not is_available(image, self._services.unavailable_images):
            message = f'failed to pull image "{image}": {image}: not found'
            self._wait("ErrImagePull", message)
            self._services.recorder.warning(self._context.pod, "Failed", message)
            await asyncio.sleep(min(delay, 1.0))
            self._wait("ImagePullBackOff", f'Back-off pulling image "{image}"')
            await asyncio.sleep(delay)
            delay = min(2 * delay, self._services.backoff.limit)

    async def _run_once(self) -> float:
        """One run from start to end; returns how many seconds it lasted."""
        self._command = command = await self._configure()
        if self._stopping:
            return 0.0
        self.record.put_behind()
        output = self.logs.start(self.record.restart_count)
        started = now()
        try:
            process = spawn(command.argv, command.environment, self._working_directory(), output.write)
        except StartError as error:
            output.write(f"{error}\n".encode())
            output.close()
            self._end(Exit(_START_FAILED), started, str(error), reason="StartError")
            return 0.0
        self._idle.clear()
        try:
            self._announce(started)
            ended = await self._watch_over(process)
            output.close()
            self._end(ended, started, output.last_words())
        finally:
            self._idle.set()
        return (now() - started).total_seconds()

    def _announce(self, started: datetime) -> None:
        self.record.run(f"process-node://{secrets.token_hex(32)}", started)
        self._context.changed()
        image = f'Container image "{self._spec["image"]}" already present on machine'
        self._services.recorder.normal(self._context.pod, "Pulled", image)
        self._services.recorder.normal(self._context.pod, "Started", f"Started container {self.record.name}")

    async def _watch_over(self, process: Process) -> Exit:
        self._process = process
        health = asyncio.create_task(self._health_watch(process).run())
        health.add_done_callback(self._health_ended)
        try:
            return await process.wait()
        finally:
            health.cancel()
            process.signal(signal.SIGKILL)
            await process.wait()
            await process.clean_up(self._services.orphan_killer, [self._own_directory()])
            self._process = None

    def _own_directory(self) -> str:
        """The marks by which a process is known to belong to this container of the pod."""
        directories = self._context.directories
        is_alone = not self._is_init and len(self._context.pod["spec"]["containers"]) == 1
        return str(directories.root if is_alone else directories.temporary(self.record.name))

    def _health_ended(self, health: asyncio.Task[None]) -> None:
        if not health.cancelled() and (error := health.exception()):
            log.error("container %s is not probed any more", self.record.name, exc_info=error)

    def _health_watch(self, process: Process) -> HealthWatch:
        async def restart(grace_seconds: float) -> None:
            await process.stop(grace_seconds)

        return HealthWatch(
            spec=self._spec,
            pod=self._context.pod,
            target=self._target(),
            record=self.record,
            recorder=self._services.recorder,
            changed=self._context.changed,
            kill=restart,
        )

    def _target(self) -> ProbeTarget:
        ports = {one["name"]: int(one["containerPort"]) for one in self._spec.get("ports") or [] if one.get("name")}
        return ProbeTarget(self._context.address, ports, self._services.session, self.execute)

    async def _configure(self) -> _Command:
        """Resolve environment and command; waits, as CreateContainerConfigError, until that is possible."""
        delay = _FIRST_RETRY
        while True:
            try:
                return await self._resolve()
            except ConfigurationError as error:
                if self.record.state.get("waiting", {}).get("message") != str(error):
                    self.record.put_behind()
                    self._wait("CreateContainerConfigError", str(error))
                self._services.recorder.warning(self._context.pod, "Failed", f"Error: {error}")
            except ApiError as error:
                log.warning("container %s: its configuration cannot be read: %s", self.record.name, error)
            await asyncio.sleep(delay)
            delay = min(2 * delay, _LONGEST_RETRY)

    async def _resolve(self) -> _Command:
        pod, spec = self._context.pod, self._spec
        wanted = references(spec)
        namespace = pod["metadata"]["namespace"]
        sources = await fetch(self._services.client, namespace, wanted.secrets, wanted.config_maps)
        try:
            make_sub_paths(spec, self._context.directories)
        except VolumeError as error:
            raise ConfigurationError(str(error)) from error
        rewrite = self._rewriter()
        base = {
            **self._image.environment,
            "HOME": str(self._context.directories.home),
            "TMPDIR": str(self._context.directories.temporary(spec["name"])),
        }
        status = {**(pod.get("status") or {}), "hostIP": "127.0.0.1"}
        status |= {"podIP": self._context.address, "podIPs": [{"ip": self._context.address}]}
        environment = resolve(
            {**pod, "status": status},
            spec,
            sources,
            base=base,
            rewrite=rewrite,
            allocatable=self._services.allocatable,
        )
        argv = with_interpreter(command_line(spec, environment, rewrite), self._image.interpreter)
        return _Command(argv, environment)

    def _rewriter(self) -> Rewrite:
        return path_rewriter(self._spec, self._context.directories)

    def _working_directory(self) -> Path:
        home = self._context.directories.home
        asked = self._spec.get("workingDir")
        if not asked:
            return home
        real = self._rewriter()(asked)
        # A directory of the image does not exist here; one of a volume does.
        return home / real if real != asked else home

    async def _back_off(self, delay: float) -> None:
        if delay <= 0:
            return
        metadata = self._context.pod["metadata"]
        message = (
            f"back-off {delay:g}s restarting failed container={self.record.name} "
            f"pod={metadata['name']}_{metadata['namespace']}({metadata['uid']})"
        )
        self.record.put_behind()
        self._wait("CrashLoopBackOff", message)
        self._services.recorder.warning(
            self._context.pod,
            "BackOff",
            f"Back-off restarting failed container {self.record.name} in pod {metadata['name']}",
        )
        await asyncio.sleep(delay)

    async def _pre_stop(self, grace_seconds: float) -> None:
        handler = (self._spec.get("lifecycle") or {}).get("preStop")
        if not handler:
            return
        outcome = await ask(handler, grace_seconds, self._target())
        if not outcome.ok:
            self._services.recorder.warning(
                self._context.pod, "FailedPreStopHook", f"PreStopHook failed: {outcome.message}"
            )

    def _restarts(self) -> bool:
        if self._restart_policy == "Always":
            return True
        return self._restart_policy == "OnFailure" and self.record.exit_code != 0

    def _wait(self, reason: str, message: str) -> None:
        self.record.wait(reason, message)
        self._context.changed()

    def _end(self, ended: Exit, started: datetime, last_words: str, reason: str = "") -> None:
        terminated: Json = {
            "exitCode": ended.code,
            "reason": reason or ("Completed" if ended.code == 0 else "Error"),
            "startedAt": format_time(started),
            "finishedAt": format_time(now()),
        }
        if ended.signal:
            terminated["signal"] = ended.signal
        if self.record.container_id:
            terminated["containerID"] = self.record.container_id
        speaks = reason or self._spec.get("terminationMessagePolicy") == "FallbackToLogsOnError"
        if ended.code != 0 and speaks and last_words:
            terminated["message"] = last_words
        self.record.end(terminated)
        self._context.changed()


def _restart_policy(pod: Json, *, is_init: bool) -> str:
    policy = str(pod["spec"].get("restartPolicy") or "Always")
    # An init container is not started again after it succeeded.
    return "OnFailure" if is_init and policy == "Always" else policy

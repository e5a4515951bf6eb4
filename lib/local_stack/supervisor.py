"""Starts child processes, restarts those that die, and stops all of them in order."""

import asyncio
import contextlib
import enum
import logging
import os
import signal
from asyncio.subprocess import DEVNULL, STDOUT
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

from local_stack.errors import LocalError
from local_stack.processes import bound_to_parent, exit_reason, group_exists, kill_group, log_tail
from local_stack.stack_file import logs_dir, pid_file

logger = logging.getLogger(__name__)

_FIRST_BACKOFF = 0.2
_LAST_BACKOFF = 5.0
_HEALTHY_SECONDS = 10.0
_PROBE_SECONDS = 0.05
_REMAINS_SECONDS = 1.0

Probe = Callable[[], Awaitable[bool]]


class Stage(enum.IntEnum):
    """What a child is, in the order in which children are stopped."""

    FUNCTION = 0
    NODE = 1
    CLUSTER = 2
    FORK_SERVER = 3
    EMULATOR = 4


class Running(Protocol):
    """A started process, as far as a supervisor needs it."""

    @property
    def pid(self) -> int:
        """Its number, and its process group's."""
        ...

    @property
    def returncode(self) -> int | None:
        """As `wait` returns it; None until then."""
        ...

    async def wait(self) -> int:
        """Its return code, negative for a signal, once it has ended."""
        ...


async def start_program(child: "Child", log: Path, descriptor: int | None = None) -> Running:
    """Run the child's command as a process of this one, which inherits `descriptor`. Raises OSError."""
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *bound_to_parent(child.command),
            stdin=DEVNULL,
            stdout=output,
            stderr=STDOUT,
            env=dict(os.environ if child.environment is None else child.environment),
            # A group of its own: Ctrl-C in the terminal reaches this process alone, which then stops
            # the children in order; and what a dead child leaves behind can be killed as a whole.
            process_group=0,
            pass_fds=() if descriptor is None else (descriptor,),
        )


@dataclass(frozen=True)
class Child:
    """A process to keep running. Without a probe it is ready once it has lived for half a second.

    `restarted` is awaited whenever the child serves again after it died, to bring back what it held in memory.
    `start` starts it as the leader of a process group, with its output appended to the given file; `ending` is the
    signal that asks it to end.
    """

    name: str
    command: Sequence[str]
    stage: Stage
    environment: Mapping[str, str] | None = None
    probe: Probe | None = None
    restarted: Callable[[], Awaitable[None]] | None = None
    start: Callable[["Child", Path], Awaitable[Running]] = start_program
    ending: signal.Signals = signal.SIGTERM


class ChildFailedError(LocalError):
    """A child ended, or did not serve in time, at its first start."""


class Supervisor:
    """Keeps children running; logs of each go to `<state_dir>/logs/<name>.log`, its pid to `run/<name>.pid`."""

    def __init__(self, state_dir: Path, *, start_seconds: float = 60, grace_seconds: float = 3) -> None:
        self._state_dir = state_dir
        self._start_seconds = start_seconds
        self._grace_seconds = grace_seconds
        self._keepers: list[_Keeper] = []

    async def start(self, child: Child) -> None:
        """Start a child and wait until it serves. Raises ChildFailedError with the tail of its log."""
        log, pid = logs_dir(self._state_dir) / f"{child.name}.log", pid_file(self._state_dir, child.name)
        for parent in (log.parent, pid.parent):
            parent.mkdir(parents=True, exist_ok=True)
        keeper = _Keeper(child, log, pid, self._start_seconds)
        self._keepers.append(keeper)
        await keeper.start()

    async def stop(self) -> None:
        """End every child, stage after stage: its signal, then SIGKILL after the grace period."""
        ordered = sorted(self._keepers, key=lambda keeper: keeper.child.stage)
        for keeper in ordered:
            keeper.release()
        for _, group in groupby(ordered, key=lambda keeper: keeper.child.stage):
            await asyncio.gather(*(keeper.stop(self._grace_seconds) for keeper in group))
        self._keepers.clear()

    def kill(self) -> None:
        """SIGKILL every child at once, without waiting."""
        for keeper in self._keepers:
            keeper.kill()


class _Keeper:
    """One child over all its restarts."""

    def __init__(self, child: Child, log: Path, pid_file: Path, start_seconds: float) -> None:
        self.child = child
        self._start_seconds = start_seconds
        self._log = log
        self._pid_file = pid_file
        self._process: Running | None = None
        self._keeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._log.unlink(missing_ok=True)
        process = await self._spawn()
        failure = await self._ready_or_ended(process)
        if failure is not None:
            kill_group(process.pid)
            raise ChildFailedError(f"{self.child.name} {failure}; the end of {self._log}:\n{log_tail(self._log)}")
        self._keeping = asyncio.create_task(self._keep(process))

    def release(self) -> None:
        """Stop restarting the child; the process itself goes on."""
        if self._keeping is not None:
            self._keeping.cancel()

    async def stop(self, grace: float) -> None:
        self.release()
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            # The signal goes to the leader alone: gunicorn and the node end their own children in order.
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, self.child.ending)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), grace)
        kill_group(process.pid)
        await process.wait()
        self._pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        if self._process is not None:
            kill_group(self._process.pid)

    async def _spawn(self) -> Running:
        process = await self.child.start(self.child, self._log)
        self._process = process
        partial = self._pid_file.with_suffix(".partial")
        partial.write_text(f"{process.pid}\n")
        partial.replace(self._pid_file)
        return process

    async def _ready_or_ended(self, process: Running) -> str | None:
        """None once the child serves, else what it did instead within the time it has for that."""
        probing = asyncio.create_task(self._become_ready())
        ending = asyncio.create_task(process.wait())
        try:
            await asyncio.wait({probing, ending}, timeout=self._start_seconds, return_when=asyncio.FIRST_COMPLETED)
            if ending.done():
                return f"ended with {exit_reason(ending.result())}"
            if not probing.done():
                return f"did not serve within {self._start_seconds:g} s"
            probing.result()
        finally:
            for task in (probing, ending):
                task.cancel()
        return None

    async def _become_ready(self) -> None:
        if self.child.probe is None:
            await asyncio.sleep(0.5)
            return
        while not await self.child.probe():
            await asyncio.sleep(_PROBE_SECONDS)

    async def _keep(self, process: Running) -> None:
        loop = asyncio.get_running_loop()
        backoff = _FIRST_BACKOFF
        started = loop.time()
        while True:
            code = await process.wait()
            if loop.time() - started >= _HEALTHY_SECONDS:
                backoff = _FIRST_BACKOFF
            logger.warning("%s ended (%s); starting it again in %.1f s", self.child.name, exit_reason(code), backoff)
            await self._clear_remains(process.pid)
            process, backoff = await self._respawn(backoff)
            started = loop.time()
            await self._recover(process)

    async def _respawn(self, backoff: float) -> tuple[Running, float]:
        """Wait, then start the child again; returns it with the backoff of the next time."""
        while True:
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, _LAST_BACKOFF)
            try:
                return await self._spawn(), backoff
            except OSError as error:  # no memory or no process left: it may pass
                logger.warning("%s cannot be started (%s); next try in %.1f s", self.child.name, error, backoff)

    async def _recover(self, process: Running) -> None:
        """Wait until the child serves again or has ended again; once it serves, await its `restarted`."""
        if self.child.restarted is None:
            return
        if await self._ready_or_ended(process) is None:
            await self.child.restarted()

    @staticmethod
    async def _clear_remains(group: int) -> None:
        """Kill what the dead leader left, whose listening socket would keep the port from its successor."""
        kill_group(group)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _REMAINS_SECONDS
        # Bounded: in a container whose first process never reaps, a killed orphan stays a zombie for good.
        while group_exists(group) and loop.time() < deadline:
            await asyncio.sleep(0.02)


async def accepts_connections(host: str, port: int) -> bool:
    """Whether something listens on host:port."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True

"""What the rest of a stack stands on, and takes longest to start: both emulators and the fork server.

This module imports little, so that all three are starting while the rest of the stack is still being imported.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from socket import socket
from typing import Any

from local_stack.emulators import Emulator, EmulatorHosts, answers, firestore_emulator, pubsub_emulator
from local_stack.errors import LocalError
from local_stack.forking import ForkServer
from local_stack.functions import local_functions
from local_stack.options import StackOptions
from local_stack.ports import LOOPBACK, PortTakenError, ReservedPort, listening_socket
from local_stack.supervisor import Child, Stage, Supervisor, accepts_connections


class Foundation:
    """The supervisor of all children, and the first of these: `start` it once, `stop` it in any case.

    `serving` is set once all of them serve. `restore_topics` is awaited whenever the Pub/Sub emulator, which keeps
    topics in memory, serves again after it died.
    """

    def __init__(self, options: StackOptions) -> None:
        """Raises LocalError when the API's port is taken: before all else, so that it is known at once."""
        self.listener = _listen(options.port)
        self.functions = local_functions(options.functions_dir)
        self.supervisor = Supervisor(options.state_dir.resolve())
        self.fork_server = ForkServer([function.source for function in self.functions])
        self.serving = asyncio.Event()
        self.restore_topics: Callable[[], Awaitable[None]] | None = None
        self._firestore, self._pubsub = ReservedPort(), ReservedPort()

    @property
    def emulators(self) -> EmulatorHosts:
        """Where the emulators serve, or will."""
        return EmulatorHosts(self._firestore.address, self._pubsub.address)

    async def start(self) -> None:
        """Raises LocalError when one of the three cannot start."""
        environment = {**os.environ, **self.emulators.environment, "PYTHONUNBUFFERED": "1"}
        await all_of(
            self.supervisor.start(self.fork_server.child(environment)),
            self._start_firestore(),
            self._start_pubsub(),
        )
        self.serving.set()

    async def stop(self) -> None:
        """End every child of the supervisor, and give the ports back."""
        await self.supervisor.stop()
        await self.fork_server.close()
        self.listener.close()
        for port in (self._firestore, self._pubsub, *(function.port for function in self.functions)):
            port.release()

    async def _start_firestore(self) -> None:
        emulator = await asyncio.to_thread(firestore_emulator)
        await self.supervisor.start(_emulator_child(emulator, self._firestore))

    async def _start_pubsub(self) -> None:
        child = _emulator_child(await asyncio.to_thread(pubsub_emulator), self._pubsub)
        await self.supervisor.start(replace(child, restarted=self._restarted_pubsub))

    async def _restarted_pubsub(self) -> None:
        # The outbox brings back the messages that died with the topics.
        if self.restore_topics is not None:
            await self.restore_topics()


def _listen(port: int) -> socket:
    try:
        return listening_socket(port)
    except PortTakenError as error:
        raise LocalError(
            f"port {port} is taken or not allowed: stop what listens there, or choose another with --port "
            "(0 takes any free one)."
        ) from error


def _emulator_child(emulator: Emulator, port: ReservedPort) -> Child:
    async def serves() -> bool:
        # A connection first: asking in a thread, over and over, costs as much as the emulator's own start.
        return await accepts_connections(LOOPBACK, port.number) and await asyncio.to_thread(answers, port.url)

    return Child(
        f"{emulator.name}-emulator",
        emulator.command(port.number),
        Stage.EMULATOR,
        probe=serves,
        ending=signal.SIGKILL,  # it keeps nothing, and would take half a second to end by itself
    )


async def all_of(*starting: Coroutine[Any, Any, Any]) -> Sequence[Any]:
    """Await all and return their results; the first failure cancels the others and is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in starting]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]

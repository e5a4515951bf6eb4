"""The stack's end of the fork server: children that are forked where everything is imported already."""

import asyncio
import itertools
import json
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from local_stack.fork_server import Order
from local_stack.supervisor import Child, Running, Stage, start_program

_MAX_MESSAGE = 4096


class ForkServer:
    """Starts children by forking. The command of such a child is a module and its arguments.

    The server's own process is a child of the supervisor too, and is started again when it dies. What it had forked
    dies with it, and is forked anew once it is back.
    """

    def __init__(self, sources: Sequence[Path]) -> None:
        """`sources` are the files whose imports the server does ahead."""
        self._sources = sources
        self._ids = itertools.count()
        self._channel: socket.socket | None = None
        self._imported = asyncio.Event()
        self._sending = asyncio.Lock()
        self._listening: asyncio.Task[None] | None = None
        self._ordered: dict[int, asyncio.Future[Running]] = {}
        self._running: dict[int, _Forked] = {}

    def child(self, environment: Mapping[str, str]) -> Child:
        """The server's own process. It is ready once it has imported; what is to be forked waits for that."""

        async def ready() -> bool:
            return self._imported.is_set()

        module = (sys.executable, "-m", "local_stack.fork_server")
        sources = (str(source) for source in self._sources)
        return Child("fork-server", (*module, *sources), Stage.FORK_SERVER, environment, ready, start=self._start)

    async def fork(self, child: Child, log: Path) -> Running:
        """Start `child` as `Child.start` does. Raises OSError when the server dies meanwhile."""
        module, *arguments = child.command
        order = Order(next(self._ids), child.name, module, arguments, dict(child.environment or {}), str(log))
        await self._imported.wait()
        forked: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
        self._ordered[order.id] = forked
        try:
            await self._send(order.dump())
            return await forked
        finally:
            self._ordered.pop(order.id, None)

    async def close(self) -> None:
        """Wait for the end of the server's process to be noticed, once the supervisor has stopped it."""
        if self._listening is not None:
            await self._listening

    async def _send(self, message: bytes) -> None:
        async with self._sending:
            if self._channel is None:
                raise ConnectionError("the fork server ended")
            await asyncio.get_running_loop().sock_sendall(self._channel, message)

    async def _start(self, child: Child, log: Path) -> Running:
        """Start the server's process, with a new socket to it."""
        await self.close()
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        here.setblocking(False)
        python, option, module, *sources = child.command
        with there:
            command = (python, option, module, str(there.fileno()), *sources)
            process = await start_program(replace(child, command=command), log, descriptor=there.fileno())
        self._channel = here
        self._listening = asyncio.create_task(self._listen(here))
        return process

    async def _listen(self, channel: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with channel:
            try:
                while message := await _received(loop, channel):
                    self._heard(json.loads(message))
            finally:
                self._lost()

    def _heard(self, message: Mapping[str, Any]) -> None:
        if not message:
            self._imported.set()
            return
        pid = message["pid"]
        if "code" in message:
            self._running.pop(pid).end(message["code"])
            return
        self._running[pid] = forked = _Forked(pid)
        ordered = self._ordered.get(message["id"])
        if ordered is not None and not ordered.done():  # else whoever asked was cancelled: it ends with the server
            ordered.set_result(forked)

    def _lost(self) -> None:
        """The server has ended, and the kernel kills what it had forked."""
        self._channel = None
        self._imported.clear()
        for forked in self._running.values():
            forked.end(-signal.SIGKILL)
        self._running.clear()
        for ordered in self._ordered.values():
            if not ordered.done():
                ordered.set_exception(ConnectionError("the fork server ended"))
        self._ordered.clear()


class _Forked:
    """A process that is no child of this one, as `Running`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def returncode(self) -> int | None:
        return self._code.result() if self._code.done() else None

    def end(self, code: int) -> None:
        self._code.set_result(code)

    async def wait(self) -> int:
        return await asyncio.shield(self._code)


async def _received(loop: asyncio.AbstractEventLoop, channel: socket.socket) -> bytes:
    """The next message; empty once the other end is closed."""
    try:
        return await loop.sock_recv(channel, _MAX_MESSAGE)
    except ConnectionResetError:  # it was killed with messages that it had not read
        return b""

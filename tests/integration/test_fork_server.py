"""The fork server with real processes: what it forks is as good as a process of its own."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.integration.test_local_supervisor import alive, pid, until, wait_until

from local_stack.forking import ForkServer
from local_stack.ports import LOOPBACK, ReservedPort
from local_stack.stack_file import logs_dir, pid_file
from local_stack.supervisor import Child, ChildFailedError, Stage, Supervisor, accepts_connections

DEADLINE = 20.0


@asynccontextmanager
async def forking(tmp_path: Path, *sources: Path) -> AsyncIterator[tuple[Supervisor, ForkServer]]:
    supervisor = Supervisor(tmp_path, start_seconds=DEADLINE, grace_seconds=1)
    server = ForkServer(sources)
    try:
        await supervisor.start(server.child({**os.environ, "INHERITED": "yes"}))
        yield supervisor, server
    finally:
        await supervisor.stop()
        await server.close()


def child(server: ForkServer, port: ReservedPort, said: str = "hello") -> Child:
    async def serves() -> bool:
        return await accepts_connections(LOOPBACK, port.number)

    return Child(
        name="forked",
        command=("tests.integration.forked_child", str(port.number), said),
        stage=Stage.FUNCTION,
        environment={**os.environ, "SETTING": "set"},
        probe=serves,
        start=server.fork,
    )


def facts(tmp_path: Path) -> dict[str, Any]:
    last = (logs_dir(tmp_path) / "forked.log").read_text().splitlines()[-1]
    said: dict[str, Any] = json.loads(last)
    return said


async def served_by_another(tmp_path: Path, first: int, port: ReservedPort) -> None:
    async with asyncio.timeout(DEADLINE):
        while pid(tmp_path, "forked") == first or not await accepts_connections(LOOPBACK, port.number):
            await asyncio.sleep(0.02)


def test_a_forked_process_has_arguments_environment_group_and_log_of_its_own(tmp_path: Path) -> None:
    async def test() -> None:
        with ReservedPort() as port:
            async with forking(tmp_path) as (supervisor, server):
                await supervisor.start(child(server, port))
                number = pid(tmp_path, "forked")
                assert facts(tmp_path) == {
                    "group": number,
                    "pid": number,
                    "setting": "set",
                    "inherited": False,
                    "said": "hello",
                }
            assert not alive(number)
            assert not pid_file(tmp_path, "forked").exists()

    asyncio.run(test())


def test_a_forked_process_that_is_killed_is_forked_again(tmp_path: Path) -> None:
    async def test() -> None:
        with ReservedPort() as port:
            async with forking(tmp_path) as (supervisor, server):
                await supervisor.start(child(server, port))
                first = pid(tmp_path, "forked")
                os.kill(first, signal.SIGKILL)
                await served_by_another(tmp_path, first, port)

    asyncio.run(test())


def test_what_was_forked_dies_with_the_server_and_comes_back_with_it(tmp_path: Path) -> None:
    async def test() -> None:
        with ReservedPort() as port:
            async with forking(tmp_path) as (supervisor, server):
                await supervisor.start(child(server, port))
                first = pid(tmp_path, "forked")
                os.kill(pid(tmp_path, "fork-server"), signal.SIGKILL)
                await until(lambda: not alive(first))
                await served_by_another(tmp_path, first, port)

    asyncio.run(test())


def test_a_forked_process_that_cannot_start_says_why(tmp_path: Path) -> None:
    async def test() -> None:
        with ReservedPort() as port:
            async with forking(tmp_path) as (supervisor, server):
                with pytest.raises(ChildFailedError, match=r"forked ended with exit status 1; .*\nno such setting"):
                    await supervisor.start(child(server, port, said="fail"))

    asyncio.run(test())


def test_a_function_that_cannot_be_imported_ahead_keeps_no_other_from_starting(tmp_path: Path) -> None:
    broken = tmp_path / "broken" / "main.py"
    broken.parent.mkdir()
    broken.write_text("raise RuntimeError('broken on purpose')\n")

    async def test() -> None:
        with ReservedPort() as port:
            async with forking(tmp_path, broken) as (supervisor, server):
                await supervisor.start(child(server, port))
        assert "broken on purpose" in (logs_dir(tmp_path) / "fork-server.log").read_text()

    asyncio.run(test())


def test_nothing_is_left_when_the_stack_is_killed(tmp_path: Path) -> None:
    stack = (
        "import asyncio, pathlib, sys; from tests.integration.test_fork_server import *\n"
        "async def run():\n"
        "    with ReservedPort() as port:\n"
        "        async with forking(pathlib.Path(sys.argv[1])) as (supervisor, server):\n"
        "            await supervisor.start(child(server, port))\n"
        "            print('started', flush=True)\n"
        "            await asyncio.sleep(1000)\n"
        "asyncio.run(run())\n"
    )
    with subprocess.Popen((sys.executable, "-c", stack, str(tmp_path)), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        started = [pid(tmp_path, "forked"), pid(tmp_path, "fork-server")]
        process.kill()
    wait_until(lambda: not any(map(alive, started)))

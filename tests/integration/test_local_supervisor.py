"""The supervisor with real processes: restarts, order of stopping, and nothing left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from local_stack.ports import LOOPBACK, ReservedPort
from local_stack.processes import bound_to_parent
from local_stack.stack_file import pid_file
from local_stack.supervisor import Child, ChildFailedError, Stage, Supervisor, accepts_connections

# Says that it started, serves a port if it is given one, and writes its name to a file when it is told to end.
CHILD = """
import pathlib, signal, socket, sys
name, port, ended = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
def end(*_):
    with ended.open("a") as stream: stream.write(name + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
server = socket.create_server(("127.0.0.1", port)) if port else None
print("started", flush=True)
signal.pause()
"""
DEADLINE = 10.0


@asynccontextmanager
async def supervising(tmp_path: Path, grace: float = 2) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(tmp_path, start_seconds=5, grace_seconds=grace)
    try:
        yield supervisor
    finally:
        await supervisor.stop()


def child(tmp_path: Path, name: str, stage: Stage = Stage.FUNCTION, port: int = 0) -> Child:
    async def serves() -> bool:
        return await accepts_connections(LOOPBACK, port)

    async def started() -> bool:
        return "started" in (tmp_path / "logs" / f"{name}.log").read_text()

    command = (sys.executable, "-c", CHILD, name, str(port), str(tmp_path / "ended"))
    return Child(name, command, stage, probe=serves if port else started)


def pid(tmp_path: Path, name: str) -> int:
    return int(pid_file(tmp_path, name).read_text())


def alive(process: int) -> bool:
    """Whether a process runs; a zombie that nobody reaped does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():
            await asyncio.sleep(0.02)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_killed_child_is_started_again_on_its_port(tmp_path: Path) -> None:
    async def test() -> None:
        with ReservedPort() as port:
            async with supervising(tmp_path) as supervisor:
                await supervisor.start(child(tmp_path, "server", port=port.number))
                first = pid(tmp_path, "server")
                os.kill(first, signal.SIGKILL)
                await until(lambda: pid_file(tmp_path, "server").exists() and pid(tmp_path, "server") != first)
                async with asyncio.timeout(DEADLINE):
                    while not await accepts_connections(LOOPBACK, port.number):
                        await asyncio.sleep(0.02)

    asyncio.run(test())


def test_who_depends_on_a_child_s_memory_is_told_of_its_restart(tmp_path: Path) -> None:
    async def test() -> None:
        told = asyncio.Event()

        async def restarted() -> None:
            told.set()

        made = child(tmp_path, "keeper")
        async with supervising(tmp_path) as supervisor:
            await supervisor.start(Child(made.name, made.command, made.stage, probe=made.probe, restarted=restarted))
            assert not told.is_set()
            os.kill(pid(tmp_path, "keeper"), signal.SIGKILL)
            await asyncio.wait_for(told.wait(), DEADLINE)

    asyncio.run(test())


def test_what_a_dead_child_left_behind_is_killed_before_its_restart(tmp_path: Path) -> None:
    async def test() -> None:
        orphan = tmp_path / "orphan"
        script = f"sleep 1000 & echo $! > {orphan}; wait"
        async with supervising(tmp_path) as supervisor:
            await supervisor.start(Child("parent", ("sh", "-c", script), Stage.FUNCTION))
            left = int(orphan.read_text())
            os.kill(pid(tmp_path, "parent"), signal.SIGKILL)
            await until(lambda: not alive(left))

    asyncio.run(test())


def test_children_are_stopped_in_the_order_of_their_stages(tmp_path: Path) -> None:
    async def test() -> None:
        async with supervising(tmp_path) as supervisor:
            await asyncio.gather(
                *(supervisor.start(child(tmp_path, stage.name.lower(), stage)) for stage in reversed(Stage))
            )
        assert (tmp_path / "ended").read_text().split() == [stage.name.lower() for stage in Stage]

    asyncio.run(test())


def test_a_child_that_does_not_heed_the_signal_is_killed_after_the_grace_period(tmp_path: Path) -> None:
    async def test() -> None:
        async with supervising(tmp_path, grace=0.2) as supervisor:
            await supervisor.start(Child("deaf", ("sh", "-c", "trap '' TERM; sleep 1000"), Stage.NODE))
            deaf = pid(tmp_path, "deaf")
            began = time.monotonic()
            await supervisor.stop()
            assert time.monotonic() - began < 2
            assert not alive(deaf)
        assert not pid_file(tmp_path, "deaf").exists()

    asyncio.run(test())


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("sh", "-c", "echo no such setting >&2; exit 3"), r"broken ended with exit status 3; .*\nno such setting"),
        (("sh", "-c", "kill -9 $$"), r"broken ended with signal SIGKILL; .*\n\(it printed nothing\)"),
        (("/nowhere/java", "-jar"), r"broken ended with exit status 1; .*\ncannot run /nowhere/java: No such file"),
    ],
)
def test_a_child_that_cannot_start_says_why(tmp_path: Path, command: tuple[str, ...], said: str) -> None:
    async def test() -> None:
        async with supervising(tmp_path) as supervisor:
            with pytest.raises(ChildFailedError, match=said):
                await supervisor.start(Child("broken", command, Stage.FUNCTION))

    asyncio.run(test())


def test_a_child_that_never_serves_is_given_up_and_killed(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    async def test() -> None:
        supervisor = Supervisor(tmp_path, start_seconds=0.3)
        with pytest.raises(ChildFailedError, match=r"idle did not serve within 0\.3 s"):
            await supervisor.start(Child("idle", ("sleep", "1000"), Stage.FUNCTION, probe=never))
        idle = pid(tmp_path, "idle")
        await until(lambda: not alive(idle))
        await supervisor.stop()

    asyncio.run(test())


def test_a_child_dies_with_a_parent_that_is_killed() -> None:
    parent = (
        "import subprocess, sys; from local_stack.processes import bound_to_parent; "
        "p = subprocess.Popen(bound_to_parent(['sleep', '1000']), process_group=0); print(p.pid, flush=True); p.wait()"
    )
    with subprocess.Popen((sys.executable, "-c", parent), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        orphan = int(process.stdout.readline())
        wait_until(lambda: b"sleep" in Path(f"/proc/{orphan}/cmdline").read_bytes().split(b"\0")[0])
        process.kill()
    wait_until(lambda: not alive(orphan))


def test_the_launcher_refuses_to_run_for_a_parent_that_is_gone() -> None:
    *launcher, _, executable, program, argument = bound_to_parent(("echo", "ran"))
    # As when the parent died between the fork and the launcher's call: the parent is another process by then.
    ran = subprocess.run((*launcher, "1", executable, program, argument), capture_output=True, check=False)
    assert ran.returncode == 1
    assert ran.stdout == b""

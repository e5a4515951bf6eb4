"""Running a container's command as a process of this machine, and ending all of it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shutil import which

from local_kubernetes import launcher
from local_kubernetes.node.orphan_processes import Marks, kill_orphans

_READ_SIZE = 65536
_WATCHDOG = Path(__file__).with_name("orphan_processes.py")
_BARE_PYTHON = (sys.executable, "-I", "-S")

Sink = Callable[[bytes], None]


class StartError(Exception):
    """The process cannot be started; the message is what a container runtime would say."""


@dataclass(frozen=True)
class Exit:
    """How a process ended: `code` is 128 + `signal` where a signal ended it, as container runtimes report it."""

    code: int
    signal: int = 0


class Process:
    """A started process, the leader of its own session; its output goes to `sink` as it comes."""

    def __init__(self, popen: subprocess.Popen[bytes], sink: Sink) -> None:
        self._popen = popen
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._exit: asyncio.Future[Exit] = self._loop.create_future()
        self._pidfd = os.pidfd_open(popen.pid)
        self._loop.add_reader(self._pidfd, self._on_exit)
        self._output: int | None = None
        if popen.stdout:
            self._output = popen.stdout.fileno()
            os.set_blocking(self._output, False)
            self._loop.add_reader(self._output, self._on_output)

    @property
    def pid(self) -> int:
        """The process id, which is also that of its group."""
        return self._popen.pid

    async def wait(self) -> Exit:
        """Wait for the end. Cancelling the wait does not end the process."""
        return await asyncio.shield(self._exit)

    def signal(self, number: int) -> None:
        """Send a signal to the whole process group; none to one that has ended."""
        if not self._exit.done():
            self._signal_group(number)

    async def stop(self, grace_seconds: float) -> Exit:
        """SIGTERM, and SIGKILL when that did not end it within the grace period."""
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace_seconds):
                return await self.wait()
        except TimeoutError:
            self.signal(signal.SIGKILL)
        return await self.wait()

    async def clean_up(self, orphan_killer: "OrphanKiller", directories: Sequence[str] = ()) -> None:
        """Kill the orphans of the ended process, then reap it.

        The order matters: until it is reaped, no other process can get its number as a group or session.
        """
        await orphan_killer.kill(Marks(tuple(directories), (self._popen.pid,)))
        self.reap()

    def reap(self) -> None:
        """Collect the exit status, so that no zombie stays."""
        self._popen.wait()

    def _signal_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, number)

    def _on_exit(self) -> None:
        self._loop.remove_reader(self._pidfd)
        result = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOWAIT)
        os.close(self._pidfd)
        self._signal_group(signal.SIGKILL)
        self._drain()
        self._close_output()
        self._exit.set_result(_exit_of(result))

    def _on_output(self) -> None:
        if not self._read_once():
            self._close_output()

    def _drain(self) -> None:
        """Read what the process wrote before its end: it is still in the pipe."""
        for _ in range(64):
            if self._output is None or not self._read_once(waiting_is_end=True):
                return

    def _read_once(self, *, waiting_is_end: bool = False) -> bool:
        if self._output is None:
            return False
        try:
            data = os.read(self._output, _READ_SIZE)
        except BlockingIOError:
            return not waiting_is_end
        except OSError:
            return False
        if data:
            self._sink(data)
        return bool(data)

    def _close_output(self) -> None:
        if self._output is not None and self._popen.stdout:
            self._loop.remove_reader(self._output)
            self._popen.stdout.close()
            self._output = None


def _exit_of(result: os.waitid_result | None) -> Exit:
    if result is None or result.si_code == os.CLD_EXITED:
        return Exit(result.si_status if result else 0)
    return Exit(128 + result.si_status, result.si_status)


def spawn(argv: Sequence[str], environment: Mapping[str, str], directory: Path, sink: Sink) -> Process:
    """Start `argv` in `directory`, with stdout and stderr going to `sink`; it dies with this process.

    Must be called on the thread that runs the event loop: the kernel ends the child when the thread that
    made it ends. Raises StartError when the program does not exist, or the environment is too large.
    """
    command = _bound_to_node(_executable(argv[0], environment, directory), argv)
    exact = {_bytes(name): _bytes(value) for name, value in environment.items()}
    try:
        popen = subprocess.Popen(  # noqa: S603 - running the container's command is the purpose
            [_bytes(word) for word in command],
            env=exact,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise StartError(f'exec: "{argv[0]}": {error}') from error
    return Process(popen, sink)


def _bound_to_node(executable: str, argv: Sequence[str]) -> list[str]:
    """The command that becomes `argv` and dies with this process.

    util-linux's `setpriv` is there in a millisecond, an interpreter with the launcher in twenty, and a kubelet's pods
    wait for neither. It does not look whether its parent died before it asked for its own death: the node's watchdog
    ends such a process. It cannot tell a program another name than its path.
    """
    if argv[0] == executable and (setpriv := _setpriv()):
        return [setpriv, "--pdeathsig", "KILL", "--", *argv]
    return [*_BARE_PYTHON, launcher.__file__, str(os.getpid()), executable, *argv]


@cache
def _setpriv() -> str | None:
    """The path of util-linux's; another's knows no `--pdeathsig`."""
    path = which("setpriv")
    if path is None:
        return None
    trial = subprocess.run([path, "--pdeathsig", "KILL", "--", "true"], capture_output=True, check=False)  # noqa: S603
    return path if trial.returncode == 0 else None


class OrphanKiller:
    """Kills orphan processes: one pass over /proc serves every caller that waits at that time."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Marks, asyncio.Future[None]]] = []
        self._running: asyncio.Task[None] | None = None

    async def kill(self, marks: Marks) -> None:
        """Kill every process with one of the marks; returns when none is left."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((marks, done))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._work())
        await done

    async def _work(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting, []
            directories = tuple(one for marks, _ in taken for one in marks.directories)
            sessions = tuple(one for marks, _ in taken for one in marks.sessions)
            await asyncio.to_thread(kill_orphans, Marks(directories, sessions))
            for _, done in taken:
                if not done.done():
                    done.set_result(None)


class Watchdog:
    """A small process that kills the processes of `directory` when this one dies, by `kill -9` too."""

    def __init__(self, directory: Path) -> None:
        self._popen = subprocess.Popen(  # noqa: S603 - our own script
            [*_BARE_PYTHON, str(_WATCHDOG), str(directory)],
            env={},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """Let the watchdog kill what is left and end; returns when it has ended."""
        self._popen.communicate()


def _executable(command: str, environment: Mapping[str, str], directory: Path) -> str:
    if "/" in command:
        path = directory / command
        if not path.is_file():
            raise StartError(f'exec: "{command}": no such file or directory')
        return str(path)
    found = which(command, path=environment.get("PATH", ""))
    if found is None:
        raise StartError(f'exec: "{command}": executable file not found in $PATH')
    return found


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")

"""Finds and kills orphan processes: those that a container started and that outlived its process group.

A container's process may start others in sessions of their own; a real container runtime ends them with the
container. Here the node recognizes them by their environment or working directory, which name the pod's directory.

Run as a bare script (`orphan_processes.py DIRECTORY`) this module is a node's watchdog. Its standard input is a
pipe from the node, which ends when the node dies, whatever the cause. The watchdog then kills every process that
is marked by the directory. It needs only the standard library.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

_ROUNDS = 20
_PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Marks:
    """What marks a process as part of a container: its session, or a directory that its environment names."""

    directories: tuple[str, ...] = ()
    sessions: tuple[int, ...] = ()


def kill_orphans(marks: Marks) -> int:
    """Kill every process with one of the marks, and look again until there is none; returns how many were killed.

    One pass is not enough: a process may fork while the pass runs.
    """
    killed: set[int] = set()
    for _ in range(_ROUNDS):
        found = [pid for pid in _processes() if _is_marked(pid, marks)]
        if not found:
            break
        killed.update(pid for pid in found if _kill(pid, marks))
        time.sleep(_PAUSE_SECONDS)
    return len(killed)


def _processes() -> Iterator[int]:
    me = os.getpid()
    return (int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != me)  # noqa: PTH208 - a script


def _kill(pid: int, marks: Marks) -> bool:
    # Killed through a pidfd and checked after opening it: the number may belong to another process by then.
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not _is_marked(pid, marks):
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _is_marked(pid: int, marks: Marks) -> bool:
    state, session = _state_and_session(pid)
    if state in {"", "Z", "X"}:
        return False
    return session in marks.sessions or _knows_directory(pid, marks.directories)


def _state_and_session(pid: int) -> tuple[str, int]:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - a script, and 100s of them each time
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return "", 0
    return (fields[0].decode(), int(fields[3])) if len(fields) > 3 else ("", 0)


def _knows_directory(pid: int, directories: Sequence[str]) -> bool:
    if not directories:
        return False
    environment, place = b"", ""
    with suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - as above
        environment = file.read()
    with suppress(OSError):
        place = os.readlink(f"/proc/{pid}/cwd")  # noqa: PTH115 - as above
    return any(
        f"={one}/".encode() in environment or f"={one}\0".encode() in environment or f"{place}/".startswith(f"{one}/")
        for one in directories
    )


def main() -> None:
    """The watchdog: wait until the node closes standard input, then kill what it left behind."""
    # Ctrl-C reaches the whole process group of a terminal. The watchdog has to stay until the node ends.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while sys.stdin.buffer.read(4096):
        continue
    kill_orphans(Marks(directories=(sys.argv[1],)))


if __name__ == "__main__":
    main()

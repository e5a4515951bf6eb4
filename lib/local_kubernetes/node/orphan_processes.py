"""Finding and killing what containers left behind: processes that outlived their group.

A container's process may start others in sessions of their own; a real container runtime ends them with the
container. Here they are known by their environment or working directory, which name the pod's directory.

Run as a bare script (`orphan_processes.py DIRECTORY`) this is a node's guardian: it reads its standard input, a pipe
from the node, to the end, which comes when the node dies by whatever cause, and then kills all that belongs
to the directory. The standard library is all that it needs.
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
class Belongings:
    """What marks a process as one of a container: its session, or a directory it was told of."""

    directories: tuple[str, ...] = ()
    sessions: tuple[int, ...] = ()


def kill_strays(belongings: Belongings) -> int:
    """Kill every process that belongs, again until none is found; returns how many were killed.

    A process may fork while it is looked for, hence the rounds.
    """
    killed: set[int] = set()
    for _ in range(_ROUNDS):
        found = [pid for pid in _processes() if _belongs(pid, belongings)]
        if not found:
            break
        killed.update(pid for pid in found if _kill(pid, belongings))
        time.sleep(_PAUSE_SECONDS)
    return len(killed)


def _processes() -> Iterator[int]:
    me = os.getpid()
    return (int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != me)  # noqa: PTH208 - a script


def _kill(pid: int, belongings: Belongings) -> bool:
    # Through a pidfd, checked again once it is held: the number may have gone to another process meanwhile.
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not _belongs(pid, belongings):
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _belongs(pid: int, belongings: Belongings) -> bool:
    state, session = _state_and_session(pid)
    if state in {"", "Z", "X"}:
        return False
    return session in belongings.sessions or _knows_directory(pid, belongings.directories)


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
    # Ctrl-C and a polite end reach the whole process group of a terminal: the guardian leaves last.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while sys.stdin.buffer.read(4096):
        continue
    kill_strays(Belongings(directories=(sys.argv[1],)))


if __name__ == "__main__":
    main()

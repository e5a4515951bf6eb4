"""What an input costs a process of the stack: processor time, its finished children's included, and memory."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Reading:
    """A process at one moment: `seconds` of processor time since its start, and bytes in memory."""

    seconds: float
    resident: int


def worker_of(parent: int) -> int:
    """The process in which a function's requests run; a server without workers is its own."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return int(children[0]) if children else parent


def read(pid: int) -> Reading:
    """With the time of its children, and of theirs that have ended: limited children are such."""
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return Reading(_seconds(pid) + sum(map(_seconds_if_there, _children(pid))), resident * _PAGE)


def _children(pid: int) -> Iterator[int]:
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        yield from map(int, listed.read_text().split())


def _seconds_if_there(pid: int) -> float:
    """The time of a child that has just ended is its parent's."""
    try:
        return _seconds(pid)
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    # utime, stime, cutime and cstime: proc(5).
    return sum(map(int, fields[11:15])) / _TICKS

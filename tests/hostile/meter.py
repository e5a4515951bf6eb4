"""What an input costs a process of the stack: processor time, its finished children's included, and memory."""

import os
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
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    # utime, stime, cutime and cstime: proc(5).
    ticks = sum(map(int, fields[11:15]))
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return Reading(ticks / _TICKS, resident * _PAGE)

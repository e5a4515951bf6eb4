"""Commands and signals for processes that must never outlive their parent."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from local_kubernetes import launcher

_TAIL_BYTES = 4096


def bound_to_parent(command: Sequence[str]) -> tuple[str, ...]:
    """`command`, wrapped so that it dies with the process that starts it (which must be this one)."""
    # -I and -S: the launcher needs no site-packages, and must not pick up modules from the working directory.
    return (sys.executable, "-I", "-S", launcher.__file__, str(os.getpid()), command[0], *command)


def kill_group(group: int) -> None:
    """SIGKILL a whole process group, which may be empty already."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def group_exists(group: int) -> bool:
    """Whether any process of the group is left, zombies included."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def log_tail(log: Path, lines: int = 15) -> str:
    """The last `lines` lines of a log file, or a remark that it says nothing."""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        text = stream.read().decode(errors="replace")
    tail = text.strip().splitlines()[-lines:]
    return "\n".join(tail) or "(it printed nothing)"


def exit_reason(return_code: int) -> str:
    """How a process ended, in words: `exit status 3`, `signal SIGKILL`."""
    if return_code >= 0:
        return f"exit status {return_code}"
    return f"signal {signal.Signals(-return_code).name}"

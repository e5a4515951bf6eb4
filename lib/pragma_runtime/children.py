"""Runs a child process to its end, and its whole process group no longer than allowed."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def run_to_end(
    command: Sequence[str], *, environment: Mapping[str, str], directory: Path, output: Path, seconds: float
) -> int:
    """The exit code (negative: the signal); what the child writes goes to `output`. No shell is involved.

    Raises TimeoutError after `seconds`. Whatever ends the wait, a signal's exception included, kills the child and the
    processes that it started. A pipe in the place of the file would stay open until the last of those has ended.
    """
    with output.open("wb") as file:
        child = subprocess.Popen(  # noqa: S603 - a list of arguments that the callers make
            [*command],
            env={**environment},
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    finally:
        if child.poll() is None:
            kill_group(child.pid)
            child.wait()


def kill_group(leader: int) -> None:
    """Kills a child that leads its own process group, and all of that group. Call it before the child is reaped."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)

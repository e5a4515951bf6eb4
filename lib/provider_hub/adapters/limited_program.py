"""Runs a program that is not ours within the limits of `limited_child`.

A child of ours sets the limits on itself and then becomes the program: what a program inherits it cannot lift, and this
process, which has threads, runs no code between its fork and the child's start.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile

from provider_hub.adapters.limited_child import ISOLATED, Limits
from provider_hub.domain.dataclass import dataclass

_OUT_OF_TIME = frozenset({-signal.SIGPROF, -signal.SIGXCPU})
_MOST_ERRORS = 64 * 1024
_LOOKS_EACH_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its exit code, negative for a signal, and what it wrote; `errors` has its end at most.

    `timed_out` and `filled_folder` say that it was ended for its time, or for what lay in its folder.
    """

    code: int
    output: str
    errors: str
    timed_out: bool
    filled_folder: bool = False


def run_program(
    command: Sequence[str],
    limits: Limits,
    *,
    text: str,
    environment: Mapping[str, str],
    directory: Path,
    folder_bytes: int,
) -> Ended:
    """Run `command` in `directory` with `text` as its standard input and `environment` as its only variables.

    It and the processes that it starts are killed at the limits' wall time, and within a moment of the time when the
    files in `directory` have more than `folder_bytes` together. No shell is involved.
    """
    plan = {"path": [part for part in sys.path if part], "limits": asdict(limits), "command": [*command]}
    start = "import sys, json; sys.path[:] = json.loads(sys.argv[1])['path']"
    become = "from provider_hub.adapters.process_limits import become; become()"
    with TemporaryFile() as request, TemporaryFile() as output, TemporaryFile() as errors:
        request.write(text.encode())
        request.seek(0)
        with subprocess.Popen(  # noqa: S603 - the callers make the command; what is hostile is its standard input
            [sys.executable, *ISOLATED, "-c", f"{start}; {become}", json.dumps(plan)],
            stdin=request,
            stdout=output,
            stderr=errors,
            env={**environment},
            cwd=directory,
            process_group=0,
        ) as child:
            code, late, full = _waited(child, limits.wall_seconds, directory, folder_bytes)
        output.seek(0)
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - _MOST_ERRORS))
        return Ended(
            code,
            output.read(limits.output_bytes).decode(errors="replace"),
            errors.read().decode(errors="replace"),
            timed_out=late or code in _OUT_OF_TIME,
            filled_folder=full,
        )


def _waited(
    child: subprocess.Popen[bytes], seconds: float, directory: Path, folder_bytes: int
) -> tuple[int, bool, bool]:
    """The exit code, and whether the child was ended for its time or for what it wrote."""
    ends_at = time.monotonic() + seconds
    while True:
        left = ends_at - time.monotonic()
        with suppress(subprocess.TimeoutExpired):
            return child.wait(max(0.0, min(left, _LOOKS_EACH_SECONDS))), False, False
        full = _bytes_in(directory) > folder_bytes
        if full or left <= 0:
            # Before it is reaped, or the group's number could be another's by then.
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            return child.wait(), not full, full


def _bytes_in(directory: Path) -> int:
    """The sizes of the files in a folder that changes meanwhile: a file that is gone counts nothing."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with suppress(OSError):
                total += Path(folder, name).lstat().st_size
    return total

"""Runs a program that is not ours within the limits of `limited_child`.

A child of ours sets the limits on itself and then becomes the program: what a program inherits it cannot lift, and this
process, which has threads, runs no code between its fork and the child's start.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryFile

from provider_hub.adapters.limited_child import ISOLATED, Limits, limit_this_process

_OUT_OF_TIME = frozenset({-signal.SIGPROF, -signal.SIGXCPU})
_MOST_ERRORS = 64 * 1024


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its exit code, negative for a signal, and what it wrote; `errors` has its end at most."""

    code: int
    output: str
    errors: str
    timed_out: bool


def run_program(
    command: Sequence[str], limits: Limits, *, text: str, environment: Mapping[str, str], directory: Path
) -> Ended:
    """Run `command` in `directory` with `text` as its standard input and `environment` as its only variables.

    It and the processes that it starts are killed at the limits' wall time. No shell is involved.
    """
    plan = {"path": [part for part in sys.path if part], "limits": asdict(limits), "command": [*command]}
    start = f"import sys, json; sys.path[:] = json.loads(sys.argv[1])['path']; from {__name__} import become; become()"
    with TemporaryFile() as request, TemporaryFile() as output, TemporaryFile() as errors:
        request.write(text.encode())
        request.seek(0)
        with subprocess.Popen(  # noqa: S603 - the callers make the command; what is hostile is its standard input
            [sys.executable, *ISOLATED, "-c", start, json.dumps(plan)],
            stdin=request,
            stdout=output,
            stderr=errors,
            env={**environment},
            cwd=directory,
            process_group=0,
        ) as child:
            code, late = _waited(child, limits.wall_seconds)
        output.seek(0)
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - _MOST_ERRORS))
        return Ended(
            code,
            output.read(limits.output_bytes).decode(errors="replace"),
            errors.read().decode(errors="replace"),
            timed_out=late or code in _OUT_OF_TIME,
        )


def _waited(child: subprocess.Popen[bytes], seconds: float) -> tuple[int, bool]:
    try:
        return child.wait(seconds), False
    except subprocess.TimeoutExpired:
        # Before it is reaped, or the group's number could be another's by then.
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        return child.wait(), True


def become() -> None:
    """What the child does: set its limits, and become the program."""
    plan = json.loads(sys.argv[1])
    limit_this_process(Limits(**plan["limits"]))
    os.execv(plan["command"][0], plan["command"])  # noqa: S606 - the command of `run_program`, no shell

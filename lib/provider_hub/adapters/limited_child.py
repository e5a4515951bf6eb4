"""Runs a function of ours on hostile input in a child process, whose time, memory, files and output have limits.

A parser's memory and time are chosen by whoever wrote the input. In a child that has limits, a hostile input ends that
child alone: this process, which serves other tenants at the same time, keeps its memory and its processor.

The child is a fresh interpreter. It sets its limits before it reads any input, gets none of this process's environment
(which holds secrets) and none of its sockets, and answers in JSON.
"""

import json
import logging
import math
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from tempfile import TemporaryFile
from typing import IO, Any

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import HubError, TemporaryError

log = logging.getLogger(__name__)

MIB = 1024 * 1024
_NICER = 10
_INPUT_REFUSED = 3
# What a parser raises when its input is too deep or too large for it, and not through a fault of ours.
_OVERWHELMED = (MemoryError, RecursionError, OverflowError)
# `-I` and `-S` keep the environment, the current folder and site-packages' startup files out of the child.
ISOLATED = ("-I", "-S")


class OverLimit(HubError):
    """The input needs more time, memory or output than its child process may use, or it broke the parser."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one child may use. `cpu_seconds` includes the start of its interpreter, about 0.1 seconds."""

    cpu_seconds: float = 1.5
    wall_seconds: float = 15
    memory_bytes: int = 256 * MIB
    output_bytes: int = 4 * MIB
    open_files: int = 32


def run_limited(
    function: Callable[[Any, IO[bytes] | None], Any], argument: Any, limits: Limits, file: IO[bytes] | None = None
) -> Any:
    """What `function(argument, file)` returns when a child process calls it; both values are JSON.

    `function` is one of a module of ours, which imports little. `file` is a real file: the child reads it through the
    same open file description. Raises OverLimit, and TemporaryError where the wall time ended the child: a hostile
    input uses up its processor time long before, so this machine is too busy and the input is not to blame.
    """
    with TemporaryFile() as request, TemporaryFile() as answer:
        request.write(json.dumps(argument).encode())
        request.seek(0)
        descriptor = None if file is None else file.fileno()
        code = _run(_command(function, limits, descriptor), limits, request, answer, descriptor)
        if code == 0:
            answer.seek(0)
            return json.loads(answer.read(limits.output_bytes))
    if code not in (_INPUT_REFUSED, -signal.SIGPROF, -signal.SIGXCPU, -signal.SIGKILL, -signal.SIGSEGV):
        # The traceback may repeat the input, which may be a secret. The function's own tests tell more.
        log.error("a child process that ran %s ended with %s", function.__qualname__, code)
    raise OverLimit("takes more time or memory than it may, or cannot be read")


def _command(function: Callable[..., Any], limits: Limits, descriptor: int | None) -> list[str]:
    plan = {
        "path": [part for part in sys.path if part],
        "limits": asdict(limits),
        "module": function.__module__,
        "function": function.__name__,
        "file": descriptor,
    }
    start = f"import sys, json; sys.path[:] = json.loads(sys.argv[1])['path']; from {__name__} import serve; serve()"
    return [sys.executable, *ISOLATED, "-c", start, json.dumps(plan)]


def _run(command: list[str], limits: Limits, request: IO[bytes], answer: IO[bytes], descriptor: int | None) -> int:
    """The exit code of the child, negative for the signal that ended it. Raises TemporaryError at the wall time."""
    with subprocess.Popen(  # noqa: S603 - the command is fixed; what is hostile goes to its standard input
        command,
        stdin=request,
        stdout=answer,
        stderr=subprocess.DEVNULL,
        pass_fds=() if descriptor is None else (descriptor,),
        env={},
        cwd="/",
    ) as child:
        try:
            return child.wait(limits.wall_seconds)
        except subprocess.TimeoutExpired as error:
            child.kill()
            child.wait()
            raise TemporaryError("the check of this input got too little processor time: try again") from error


def serve() -> None:
    """What the child does: set its limits, read the argument, call the function, answer."""
    plan = json.loads(sys.argv[1])
    limit_this_process(Limits(**plan["limits"]))
    try:
        function = getattr(import_module(plan["module"]), plan["function"])
        file = None if plan["file"] is None else os.fdopen(plan["file"], "rb")
        answer = json.dumps(function(json.load(sys.stdin.buffer), file)).encode()
        sys.stdout.buffer.write(answer)
        # Over the limit of a file's size, this raises OSError.
        sys.stdout.buffer.flush()
    except (*_OVERWHELMED, OSError):
        os._exit(_INPUT_REFUSED)


def limit_this_process(limits: Limits) -> None:
    """What a child does first. Neither it nor what it starts or becomes can lift the limits."""
    os.nice(_NICER)
    # The timer ends the process within a fraction of a second of processor time; the limit counts in whole seconds.
    signal.setitimer(signal.ITIMER_PROF, limits.cpu_seconds)
    seconds = math.ceil(limits.cpu_seconds) + 1
    for kind, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.output_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        _, ceiling = resource.getrlimit(kind)
        lowered = most if ceiling == resource.RLIM_INFINITY else min(most, ceiling)
        resource.setrlimit(kind, (lowered, lowered))

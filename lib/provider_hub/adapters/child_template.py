"""What the template of limited children does, and what each child does first (see `limited_child`).

The template is a fresh interpreter that imports what a function needs and then forks, for each input, a child that
calls it. The template itself reads no input: each child starts from memory that no input has touched. An interpreter
for each child, with the same imports, took 0.1 to 0.2 seconds of processor time.

Between the two stands a keeper, which waits for the child and reports how it ended.
"""

import json
import math
import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NoReturn

MOST_PLAN_BYTES = 64 * 1024
MOST_DESCRIPTORS = 4
INPUT_REFUSED = 3
_NICER = 10
_BROKEN = 1
# What a parser raises when its input is too deep or too large for it, and not through a fault of ours.
_OVERWHELMED = (MemoryError, RecursionError, OverflowError)
# Where the descriptors are in a child, and where the pipe for the exit code is among those that come with a plan.
_INPUT, _OUTPUT, _ERRORS, _FILE = range(4)
_ENDED = 2


def serve(control: int) -> None:
    """Fork a child for each plan that arrives on the socket `control`; returns when its other end is closed.

    A plan is JSON: `imports`, `module`, `function` and `limits`. With it come the descriptors of the input, of the
    output, of the pipe for the exit code, and of the file if there is one.
    """
    # The kernel reaps the keepers: nobody asks how they ended.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=control) as plans:
        while True:
            message, descriptors, _, _ = socket.recv_fds(plans, MOST_PLAN_BYTES, MOST_DESCRIPTORS)
            if not message:
                return
            plan = json.loads(message)
            for module in (*plan["imports"], plan["module"]):
                import_module(module)
            if os.fork() == 0:
                plans.close()
                _keep(plan, descriptors)
            for descriptor in descriptors:
                os.close(descriptor)


def _keep(plan: Mapping[str, Any], descriptors: Sequence[int]) -> NoReturn:
    """What a keeper does. The exit code goes into the pipe as decimal digits, negative for a signal."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        child = os.fork()
        if child == 0:
            _be_child(plan, descriptors)
        _, status = os.waitpid(child, 0)
        os.write(descriptors[_ENDED], b"%d" % os.waitstatus_to_exitcode(status))
    finally:
        # Whatever happened: a keeper must not go on as a second template.
        os._exit(0)


def _be_child(plan: Mapping[str, Any], descriptors: Sequence[int]) -> NoReturn:
    """What a child does: set its limits, read the argument, call the function, answer."""
    code = _BROKEN
    try:
        limit_this_process(plan["limits"])
        signal.setitimer(signal.ITIMER_REAL, plan["limits"]["wall_seconds"])
        given, output, _, *file = descriptors
        # The template's input is /dev/null. What a child writes as an error may repeat its input.
        os.dup2(_INPUT, _ERRORS)
        for source, target in ((given, _INPUT), (output, _OUTPUT), *((source, _FILE) for source in file)):
            os.dup2(source, target)
        for descriptor in descriptors:
            if descriptor >= _FILE + len(file):
                os.close(descriptor)
        code = _answer(plan, has_file=bool(file))
    finally:
        os._exit(code)


def _answer(plan: Mapping[str, Any], *, has_file: bool) -> int:
    """Call the function; returns the exit code. What it raises by its own fault ends the child."""
    function = getattr(sys.modules[plan["module"]], plan["function"])
    try:
        with os.fdopen(_INPUT, "rb", closefd=False) as given, os.fdopen(_OUTPUT, "wb", closefd=False) as output:
            file = os.fdopen(_FILE, "rb") if has_file else None
            output.write(json.dumps(function(json.load(given), file)).encode())
    except (*_OVERWHELMED, OSError):
        # Over the limit of a file's size, writing raises OSError.
        return INPUT_REFUSED
    return 0


def limit_this_process(limits: Mapping[str, Any]) -> None:
    """What a child does first, with the fields of `Limits`. Neither it nor what it starts or becomes can lift them."""
    os.nice(_NICER)
    # The timer ends the process within a fraction of a second of processor time; the limit counts in whole seconds.
    signal.setitimer(signal.ITIMER_PROF, limits["cpu_seconds"])
    for kind, most in (
        (resource.RLIMIT_CPU, math.ceil(limits["cpu_seconds"]) + 1),
        (resource.RLIMIT_AS, limits["memory_bytes"]),
        (resource.RLIMIT_FSIZE, limits["output_bytes"]),
        (resource.RLIMIT_NOFILE, limits["open_files"]),
        (resource.RLIMIT_CORE, 0),
    ):
        _, ceiling = resource.getrlimit(kind)
        lowered = most if ceiling == resource.RLIM_INFINITY else min(most, ceiling)
        resource.setrlimit(kind, (lowered, lowered))


def become() -> None:
    """What a child of `limited_program` does: set its limits, and become the program."""
    plan = json.loads(sys.argv[1])
    limit_this_process(plan["limits"])
    os.execv(plan["command"][0], plan["command"])  # noqa: S606 - the command of `run_program`, no shell

"""What the template of limited children does, and what each child does first (see `limited_child`).

The template is a fresh interpreter that imports what a function needs and then forks, for each input, a child that
calls it. The template itself reads no input: each child starts from memory that no input has touched. An interpreter
for each child, with the same imports, took 0.1 to 0.2 seconds of processor time.

Between the two stands a keeper, which waits for the child, ends it at its wall time and reports how it ended.
"""

import json
import os
import re
import resource
import select
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from provider_hub.adapters.process_limits import limit_this_process

INPUT_REFUSED = 3
_BROKEN = 1
_MOST_PLAN_BYTES = 64 * 1024
_MOST_DESCRIPTORS = 4
# What a parser raises when its input is too deep or too large for it, and not through a fault of ours.
_OVERWHELMED = (MemoryError, RecursionError, OverflowError)
# Where the descriptors are in a child, and where the pipe for the exit code is among those that come with a plan.
_INPUT, _OUTPUT, _ERRORS, _FILE = range(4)
_ENDED = 2
# Closer than this to the limit, even a small request may have failed: Python and malloc ask for about 1 MiB at a time.
_SPARE_BYTES = 8 * 1024 * 1024
_STATUS = Path("/proc/self/status")
_PEAK = re.compile(r"^VmPeak:\s+(\d+) kB$", re.MULTILINE)
_ENDS_A_CHILD = (signal.SIGALRM, signal.SIGPROF, signal.SIGXCPU)


def serve(control: int) -> None:
    """Fork a child for each plan that arrives on the socket `control`; returns when its other end is closed.

    A plan is JSON: `imports`, `module`, `function` and `limits`. With it come the descriptors of the input, of the
    output, of the pipe for the exit code, and of the file if there is one.
    """
    # On a kernel that keeps no peak no child could answer: this ends the template with the reason in the log.
    peak(_STATUS.read_text())
    with socket.socket(fileno=control) as plans, _signals_heard() as (heard, told):
        ready = select.poll()
        ready.register(plans, select.POLLIN)
        ready.register(heard, select.POLLIN)
        while True:
            numbers = {number for number, _ in ready.poll()}
            if heard.fileno() in numbers:
                _reap(heard)
            if plans.fileno() not in numbers:
                continue
            message, descriptors, _, _ = socket.recv_fds(plans, _MOST_PLAN_BYTES, _MOST_DESCRIPTORS)
            if not message:
                return
            _fork(json.loads(message), descriptors, [plans, heard, told])


@contextmanager
def _signals_heard() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A socket that can be read once a keeper has ended, and its other end.

    Signals are how children end, so each does what it usually does, whatever the thread that started this process
    blocked or ignored. A handler alone would not be enough: a signal just before a wait would not end the wait.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in _ENDS_A_CHILD:
        signal.signal(number, signal.SIG_DFL)
    heard, told = socket.socketpair()
    with heard, told:
        heard.setblocking(False)
        told.setblocking(False)
        signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        yield heard, told


def _reap(heard: socket.socket) -> None:
    """Wait for the keepers that have ended: so the processor time of all children counts as this process's."""
    heard.recv(_MOST_PLAN_BYTES)
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue


def _fork(plan: Mapping[str, Any], descriptors: Sequence[int], own: Sequence[socket.socket]) -> None:
    for module in (*plan["imports"], plan["module"]):
        import_module(module)
    # Without memory for a fork there is no child: its caller sees the pipe closed, and tries again.
    with suppress(OSError):
        if os.fork() == 0:
            for one in own:
                one.close()
            _keep(plan, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)


def _keep(plan: Mapping[str, Any], descriptors: Sequence[int]) -> NoReturn:
    """What a keeper does. The exit code goes into the pipe as decimal digits, negative for a signal."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        child = os.fork()
        if child == 0:
            _be_child(plan, descriptors)
        late = _killed_after(child, plan["limits"]["wall_seconds"])
        # It is not reaped while the timer runs, or its number could be another process's by then.
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _, status = os.waitpid(child, 0)
        code = -signal.SIGALRM if late else os.waitstatus_to_exitcode(status)
        os.write(descriptors[_ENDED], b"%d" % code)
    finally:
        # Whatever happened: a keeper must not go on as a second template.
        os._exit(0)


def _killed_after(child: int, seconds: float) -> list[int]:
    """Kill `child` that much later, which it cannot prevent. The list has something in it from then on."""
    late: list[int] = []

    def kill(number: int, _frame: object) -> None:
        late.append(number)
        os.kill(child, signal.SIGKILL)

    signal.signal(signal.SIGALRM, kill)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    return late


def _be_child(plan: Mapping[str, Any], descriptors: Sequence[int]) -> NoReturn:
    """What a child does: set its limits, read the argument, call the function, answer."""
    code = _BROKEN
    try:
        limit_this_process(plan["limits"])
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
        return INPUT_REFUSED if _ran_short() else 0
    except (*_OVERWHELMED, OSError):
        # Over the limit of a file's size, writing raises OSError.
        return INPUT_REFUSED


def _ran_short() -> bool:
    """Whether so little memory was left at some time that even a small request may have failed.

    An answer after that is worth nothing. CPython may drop the exception that it is raising (python/cpython#131173). A
    generator then ends as if it had nothing more to yield: the check of a config ends without the problems that it was
    about to find. A large request that fails leaves room for the exception.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return peak(_STATUS.read_text()) > limit - _SPARE_BYTES


def peak(status: str) -> int:
    """The most address space that a process has had, in bytes, by its `/proc/PID/status`.

    Raises RuntimeError where the kernel keeps no peak.
    """
    found = _PEAK.search(status)
    if found is None:
        raise RuntimeError("/proc/self/status has no VmPeak: hostile input needs a Linux kernel, which gVisor is not")
    return int(found[1]) * 1024

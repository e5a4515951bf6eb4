"""Runs a function of ours on hostile input in a child process, whose time, memory, files and output have limits.

A parser's memory and time are chosen by whoever wrote the input. In a child that has limits, a hostile input ends that
child alone: this process, which serves other tenants at the same time, keeps its memory and its processor.

Each child is forked from a template (`child_template`), a fresh interpreter that has read no input. It sets its limits
before it reads its own, has none of this process's environment (which holds secrets) and none of its sockets, and
answers in JSON.
"""

import atexit
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from tempfile import TemporaryFile
from typing import IO, Any

from provider_hub.adapters.child_template import INPUT_REFUSED
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import HubError, TemporaryError

log = logging.getLogger(__name__)

MIB = 1024 * 1024
# `-I` and `-S` keep the environment, the current folder and site-packages' startup files out of the child.
ISOLATED = ("-I", "-S")
# Libraries in Rust abort where memory runs out.
_OVER_LIMIT = (INPUT_REFUSED, -signal.SIGPROF, -signal.SIGXCPU, -signal.SIGSEGV, -signal.SIGABRT)
# The template may have to start first, and to import: about 0.3 seconds on an idle machine.
_START_SECONDS = 15.0
_MOST_DIGITS = 16
_TEMPLATE = "provider_hub.adapters.child_template"


class OverLimit(HubError):
    """The input needs more time, memory or output than its child process may use, or it broke the parser."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one child may use. The times begin with the child: its modules are imported before.

    Who runs one waits for the wall time and at most 15 seconds more, in which a template starts. A template that hangs
    while its queue of plans is full costs up to 15 seconds before that: the plan goes to another one then.
    """

    cpu_seconds: float = 1.5
    wall_seconds: float = 15
    memory_bytes: int = 256 * MIB
    output_bytes: int = 4 * MIB
    open_files: int = 32


class LimitedChildren:
    """Children of one template process, which starts at the first use, and again where it has ended. Thread-safe."""

    def __init__(self, start_seconds: float = _START_SECONDS) -> None:
        self._start_seconds = start_seconds
        self._lock = threading.Lock()
        self._template: _Template | None = None

    def run(
        self,
        function: Callable[[Any, IO[bytes] | None], Any],
        argument: Any,
        limits: Limits,
        file: IO[bytes] | None = None,
        imports: Sequence[str] = (),
    ) -> Any:
        """What `function(argument, file)` returns when a child process calls it; both values are JSON.

        `file` is a real file: the child reads it through the same open file description. `imports` names the modules
        that the function imports itself: the template does it once. Raises OverLimit, and TemporaryError where the wall
        time or somebody else ended the child: a hostile input uses up its processor time or its memory long before, so
        this machine has too little of one of them and the input is not to blame.
        """
        with TemporaryFile() as given, TemporaryFile() as output:
            given.write(json.dumps(argument).encode())
            given.seek(0)
            plan = {"imports": imports, "module": function.__module__, "function": function.__name__}
            files = [given.fileno(), output.fileno(), *([] if file is None else [file.fileno()])]
            code = self._run({**plan, "limits": asdict(limits)}, files, limits.wall_seconds)
            if code == 0:
                output.seek(0)
                return json.loads(output.read(limits.output_bytes))
        if code == -signal.SIGALRM:
            raise TemporaryError("the check of this input got too little processor time: try again")
        if code == -signal.SIGKILL:
            # The kernel does it where the whole instance is out of memory: a child by itself is ended by its limits.
            log.error("a child process that ran %s was killed: too little memory here", function.__qualname__)
            raise TemporaryError("there is too little memory at the moment to check this input: try again")
        if code is None:
            log.error("nobody says how a child process that ran %s ended", function.__qualname__)
            raise TemporaryError("the process that checks this input has ended: try again")
        if code not in _OVER_LIMIT:
            # The traceback may repeat the input, which may be a secret. The function's own tests tell more.
            log.error("a child process that ran %s ended with %s", function.__qualname__, code)
        raise OverLimit("takes more time or memory than it may, or cannot be read")

    def _run(self, plan: Mapping[str, Any], files: Sequence[int], wall_seconds: float) -> int | None:
        """The child's exit code, negative for the signal that ended it; None where nobody says it in time."""
        ended, write_end = os.pipe()
        with os.fdopen(ended, "rb", buffering=0) as code:
            try:
                given, output, *file = files
                template = self._send(json.dumps(plan).encode(), [given, output, write_end, *file])
            finally:
                os.close(write_end)
            ready = select.poll()
            ready.register(code, select.POLLIN)
            # The keeper says it earlier. Without an answer the template itself does not go on.
            if not ready.poll((wall_seconds + self._start_seconds) * 1000):
                self._end(template)
                return None
            digits = code.read(_MOST_DIGITS)
        return int(digits) if digits else None

    def _send(self, plan: bytes, descriptors: Sequence[int]) -> "_Template":
        """Send a plan to the running template, else to a new one; returns which. Raises TemporaryError."""
        with self._lock:
            if self._template is not None:
                with suppress(OSError):
                    socket.send_fds(self._template.plans, [plan], descriptors)
                    return self._template
                # It has ended or hangs, for whatever reason. The plan did not reach it.
                self._template.end()
                self._template = None
            try:
                self._template = _started(self._start_seconds)
                socket.send_fds(self._template.plans, [plan], descriptors)
            except OSError as error:
                log.exception("no process can be started to check an input")
                raise TemporaryError("no process can be started to check this input: try again") from error
            return self._template

    def _end(self, template: "_Template") -> None:
        """End a template that hangs, unless another thread did, and has perhaps another one by now."""
        with self._lock:
            if self._template is template:
                self._template.end()
                self._template = None

    def close(self) -> None:
        """End the template, and none of the children. The next use starts another."""
        with self._lock:
            if self._template is not None:
                self._template.end()
            self._template = None


@dataclass(frozen=True, slots=True)
class _Template:
    """A running template. It ends when its socket is closed, so with this process too."""

    process: subprocess.Popen[bytes]
    plans: socket.socket

    def end(self) -> None:
        self.plans.close()
        self.process.kill()
        self.process.wait()


def _started(send_seconds: float) -> _Template:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # A send waits only where many plans wait already, for a template that does nothing.
    ours.settimeout(send_seconds)
    path = json.dumps([part for part in sys.path if part])
    start = "import sys, json; sys.path[:] = json.loads(sys.argv[1])"
    serve = f"from {_TEMPLATE} import serve; serve(int(sys.argv[2]))"
    with theirs:
        # Its errors come to this process's: those are faults of an import. A child's go nowhere.
        process = subprocess.Popen(  # noqa: S603 - the command is fixed
            [sys.executable, *ISOLATED, "-c", f"{start}; {serve}", path, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            env={},
            cwd="/",
        )
    return _Template(process, ours)


_CHILDREN = LimitedChildren()
atexit.register(_CHILDREN.close)
run_limited = _CHILDREN.run

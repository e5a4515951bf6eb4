"""Imports once for many processes, and forks each of them: `python -m local_stack.fork_server FD SOURCE…`.

Importing Google's clients takes over a second of CPU, and the functions of a stack would do it a dozen times: at its
start, and whenever one is killed. A fork has everything already. SOURCE is a function's file, imported for what it
imports; the cluster and the node come from here too, since they use the same libraries.

FD is a socket to the stack, of type SOCK_SEQPACKET: a message is one JSON object. The server says `{}` once it has
imported. The stack asks with `Order`; the answers are `{"id", "pid"}` once the process runs, and `{"pid", "code"}` once
it has ended, with `code` as `subprocess` has it: negative for a signal.
"""

import contextlib
import importlib
import importlib.util
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from local_kubernetes.launcher import die_with_parent
from local_stack.collector import not_collecting

_AHEAD = (
    "local_stack.serve_function",
    # functions-framework imports gunicorn, and gunicorn what a worker needs, only when they serve: in each function.
    "functions_framework._http.gunicorn",
    "gunicorn.glogging",
    "local_kubernetes.cluster.__main__",
    "local_kubernetes.node.__main__",
)
_NAME_LENGTH = 15  # as much as the kernel keeps
_MAX_MESSAGE = 256 * 1024
_LOG_MODE = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


@dataclass(frozen=True)
class Order:
    """A process to fork: it calls `main` of `module` as a program with `arguments`, and its output goes to `log`."""

    id: int
    name: str
    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: str

    def dump(self) -> bytes:
        """The message that asks for it."""
        return json.dumps(asdict(self)).encode()


def main() -> None:
    """Import, then fork what the stack asks for until the stack is gone."""
    descriptor, *sources = sys.argv[1:]
    channel = socket.socket(fileno=int(descriptor))
    channel.set_inheritable(False)
    with not_collecting():
        _import_ahead([Path(source) for source in sources])
    _ForkServer(channel).serve()


def _import_ahead(sources: Iterable[Path]) -> None:
    for module in _AHEAD:
        importlib.import_module(module)
    for source in sources:
        spec = importlib.util.spec_from_file_location(f"ahead_{source.parent.name}", source)
        if spec is None or spec.loader is None:
            continue
        try:
            spec.loader.exec_module(importlib.util.module_from_spec(spec))
        except Exception:  # whatever a function's own code raises: its own process will raise it again, and say so
            print(f"{source} cannot be imported ahead:", file=sys.stderr)
            traceback.print_exc()


class _ForkServer:
    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._selector = selectors.DefaultSelector()
        self._selector.register(channel, selectors.EVENT_READ)

    def serve(self) -> None:
        """Until the stack closes its end, which it also does when it is killed."""
        self._say({})
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is not self._channel:
                    self._reap(key.fd, key.data)
                    continue
                message = self._channel.recv(_MAX_MESSAGE)
                if not message:
                    return
                self._fork(Order(**json.loads(message)))

    def _fork(self, order: Order) -> None:
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._let_go()
            _become(order, server)
        # The child does it too: whoever is faster, its group exists before anybody can be told to kill it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.setpgid(pid, pid)
        self._selector.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)
        self._say({"id": order.id, "pid": pid})

    def _let_go(self) -> None:
        """Close, in a child, what is the server's: its end of the socket, and its hold of the siblings."""
        for key in list(self._selector.get_map().values()):
            if key.fileobj is not self._channel:
                os.close(key.fd)
        self._selector.close()
        self._channel.close()

    def _reap(self, descriptor: int, pid: int) -> None:
        self._selector.unregister(descriptor)
        os.close(descriptor)
        _, status = os.waitpid(pid, 0)
        self._say({"pid": pid, "code": os.waitstatus_to_exitcode(status)})

    def _say(self, message: Mapping[str, Any]) -> None:
        self._channel.send(json.dumps(message).encode())


def _become(order: Order, server: int) -> NoReturn:
    """Be the ordered process, in a forked one. It never returns into the server's code."""
    code = 1
    try:
        die_with_parent(server)
        # A group of its own: see the supervisor, which kills what a dead process left by its group.
        os.setpgid(0, 0)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        log = os.open(order.log, _LOG_MODE, 0o644)
        os.dup2(log, sys.stdout.fileno())
        os.dup2(log, sys.stderr.fileno())
        os.environ.clear()
        os.environ.update(order.environment)
        sys.argv = [order.module, *order.arguments]
        # For `ps` and `top`, where all forks would look alike.
        Path("/proc/self/comm").write_text(order.name[:_NAME_LENGTH])
        code = importlib.import_module(order.module).main() or 0
    except SystemExit as end:
        code = _exit_code(end)
    except BaseException:  # what ends a program of its own must not reach the server's code
        traceback.print_exc()
    finally:
        # Not sys.exit: what the server registered for its own end is not this process's to do.
        _end(code)


def _end(code: int) -> NoReturn:
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:  # even where the disk is full
        os._exit(code)


def _exit_code(end: SystemExit) -> int:
    """As the interpreter has it: a text is printed, and means failure."""
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code
    print(end.code, file=sys.stderr)
    return 1


if __name__ == "__main__":
    main()

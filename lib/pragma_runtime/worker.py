"""One run of the SDK's worker, `python -m pragma_sdk.worker`, which serves a first-party provider's resource types."""

import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import NoReturn

from pragma_runtime.children import kill_group
from pragma_runtime.frames import METHOD_NOT_FOUND, Connection, FrameError
from pragma_runtime.handshake import Handshake, shake_hands
from pragma_runtime.install import Installed
from pragma_runtime.last_line import LastLine
from pragma_runtime.log import say
from pragma_runtime.settings import Settings

_LONGEST_SOCKET_PATH = 100  # bytes; the kernel takes 107
_LOOK_SECONDS = 0.05
_LAST_WORDS_SECONDS = 2.0  # for a worker that closed its connection to end, and its stderr to be read
_OURS = ("PRAGMA_", "PIP_", "PYTHON")  # no config key begins with these


class WorkerEnded(Exception):
    """The worker ended or had to be ended; the message says why, in its own last words where it had any."""


class WorkerSilent(WorkerEnded):
    """It was alive and had sent no handshake when its time was over, so it was ended."""


class Worker:
    """A worker process and the connection to it. `start` and `serve` run on one thread, `stop` on any."""

    def __init__(self, installed: Installed, settings: Settings) -> None:
        self._installed = installed
        self._settings = settings
        self._stopping = threading.Event()
        self._spawning = threading.Lock()  # a worker that starts while `stop` is called would outlive it
        self._process: subprocess.Popen[bytes] | None = None
        self._last_line: LastLine | None = None
        self._connection: Connection | None = None

    def start(self, seconds: float) -> Handshake:
        """Starts the process and waits for its handshake.

        Raises WorkerSilent where none comes within `seconds`, and WorkerEnded for a worker that ends or goes wrong.
        """
        ends_at = time.monotonic() + seconds
        path, listener = _listen(self._settings.work_dir)
        with listener:
            self._spawn(path)
            self._connection = Connection(self._accept(listener, ends_at, seconds))
        path.unlink(missing_ok=True)
        try:
            left = max(0.1, ends_at - time.monotonic())
            handshake = shake_hands(self._connection, self._installed.distribution, left)
        except TimeoutError:
            silence = f"the worker has not sent its handshake within {seconds:.0f} s"
            raise WorkerSilent(str(self._end(silence))) from None
        except FrameError as error:
            raise self._end(f"the worker {error}") from None
        if handshake is None:
            raise self._end()
        return handshake

    def serve(self) -> NoReturn:
        """Answers the worker's requests until it ends; always raises WorkerEnded."""
        if self._connection is None:
            raise AssertionError("serve() before start()")
        try:
            while (message := self._connection.read()) is not None:
                self._take(self._connection, message)
        except FrameError as error:
            raise self._end(f"the worker {error}") from None
        raise self._end()

    def stop(self, seconds: float) -> None:
        """Asks the worker to shut down; ends it after `seconds` at most: first by SIGTERM, then by SIGKILL."""
        with self._spawning:
            self._stopping.set()
            process = self._process
        if process is None:
            return
        if self._connection:
            try:
                self._connection.notify("shutdown")
            except FrameError as error:
                say(f"The worker cannot be asked to shut down: it {error}.")
        else:
            process.terminate()
        if not _has_ended(process, seconds * 0.8):
            say("The worker has not shut down when it was asked to; SIGTERM.")
            process.terminate()
        if not _has_ended(process, seconds * 0.2):
            say("The worker has not ended on SIGTERM; SIGKILL.")
            self._kill()

    def _spawn(self, path: Path) -> None:
        reading, writing = os.pipe()
        with self._spawning, os.fdopen(writing):
            self._last_line = LastLine(reading)
            if self._stopping.is_set():
                raise WorkerEnded("the runtime stops")
            self._process = subprocess.Popen(  # noqa: S603 - the provider's own interpreter, no shell
                [str(self._installed.environment.python), "-m", "pragma_sdk.worker", "--socket", _name(path)],
                env=worker_environment(self._installed, self._settings),
                cwd=path.parent,
                stdin=subprocess.DEVNULL,
                stderr=writing,
                # A signal to the runtime's group, as from a terminal, must not end the worker before it is asked to.
                process_group=0,
            )

    def _accept(self, listener: socket.socket, ends_at: float, seconds: float) -> socket.socket:
        listener.settimeout(_LOOK_SECONDS)
        while time.monotonic() < ends_at:
            try:
                return listener.accept()[0]
            except TimeoutError:
                if self._process is None or self._process.poll() is not None:
                    raise self._end() from None
        raise WorkerSilent(str(self._end(f"the worker has not connected within {seconds:.0f} s")))

    def _take(self, connection: Connection, message: dict[str, object]) -> None:
        method, request_id = message.get("method"), message.get("id")
        if isinstance(method, str) and request_id is not None:
            connection.refuse(request_id, METHOD_NOT_FOUND, f"this runtime does not implement {method[:100]!r}")

    def _end(self, reason: str = "") -> WorkerEnded:
        """Makes sure that the process is over. Without a `reason` it is what the process left behind."""
        process, connection = self._process, self._connection
        if process is None or self._last_line is None:
            return WorkerEnded(reason or "the worker was not started")
        if not reason:
            try:
                process.wait(None if self._stopping.is_set() else _LAST_WORDS_SECONDS)
            except subprocess.TimeoutExpired:
                reason = "the worker closed its connection and did not end"
        if process.poll() is None:
            self._kill()
        if connection:
            connection.close()
        said = self._last_line.text(_LAST_WORDS_SECONDS)
        reason = reason or f"the worker {_how(process.returncode)}"
        return WorkerEnded(f"{reason}; its last line: {said}" if said else reason)

    def _kill(self) -> None:
        if self._process and self._process.poll() is None:
            kill_group(self._process.pid)
            self._process.wait()


def worker_environment(installed: Installed, settings: Settings) -> dict[str, str]:
    """The installation's config and the image's variables, and of the platform's own what the SDK and providers read.

    The wheel's URL, which may carry a signature, and all else that is between the runtime and the control plane stay
    out; the check-in token has left the environment long before.
    """
    given = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {
        **given,
        "PATH": f"{installed.environment.scripts}{os.pathsep}{given.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "PRAGMA_PROVIDER_DISTRIBUTION": installed.distribution,
        "PRAGMA_RUNTIME_ORGANIZATION_ID": settings.organization_id,
        "PRAGMA_WORK_DIR": str(settings.work_dir),
    }


def _listen(work_dir: Path) -> tuple[Path, socket.socket]:
    directory = work_dir / "worker"
    directory.mkdir(mode=0o700, exist_ok=True)
    path = directory / "host.sock"
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        # By way of the descriptor, for the work directory's path may be longer than a socket's may be.
        listener.bind(f"/proc/self/fd/{descriptor}/{path.name}")
    finally:
        os.close(descriptor)
    listener.listen(1)
    return path, listener


def _name(path: Path) -> str:
    """What the worker is given: a long path by its name alone, which works as it starts in that directory."""
    return str(path) if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH else path.name


def _has_ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _how(returncode: int) -> str:
    if returncode == -signal.SIGKILL:
        return "was killed (SIGKILL), most likely for want of memory"
    if returncode < 0:
        return f"was ended by {signal.Signals(-returncode).name}"
    return f"ended with exit code {returncode}"

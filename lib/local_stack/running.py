"""A stack in a process of its own, for tests, the demo and the benchmarks."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from hub_cli.stack_file import StackInfo, stack_file
from local_stack.errors import LocalError
from local_stack.issuer import TokenIssuer
from local_stack.processes import bound_to_parent, kill_group, log_tail
from local_stack.stack_file import keys_dir, pid_file, wheels_dir
from local_stack.wheelhost import AddedWheel, add_wheel

_HUB_UP = (sys.executable, "-m", "hub_cli.main", "up")
_POLL_SECONDS = 0.05
_STOP_SECONDS = 20.0


class Stack:
    """`hub up` on a free port, as a context manager: entered once it serves, left once all of it has ended.

    `arguments` are further options of `hub up`; `environment` adds to this process's own. Without a `state_dir`
    it gets a temporary one, removed when the block ends well and kept, for its logs, when it raises.
    """

    info: StackInfo

    def __init__(
        self,
        *arguments: str,
        state_dir: Path | None = None,
        environment: Mapping[str, str] | None = None,
        deadline: float = 60,
        command: Sequence[str] = _HUB_UP,
    ) -> None:
        self._temporary = state_dir is None
        self.state_dir = (state_dir or Path(tempfile.mkdtemp(prefix="provider-hub-"))).resolve()
        self._command = (*command, "--port", "0", "--state-dir", str(self.state_dir), *arguments)
        self._environment = {**os.environ, **(environment or {})}
        self._deadline = deadline

    def __enter__(self) -> Self:
        """Start, and wait until everything serves. Raises LocalError with the stack's last lines when it does not."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        self.log = self.state_dir / "up.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603
                bound_to_parent(self._command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                process_group=0,
            )
        try:
            self._wait_until_it_serves()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop every process of the stack."""
        self._stop()
        if self._temporary and kind is None:
            shutil.rmtree(self.state_dir)

    @property
    def tokens(self) -> TokenIssuer:
        """Makes tokens that this stack takes."""
        return TokenIssuer(self.info.issuer_url, keys_dir(self.state_dir))

    def add_wheel(self, file: Path) -> AddedWheel:
        """Put a wheel on the stack's host."""
        return add_wheel(file, wheels_dir(self.state_dir), self.info.wheels_url)

    def pid(self, child: str) -> int:
        """The process id of a function, `node`, `cluster`, `firestore-emulator` or `pubsub-emulator`."""
        return int(pid_file(self.state_dir, child).read_text())

    def kill(self, child: str) -> int:
        """`kill -9` a child, which the stack then starts again; returns the pid it had."""
        pid = self.pid(child)
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill_worker(self, function: str) -> int:
        """`kill -9` the process in which a function's requests run; its parent forks another. Returns the pid it had.

        Raises ProcessLookupError while there is none.
        """
        parent = self.pid(function)
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        if not children:
            raise ProcessLookupError(f"{function} has no worker at this moment")
        worker = int(children[0])
        os.kill(worker, signal.SIGKILL)
        return worker

    def _wait_until_it_serves(self) -> None:
        deadline = time.monotonic() + self._deadline
        while not stack_file(self.state_dir).exists():
            if self._process.poll() is not None:
                raise LocalError(f"the stack ended at its start:\n{log_tail(self.log)}")
            if time.monotonic() > deadline:
                raise LocalError(
                    f"the stack does not serve after {self._deadline:g} s; logs are in {self.state_dir}:\n"
                    f"{log_tail(self.log)}"
                )
            time.sleep(_POLL_SECONDS)
        self.info = StackInfo.read(self.state_dir)

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            kill_group(self._process.pid)
            self._process.wait()

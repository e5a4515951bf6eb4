"""`stack.json`: what a running stack says about itself, and the lock that says it runs."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from provider_hub.local.errors import LocalError

DEFAULT_STATE_DIR = Path(".hub")


@dataclass(frozen=True)
class StackInfo:
    """Where everything of a running stack is. Paths are absolute, URLs without a trailing slash."""

    api_url: str
    wheels_url: str
    ca_file: str
    firestore_emulator_host: str
    pubsub_emulator_host: str
    kubeconfig: str
    project: str
    tasks_endpoint: str
    issuer_url: str
    logs_dir: str
    state_dir: str
    pid: int

    @classmethod
    def read(cls, state_dir: Path) -> Self:
        """The stack that runs in `state_dir`. Raises LocalError when none does, or it does not serve yet."""
        try:
            info = cls(**json.loads(stack_file(state_dir).read_text()))
            # A killed stack leaves its file behind, and its tokens and URLs are worth nothing.
            os.kill(info.pid, 0)
        except (FileNotFoundError, ProcessLookupError):
            raise LocalError(
                f"no stack serves in {state_dir}: start one with `make up`, or name its folder with --state-dir."
            ) from None
        return info

    def write(self) -> None:
        """Put it where `read` finds it, whole or not at all."""
        target = stack_file(Path(self.state_dir))
        partial = target.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(self), indent=2) + "\n")
        partial.replace(target)


def stack_file(state_dir: Path) -> Path:
    """The path of a state folder's `stack.json`."""
    return state_dir / "stack.json"


def keys_dir(state_dir: Path) -> Path:
    """Where a stack keeps its keys."""
    return state_dir / "keys"


def logs_dir(state_dir: Path) -> Path:
    """Where each child process has its log."""
    return state_dir / "logs"


def pid_file(state_dir: Path, child: str) -> Path:
    """Where the process id of a running child is written."""
    return state_dir / "run" / f"{child}.pid"


def wheels_dir(state_dir: Path) -> Path:
    """The wheel host's folder."""
    return state_dir / "wheels"


@contextmanager
def exclusive(state_dir: Path) -> Iterator[None]:
    """Hold a state folder for one stack. Raises LocalError while another living one holds it.

    A lock of the kernel's and not a pid file: it ends with its process, however that ends.
    """
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        lock = (state_dir / "lock").open("w")
    except OSError as error:
        raise LocalError(f"cannot use {state_dir} as the state folder: {error.strerror}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalError(
                f"a stack is running in {state_dir} already: stop it, or start this one with another --state-dir."
            ) from None
        stack_file(state_dir).unlink(missing_ok=True)
        try:
            yield
        finally:
            stack_file(state_dir).unlink(missing_ok=True)

"""The paths in a state folder, and the lock that says a stack runs there."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub_cli.stack_file import stack_file
from local_stack.errors import LocalError


def keys_dir(state_dir: Path) -> Path:
    """Where a stack keeps its keys."""
    return state_dir / "keys"


def logs_dir(state_dir: Path) -> Path:
    """Where each child process has its log."""
    return state_dir / "logs"


def node_dir(state_dir: Path) -> Path:
    """The process node's own state."""
    return state_dir / "node"


def programs_dir(state_dir: Path) -> Path:
    """Links to the programs that the runtime's image holds beside its Python."""
    return state_dir / "programs"


def pid_file(state_dir: Path, child: str) -> Path:
    """Where the process id of a running child is written."""
    return state_dir / "run" / f"{child}.pid"


def wheels_dir(state_dir: Path) -> Path:
    """The wheel host's folder."""
    return state_dir / "wheels"


def artifacts_dir(state_dir: Path) -> Path:
    """The local bucket's folder."""
    return state_dir / "artifacts"


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

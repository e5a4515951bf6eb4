"""Environments of published clients: each pinned by its lock, installed once, and kept by the lock's digest."""

import fcntl
import os
import shutil
import subprocess
from functools import cache
from hashlib import sha256
from pathlib import Path

from local_stack.interpreters import find_interpreters

LOCKS = Path(__file__).parent / "locks"
_INSTALL_SECONDS = 540


class NoPython(Exception):
    """This machine has no interpreter that the clients run on."""


def environment_of(client: str) -> Path:
    """The folder of an environment with `client` in it. Raises NoPython, or CalledProcessError when pip fails."""
    lock = LOCKS / f"{client}.txt"
    folder = _cache() / f"{client}-{sha256(lock.read_bytes()).hexdigest()[:12]}"
    complete = folder / "complete"
    with folder.with_name(f"{folder.name}.lock").open("w") as lock_file:
        # Another test run may be making the same one; scripts in it name the folder, so it is made where it stays.
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        if not complete.exists():
            _make(folder, lock)
            complete.touch()
    return folder


def _make(folder: Path, lock: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _run(python_3_13(), "-m", "venv", folder)
    _run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", lock)


@cache
def python_3_13() -> Path:
    """Raises NoPython."""
    for interpreter in find_interpreters(os.environ):
        if interpreter.release[:2] == (3, 13):
            return interpreter.executable
    raise NoPython("the published clients need Python 3.13 with pip; the PATH and pyenv's and uv's folders have none")


def _cache() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "provider-hub" / "clients"
    base.mkdir(parents=True, exist_ok=True)
    return base


def _run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, timeout=_INSTALL_SECONDS)

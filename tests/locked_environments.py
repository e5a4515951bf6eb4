"""Environments of published programs: each pinned by its lock, installed once, and kept by the lock's digest."""

import fcntl
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from uv import find_uv_bin

_INSTALL_SECONDS = 540


def environment_of(lock: Path, python: Path) -> Path:
    """The folder of an environment of `python` with what `lock` names, without pip.

    Raises CalledProcessError when neither uv nor pip can install it.
    """
    digest = sha256(f"{python.resolve()} {lock.read_text()}".encode()).hexdigest()[:12]
    folder = cache_folder("clients") / f"{lock.stem}-{digest}"
    complete = folder / "complete"
    with folder.with_name(f"{folder.name}.lock").open("w") as lock_file:
        # Another test run may be making the same one; scripts in it name the folder, so it is made where it stays.
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        if not complete.exists():
            _make(folder, lock, python)
            complete.touch()
    return folder


def _make(folder: Path, lock: Path, python: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _run(python, "-m", "venv", "--without-pip", folder)
    executable = folder / "bin" / "python"
    options = ("--quiet", "--no-deps", "--require-hashes", "-r", lock)
    try:
        _run(find_uv_bin(), "pip", "install", "--python", executable, *options)
    except subprocess.CalledProcessError:
        # uv is quicker by far; pip knows the indexes and certificates of the machine's own settings.
        _run(sys.executable, "-m", "pip", "--python", executable, "install", *options)


def cache_folder(kind: str) -> Path:
    """The folder in which test runs keep what is of that kind. All clones of this user share it."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "provider-hub" / kind
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, timeout=_INSTALL_SECONDS)

"""Environments of published clients: each pinned by its lock, installed once, and kept by the lock's digest."""

import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

LOCKS = Path(__file__).parent / "locks"
_INSTALL_SECONDS = 540


class NoPython(Exception):
    """This machine has no interpreter that the clients run on."""


def environment_of(client: str) -> Path:
    """The folder of an environment with `client` in it. Raises NoPython, or CalledProcessError when pip fails."""
    lock = LOCKS / f"{client}.txt"
    folder = _cache() / f"{client}-{sha256(lock.read_bytes()).hexdigest()[:12]}"
    if folder.exists():
        return folder
    # Only a finished environment ever bears the name; scripts in it name the folder, so it is made where it stays.
    python = python_3_13()
    try:
        _run(python, "-m", "venv", folder)
        _run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", lock)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def python_3_13() -> Path:
    """Raises NoPython."""
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob("3.13*/bin/python3.13"))
    found = next((path for path in map(str, pyenv) if os.access(path, os.X_OK)), None) or shutil.which("python3.13")
    if found is None:
        raise NoPython("the published clients need Python 3.13, and there is none on the PATH or in pyenv's folder")
    return Path(found)


def _cache() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "provider-hub" / "clients"
    base.mkdir(parents=True, exist_ok=True)
    return base


def _run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, timeout=_INSTALL_SECONDS)

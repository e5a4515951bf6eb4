"""Wheels of published distributions, each pinned by its version: downloaded once from the machine's index, and kept."""

import fcntl
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.locked_environments import cache_folder

_DOWNLOAD_SECONDS = 240


def wheel_of(requirement: str) -> Path:
    """The wheel that Python 3.13 gets for a requirement such as `six==1.17.0`; nobody may change the file.

    Raises CalledProcessError when this machine's package index does not have it.
    """
    folder = cache_folder("wheels") / requirement
    with folder.with_name(f"{requirement}.lock").open("w") as lock_file:
        # Another worker may be downloading the same one.
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        if not folder.exists():
            _download(requirement, folder)
    [wheel] = folder.glob("*.whl")
    return wheel


def _download(requirement: str, folder: Path) -> None:
    with TemporaryDirectory(dir=folder.parent) as directory:
        downloaded = Path(directory, "downloaded")
        options = ("--quiet", "--no-deps", "--only-binary", ":all:", "--python-version", "3.13")
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(downloaded), requirement]
        subprocess.run(command, check=True, timeout=_DOWNLOAD_SECONDS, stdin=subprocess.DEVNULL)
        # The folder is there once its file is whole.
        downloaded.rename(folder)

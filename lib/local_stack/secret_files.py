"""Secrets of the local stack that are made once and kept in files."""

from collections.abc import Callable
from pathlib import Path

from local_kubernetes.private_files import write_privately


def secret_file(path: Path, make: Callable[[], bytes]) -> bytes:
    """The bytes of `path`, which only this user may read. A missing file is made from what `make` returns."""
    if path.exists():
        return path.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    content = make()
    write_privately(path, content)
    return content

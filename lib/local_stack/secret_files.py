"""Files that only this user may read: keys of the local stack."""

import os
from collections.abc import Callable
from pathlib import Path


def secret_file(path: Path, make: Callable[[], bytes]) -> bytes:
    """The bytes of `path`, made and written with mode 0600 first unless the file is there."""
    if path.exists():
        return path.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    content = make()
    write_secret(path, content)
    return content


def write_secret(path: Path, content: bytes) -> None:
    """Write `path` atomically with mode 0600: it is never there half-written or readable by others."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    partial.replace(path)

"""Finds a Java that can run a given jar, and the archive of the classes that it then loads."""

import hashlib
import os
import re
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from local_stack.downloads import cache_dir
from local_stack.errors import LocalError

_INSTALLED = Path("/usr/lib/jvm")
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')
# What an archive has in it depends on the calls that this file made.
_CALLS = Path(__file__).with_name("class_archives.py")
_CLASS_FILE_MAGIC = 0xCAFEBABE
# Class files of Java N carry N + 44 as their major version, since Java 1.1.
_CLASS_FILE_OFFSET = 44


def java_for(jar: Path, main_class: str) -> str:
    """The path of a `java` new enough for `jar`: JAVA_HOME's, the PATH's, or one of /usr/lib/jvm.

    Raises LocalError with the remedy when there is none, or all are too old.
    """
    needed = required_version(jar, main_class)
    found: list[int] = []
    for java in candidates():
        version = java_version(java)
        if version is None:
            continue
        if version >= needed:
            return java
        found.append(version)
    remedy = (
        f"install Java {max(needed, 21)} or newer (Debian, Ubuntu: openjdk-21-jre-headless), or point JAVA_HOME at one"
    )
    if not found:
        raise LocalError(f"Google's emulators need Java {needed} or newer and none is on this machine: {remedy}.")
    raise LocalError(f"{jar.name} needs Java {needed} or newer and the newest here is {max(found)}: {remedy}.")


def required_version(jar: Path, main_class: str) -> int:
    """The Java release a jar's main class was compiled for, read from the class file itself."""
    with zipfile.ZipFile(jar) as archive, archive.open(main_class.replace(".", "/") + ".class") as stream:
        magic, _, major = struct.unpack(">IHH", stream.read(8))
    if magic != _CLASS_FILE_MAGIC:
        raise LocalError(f"{jar} is damaged: {main_class} in it is no Java class; delete it, then run `make setup`.")
    return int(major) - _CLASS_FILE_OFFSET


@cache
def java_version(java: str) -> int | None:
    """The major version `java -version` prints; None where it cannot be run."""
    try:
        run = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(run.stderr + run.stdout)
    return int(match[1]) if match else None


def class_archive(java: str, jar: Path) -> Path:
    """Where the archive of the classes that `java` loads from `jar` is, or would be: see `class_archives`."""
    facts = jar.stat()
    calls = hashlib.sha256(_CALLS.read_bytes()).hexdigest()
    key = f"{Path(java).resolve()}\n{jar}\n{facts.st_size}\n{facts.st_mtime_ns}\n{calls}"
    return cache_dir() / "classes" / f"{jar.stem}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.jsa"


def candidates() -> Iterator[str]:
    """Each `java` of this machine in the order of preference: JAVA_HOME's, the PATH's, those of /usr/lib/jvm."""
    if home := os.environ.get("JAVA_HOME"):
        yield str(Path(home) / "bin" / "java")
    if java := shutil.which("java"):
        yield java
    yield from (str(java) for java in sorted(_INSTALLED.glob("*/bin/java")))

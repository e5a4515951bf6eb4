"""Installs small pure wheels by unpacking them, which is all that an installer does with most of them.

Starting an installer takes longer than unpacking a few megabytes: it looks first at the interpreter that it installs
for. What takes more than that is left to one: compiled parts, files for other places than the packages' directory, a
file that two wheels have, a Python that may not be the right one. Programs for a console are written here as well.
"""

import os
import re
import stat
import sys
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from pragma_runtime.environment import ProviderEnvironment
from pragma_runtime.errors import PermanentError
from pragma_runtime.wheel import read_wheel

_MOST_BYTES = 8 * 1024**2  # of all the wheels, unpacked; above that an installer is faster
_MOST_FILES = 1_000
_LONGEST_ABOUT = 64 * 1024
_CLAUSE = re.compile(r"(>=|<|!=) *(\d+(?:\.\d+){0,2})(\.\*)?")

_SCRIPT = re.compile(r"([A-Za-z0-9][\w.-]*)\s*=\s*([A-Za-z_][\w.]*)\s*:\s*([A-Za-z_][\w.]*)", re.ASCII)
_LONGEST_INTERPRETER = 125  # bytes, of a first line of 127


def are_only_to_unpack(paths: Sequence[Path]) -> bool:
    """Whether unpacking all these wheels into one directory installs them; nothing is written.

    False is no refusal: an installer knows how to install them, or why not.
    """
    names: list[str] = []
    size = 0
    try:
        for path in paths:
            with zipfile.ZipFile(path) as archive:
                files = _files(archive)
                if not _is_plain(path, archive, files):
                    return False
            names += [entry.filename for entry in files]
            size += sum(entry.file_size for entry in files)
    except (PermanentError, ValueError, KeyError, zipfile.BadZipFile):
        return False
    return size <= _MOST_BYTES and len(names) <= _MOST_FILES and len({name.lower() for name in names}) == len(names)


def unpack(paths: Sequence[Path], environment: ProviderEnvironment) -> None:
    """Unpacks wheels of which `are_only_to_unpack` was true, and writes their programs.

    Raises OSError, say on a full disk, and zipfile.BadZipFile for a file with a wrong checksum.
    """
    for path in paths:
        with zipfile.ZipFile(path) as archive:
            for entry in _files(archive):
                target = os.path.join(environment.packages, entry.filename)  # noqa: PTH118 - a thousand times
                os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
                _write(target, archive.read(entry), 0o755 if entry.external_attr >> 16 & 0o111 else 0o644)
        _write_programs(path, environment)


def _write(target: str | Path, content: bytes, mode: int) -> None:
    """Makes the file; raises FileExistsError where there is one already."""
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)


def _write_programs(path: Path, environment: ProviderEnvironment) -> None:
    """Writes what `console_scripts` names to the environment's scripts, and that into the wheel's RECORD."""
    matches = [match for line in read_wheel(path).scripts if (match := _SCRIPT.fullmatch(line))]
    record = ""
    for name, module, function in (match.groups() for match in matches):
        first = function.partition(".")[0]
        main = f'import sys\nfrom {module} import {first}\nif __name__ == "__main__":\n    sys.exit({function}())\n'
        program = (_interpreted_by(str(environment.python)) + main).encode()
        _write(environment.scripts / name, program, 0o755)
        digest = urlsafe_b64encode(sha256(program).digest()).decode().rstrip("=")
        record += f"../../../bin/{name},sha256={digest},{len(program)}\n"
    if record:
        listed = environment.packages / _info_of(path) / "RECORD"
        listed.write_text(f"{listed.read_text().rstrip()}\n{record}")


def _interpreted_by(python: str) -> str:
    """The first line of a program, or the first three: Linux takes no long paths there, and none with blanks."""
    if len(python) < _LONGEST_INTERPRETER and " " not in python:
        return f"#!{python}\n"
    if set("'\"\\$`") & set(python):
        raise OSError(f"no program can name its interpreter {python!r}")
    # For the shell a command, and for Python a text.
    return f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n"


def _info_of(path: Path) -> str:
    """The directory of the wheel's metadata, by the wheel's name."""
    name, version, *_ = path.stem.split("-")
    return f"{name}-{version}.dist-info"


def surely_allows(requires_python: str) -> bool:
    """Whether a `Requires-Python` allows this Python; False also where it takes an installer to tell."""
    if sys.version_info.releaselevel != "final":
        return False
    clauses = [clause.strip() for clause in requires_python.split(",")] if requires_python else []
    return all(_holds(clause) for clause in clauses)


def _holds(clause: str) -> bool:
    match = _CLAUSE.fullmatch(clause)
    if not match:
        return False
    operator, text, is_prefix = match.groups()
    wanted = tuple(map(int, text.split(".")))
    ours = tuple(sys.version_info[:3])
    if operator == "!=":
        return ours[: len(wanted)] != wanted if is_prefix else ours != _padded(wanted)
    if is_prefix:
        return False
    return ours >= _padded(wanted) if operator == ">=" else ours < _padded(wanted)


def _padded(version: tuple[int, ...]) -> tuple[int, ...]:
    return (*version, 0, 0)[:3]


def _is_plain(path: Path, archive: zipfile.ZipFile, files: Sequence[zipfile.ZipInfo]) -> bool:
    """Whether there is nothing to do for the wheel but to unpack it and to write its programs."""
    *_, python, abi, platform = path.stem.split("-")
    if (abi, platform) != ("none", "any") or "py3" not in python.split("."):
        return False
    info = _info_of(path)
    tops = {entry.filename.partition("/")[0] for entry in files}
    if {top for top in tops if top.endswith((".dist-info", ".data"))} != {info}:
        return False
    about, _ = archive.getinfo(f"{info}/WHEEL"), archive.getinfo(f"{info}/RECORD")
    if about.file_size > _LONGEST_ABOUT or not _is_pure(archive.read(about).decode()):
        return False
    wheel = read_wheel(path)
    has_plain_programs = not wheel.has_windows and all(map(_SCRIPT.fullmatch, wheel.scripts))
    return has_plain_programs and surely_allows(wheel.requires_python)


def _is_pure(about: str) -> bool:
    lines = {line.strip().lower() for line in about.splitlines()}
    return "root-is-purelib: true" in lines and any(line.startswith("wheel-version: 1.") for line in lines)


def _files(archive: zipfile.ZipFile) -> Sequence[zipfile.ZipInfo]:
    """The files to write. Raises ValueError for one that is none, or that leads elsewhere."""
    files = [entry for entry in archive.infolist() if not entry.is_dir()]
    for entry in files:
        parts = entry.filename.split("/")
        if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
            raise ValueError(f"{entry.filename!r} leads out of the directory")
        if stat.S_ISLNK(entry.external_attr >> 16) or entry.flag_bits & 1:
            raise ValueError(f"{entry.filename!r} is a link, or encrypted")
    return files

"""Installs plain wheels by unpacking them, which is all that an installer does with most of them.

Starting an installer takes longer than unpacking some megabytes: it looks first at the interpreter that it installs
for. What takes more than that is left to one: files for other places than the packages' directory, a file that two
wheels have, a Python or a platform that may not be the right one. Programs for a console are written here as well.
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
from typing import BinaryIO, NamedTuple

from pragma_runtime.environment import ProviderEnvironment
from pragma_runtime.errors import PermanentError
from pragma_runtime.side_by_side import side_by_side
from pragma_runtime.tags import runs_here
from pragma_runtime.unpacked import write_out
from pragma_runtime.wheel import BROKEN, wheel_in

_MOST_BYTES = 32 * 1024**2  # of all the wheels, unpacked; an installer inflates faster, which pays for larger ones
_MOST_FILES = 2_000
_AT_ONCE = 4
_LONGEST_ABOUT = 64 * 1024
_CLAUSE = re.compile(r"(>=|<|!=) *(\d+(?:\.\d+){0,2})(\.\*)?")

_SCRIPT = re.compile(r"([A-Za-z0-9][\w.-]*)\s*=\s*([A-Za-z_][\w.]*)\s*:\s*([A-Za-z_][\w.]*)", re.ASCII)
_LONGEST_INTERPRETER = 125  # bytes, of a first line of 127


class PlainWheel(NamedTuple):
    """A wheel for which there is nothing to do but to write these files and programs."""

    path: Path
    files: Sequence[zipfile.ZipInfo]
    scripts: Sequence[str]  # as `Wheel` has them

    @property
    def size(self) -> int:
        """How many bytes its files say that they have."""
        return sum(entry.file_size for entry in self.files)


def only_to_unpack(paths: Sequence[Path]) -> Sequence[PlainWheel]:
    """The wheels, if unpacking all of them into one directory installs them, else none; nothing is written.

    None is no refusal: an installer knows how to install them, or why not.
    """
    try:
        wheels = [wheel for path in paths if (wheel := _plain(path))]
    except (PermanentError, KeyError, OSError, *BROKEN):
        return ()
    names = [entry.filename for wheel in wheels for entry in wheel.files]
    fits = sum(wheel.size for wheel in wheels) <= _MOST_BYTES and len(names) <= _MOST_FILES
    is_apart = len({name.lower() for name in names}) == len(names)
    return wheels if fits and is_apart and len(wheels) == len(paths) else ()


def unpack(wheels: Sequence[PlainWheel], environment: ProviderEnvironment) -> None:
    """Unpacks the wheels and writes their programs, some of them at a time. Returns when nothing more is written.

    Raises PermanentError for a file that has another size than it says, OSError, say on a full disk, and
    zipfile.BadZipFile for a wrong checksum.
    """
    failures: list[Exception] = []

    def work(wheel: PlainWheel) -> None:
        try:
            _unpack(wheel, environment)
        # Raised below, once the others have ended: whoever empties the directory then must be alone.
        except Exception as failure:
            failures.append(failure)

    # What takes longest is begun first.
    side_by_side(work, sorted(wheels, key=lambda wheel: wheel.size, reverse=True), _AT_ONCE)
    if failures:
        raise failures[0]


def _unpack(wheel: PlainWheel, environment: ProviderEnvironment) -> None:
    root, made = str(environment.packages), set[str]()

    def opened(entry: zipfile.ZipInfo) -> BinaryIO:
        target = f"{root}/{entry.filename}"
        folder = target.rpartition("/")[0]
        if folder not in made:
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - a thousand times
            made.add(folder)
        return _new_file(target, 0o755 if entry.external_attr >> 16 & 0o111 else 0o644)

    write_out(wheel.path, wheel.files, opened)
    _write_programs(wheel, environment)


def _new_file(target: str | Path, mode: int) -> BinaryIO:
    """Makes the file; raises FileExistsError where there is one already."""
    return os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb")


def _write_programs(wheel: PlainWheel, environment: ProviderEnvironment) -> None:
    """Writes what `console_scripts` names to the environment's scripts, and that into the wheel's RECORD."""
    matches = [match for line in wheel.scripts if (match := _SCRIPT.fullmatch(line))]
    record = ""
    for name, module, function in (match.groups() for match in matches):
        first = function.partition(".")[0]
        main = f'import sys\nfrom {module} import {first}\nif __name__ == "__main__":\n    sys.exit({function}())\n'
        program = (_interpreted_by(str(environment.python)) + main).encode()
        with _new_file(environment.scripts / name, 0o755) as file:
            file.write(program)
        digest = urlsafe_b64encode(sha256(program).digest()).decode().rstrip("=")
        record += f"../../../bin/{name},sha256={digest},{len(program)}\n"
    if record:
        listed = environment.packages / _info_of(wheel.path) / "RECORD"
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


def _plain(path: Path) -> PlainWheel | None:
    """The wheel, if there is nothing to do for it but to unpack it and to write its programs."""
    if not runs_here(path.stem):
        return None
    with zipfile.ZipFile(path) as archive:
        files = _files(archive)
        info = _info_of(path)
        tops = {entry.filename.partition("/")[0] for entry in files}
        if {top for top in tops if top.endswith((".dist-info", ".data"))} != {info}:
            return None
        about, _ = archive.getinfo(f"{info}/WHEEL"), archive.getinfo(f"{info}/RECORD")
        with archive.open(about) as file:
            # By a length: without one, an archive that lies about its size would be inflated to its end.
            if not _is_known(file.read(_LONGEST_ABOUT).decode()):
                return None
        wheel = wheel_in(archive)
    has_plain_programs = not wheel.has_windows and all(map(_SCRIPT.fullmatch, wheel.scripts))
    return (
        PlainWheel(path, files, wheel.scripts) if has_plain_programs and surely_allows(wheel.requires_python) else None
    )


def _is_known(about: str) -> bool:
    """Whether the wheel's format is known. An environment has one directory for pure packages and for others."""
    lines = {line.strip().lower() for line in about.splitlines()}
    has_root = not lines.isdisjoint({"root-is-purelib: true", "root-is-purelib: false"})
    return has_root and any(line.startswith("wheel-version: 1.") for line in lines)


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

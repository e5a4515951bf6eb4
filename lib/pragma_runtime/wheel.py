"""Reads from a wheel what decides how it is installed and run."""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from email.parser import HeaderParser
from pathlib import Path
from typing import NamedTuple

from pragma_runtime.errors import PermanentError

_LARGEST_METADATA = 8 * 1024 * 1024
_PROVIDER_GROUP = re.compile(r"[ \t]*\[[ \t]*pragma\.provider[ \t]*\][ \t]*")
_GROUP = re.compile(r"\[[ \t]*(.+?)[ \t]*\]")
# What zipfile, zlib and the decoders raise on bytes made to break them; ValueError is also a text's wrong encoding.
BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError)
_ONLY_WITH_AN_EXTRA = re.compile(r"""[^;]*;(?!.*\bor\b).*\bextra\s*==\s*['"].*""")


class Wheel(NamedTuple):
    """What a wheel says of itself."""

    distribution: str
    requirements: tuple[str, ...]  # `Requires-Dist`, as written
    requires_python: str  # as written; "" is any
    declares_provider: bool  # it has an entry point of the group `pragma.provider`
    scripts: tuple[str, ...]  # `NAME = MODULE:FUNCTION`, as written: the programs for a console
    has_windows: bool  # it has programs with windows

    @property
    def has_dependencies(self) -> bool:
        """Whether an install without extras brings other distributions, depending on nothing but the platform."""
        return not all(_ONLY_WITH_AN_EXTRA.fullmatch(requirement) for requirement in self.requirements)


def read_wheel(path: Path) -> Wheel:
    """Raises PermanentError where `path` is no zip archive or has no usable metadata."""
    try:
        with zipfile.ZipFile(path) as archive:
            return wheel_in(archive)
    except BROKEN as error:
        raise PermanentError(f"{path.name} is not a readable wheel: {error}.") from None


def wheel_in(archive: zipfile.ZipFile) -> Wheel:
    """As `read_wheel`, of an archive that is open; raises what zipfile raises, too."""
    names = archive.namelist()
    info = _dist_info(names)
    metadata = HeaderParser().parsestr(_text(archive, f"{info}/METADATA"))
    distribution = str(metadata.get("Name", "")).strip()
    if not distribution:
        raise PermanentError(f"The wheel's {info}/METADATA gives no Name.")
    entry_points = _text(archive, listed).splitlines() if (listed := f"{info}/entry_points.txt") in names else []
    return Wheel(
        distribution=distribution,
        requirements=tuple(str(value) for value in metadata.get_all("Requires-Dist", [])),
        requires_python=str(metadata.get("Requires-Python", "")).strip(),
        declares_provider=any(map(_PROVIDER_GROUP.fullmatch, entry_points)),
        scripts=tuple(_lines_of("console_scripts", entry_points)),
        has_windows=any(True for _ in _lines_of("gui_scripts", entry_points)),
    )


def _lines_of(group: str, entry_points: Iterable[str]) -> Iterator[str]:
    """The lines of that group which are neither empty nor comments."""
    present = ""
    for line in map(str.strip, entry_points):
        if header := _GROUP.fullmatch(line):
            present = header[1]
        elif present == group and line and line[0] not in "#;":
            yield line


def _dist_info(names: Iterable[str]) -> str:
    found = {name.split("/")[0] for name in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)}
    if len(found) != 1:
        raise PermanentError(f"The wheel has {len(found)} `*.dist-info/METADATA` files; a wheel has one.")
    return found.pop()


def _text(archive: zipfile.ZipFile, name: str) -> str:
    with archive.open(name) as file:
        content = file.read(_LARGEST_METADATA + 1)
    if len(content) > _LARGEST_METADATA:
        raise PermanentError(f"The wheel's {name} is larger than {_LARGEST_METADATA // 1024**2} MiB.")
    return content.decode()

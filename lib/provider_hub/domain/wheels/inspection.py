"""What a wheel says of itself, read from an archive that may be hostile: never extracted, every read bounded."""

import re
import stat
import struct
import zlib
from collections.abc import Iterable, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from email.message import Message
from email.parser import Parser
from io import StringIO
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidName, NormalizedName, canonicalize_name
from packaging.version import Version

from provider_hub.domain.wheels.contents import WheelContents
from provider_hub.domain.wheels.dependencies import check_dependencies
from provider_hub.domain.wheels.errors import WheelInvalid
from provider_hub.domain.wheels.file_names import parse_file_name
from provider_hub.domain.wheels.offered_schemas import read_offered
from provider_hub.domain.wheels.package import ENTRY_POINT_GROUP, WheelLayout, find_packages

MAX_ENTRIES = 50_000
MAX_DIRECTORY_BYTES = 4 * 1024 * 1024
MAX_UNPACKED_BYTES = 2 * 1024**3
MAX_METADATA_BYTES = 1024 * 1024
MAX_HEADER_LINES = 2000
MAX_REQUIRES_PYTHON = 500
MAX_SUMMARY = 2000
MAX_WHEEL_FILE_BYTES = 64 * 1024
MAX_RECORD_BYTES = 16 * 1024 * 1024
_BYTE_ORDER_MARK = "\ufeff"
_SMALL_FILE_BYTES = 64 * 1024

_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_ZIP64_LOCATOR = struct.Struct("<4sLQL")
_ZIP64_LOCATOR_SIGNATURE = b"PK\x06\x07"
_LOCAL_SIGNATURE = b"PK\x03\x04"
_ENCRYPTED = 0x1 | 0x40
_UNSAFE_NAME = re.compile(r"[\x00-\x1f\x7f\\]|^/|^[A-Za-z]:|(^|/)\.{1,2}(/|$)|//")
_DIST_INFO = re.compile(r"(.+)-([^-]+)\.dist-info")
_PROGRAM_GROUPS = ("console_scripts", "gui_scripts")
# `module:function [extras]` of the entry points' specification, with blanks where it has them. Some modules have a
# hyphen, which installers let pass.
_FUNCTION = re.compile(r"[\w.-]+[ \t]*:[ \t]*[\w.-]+[ \t]*(\[[^\[\]]*\])?")

# What zipfile, zlib and the decoders inside raise on bytes made to break them.
_BROKEN = (BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


def inspect_wheel(file: IO[bytes], file_name: str) -> WheelContents:
    """Read the wheel in `file`, which is named `file_name`. Raises WheelInvalid."""
    named = parse_file_name(file_name)
    name, version = named.distribution, named.version
    try:
        announced = _check_frame(file)
        with ZipFile(file) as archive:
            entries = archive.infolist()
            if len(entries) != announced:
                raise WheelInvalid("the wheel's entries are not as many as its end record says: build it again")
            _check_entries(entries)
            dist_info = _dist_info([entry.filename for entry in entries], name, version)
            _check_wheel_file(_read_headers(archive, f"{dist_info}/WHEEL", MAX_WHEEL_FILE_BYTES))
            # Installers read both as UTF-8 and stop at a wheel without either.
            _read_text(archive, f"{dist_info}/RECORD", MAX_RECORD_BYTES)
            text = _read_headers(archive, f"{dist_info}/METADATA", MAX_METADATA_BYTES)
            metadata = _headers(text)
            requirements = _texts(metadata, "Requires-Dist")
            check_dependencies(requirements)
            packages = find_packages(_layout(archive, dist_info, str(name)))
            return WheelContents(
                distribution=_distribution(metadata, name),
                version=_same_version(metadata, version),
                packages=packages,
                requires_python=_requires_python(metadata),
                summary=_summary(metadata),
                requirements=tuple(requirements),
                schemas_text=read_offered(archive, packages.provider) if packages.provider else None,
                metadata=text.encode(),
            )
    except _BROKEN as error:
        raise WheelInvalid("the file is no zip archive, or a damaged one: build the wheel again") from error


def _check_frame(file: IO[bytes]) -> int:
    """The number of entries; refuses, before zipfile takes in a directory of any length, what no builder writes.

    Nothing before the first entry, between directory and end record, or after it: an archive on which readers disagree
    can show two contents.
    """
    size = file.seek(0, 2)
    file.seek(0)
    if file.read(4) != _LOCAL_SIGNATURE or size < _END.size:
        raise WheelInvalid("the file is no wheel: it does not begin as a zip archive does")
    file.seek(size - _END.size)
    signature, disk, first_disk, here, entries, length, start, comment = _END.unpack(file.read(_END.size))
    if signature != _END_SIGNATURE or comment:
        raise WheelInvalid("the file is no wheel: it does not end as a zip archive does, or ends in a comment")
    if disk or first_disk or here != entries or _has_zip64(file, size):
        raise WheelInvalid("the wheel is a split or zip64 archive: build it as a plain one")
    if start + length + _END.size != size:
        raise WheelInvalid("the wheel has bytes that belong to no entry: build it again")
    if entries > MAX_ENTRIES:
        raise WheelInvalid(f"the wheel has {entries} entries, and may have at most {MAX_ENTRIES}: leave files out")
    if length > MAX_DIRECTORY_BYTES:
        raise WheelInvalid(f"the wheel's list of entries is over {MAX_DIRECTORY_BYTES // 1024**2} MiB: leave files out")
    return int(entries)


def _has_zip64(file: IO[bytes], size: int) -> bool:
    at = size - _END.size - _ZIP64_LOCATOR.size
    file.seek(max(at, 0))
    return at >= 0 and file.read(4) == _ZIP64_LOCATOR_SIGNATURE


def _check_entries(entries: list[ZipInfo]) -> None:
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        raise WheelInvalid(f"the wheel unpacks to over {MAX_UNPACKED_BYTES // 1024**3} GiB: leave large files out")
    seen: set[str] = set()
    for entry in entries:
        _check_entry(entry)
        path = entry.filename.rstrip("/")
        if path in seen:
            raise WheelInvalid(f"the wheel has two entries named {path[:200]!a}: build it again")
        seen.add(path)


def _check_entry(entry: ZipInfo) -> None:
    # zipfile cuts a name at its first NUL; the name as it was written is what another reader may go by.
    name = entry.orig_filename
    if not name or _UNSAFE_NAME.search(name):
        raise WheelInvalid(f"the wheel has an entry outside of it or with an unsafe name: {name[:200]!a}")
    if entry.flag_bits & _ENCRYPTED:
        raise WheelInvalid(f"the wheel's entry {name[:200]!a} is encrypted: build it without")
    if entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        raise WheelInvalid(f"the wheel's entry {name[:200]!a} is neither stored nor deflated: build it again")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise WheelInvalid(f"the wheel's entry {name[:200]!a} is a link or a device: put a file in its place")


def _dist_info(names: Iterable[str], name: NormalizedName, version: Version) -> str:
    """The wheel's one .dist-info folder; those that packages vendor lie deeper and do not count."""
    folders = {
        top for top, slash, _ in (entry.partition("/") for entry in names) if slash and top.endswith(".dist-info")
    }
    if len(folders) != 1:
        raise WheelInvalid(f"the wheel has {len(folders)} .dist-info folders, and needs exactly one: build it again")
    folder = folders.pop()
    match = _DIST_INFO.fullmatch(folder)
    if not match or canonicalize_name(match[1]) != name or _version(match[2]) != version:
        raise WheelInvalid(f"the wheel's folder {folder[:200]!a} is not of {name} {version}, as its file name says")
    return folder


def _read(archive: ZipFile, name: str, limit: int) -> bytes:
    try:
        entry = archive.getinfo(name)
    except KeyError:
        raise WheelInvalid(f"the wheel has no {name[:200]}: build it again, with a build backend") from None
    with archive.open(entry) as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise WheelInvalid(f"the wheel's {name[:200]} is over {limit // 1024} KiB")
    return content


def _read_text(archive: ZipFile, name: str, limit: int) -> str:
    content = _read(archive, name, limit)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise WheelInvalid(f"the wheel's {name[:200]} is no UTF-8 text at line {line}: build it as UTF-8") from None


def _read_headers(archive: ZipFile, name: str, limit: int) -> str:
    """The text of a file of headers; installers take a byte-order mark for a part of the first header's name."""
    text = _read_text(archive, name, limit)
    if text.startswith(_BYTE_ORDER_MARK):
        raise WheelInvalid(f"the wheel's {name[:200]} begins with a byte-order mark: save it as UTF-8 without one")
    return text


def _read_small(archive: ZipFile, name: str) -> str | None:
    """The text of a file of the archive; None where there is none, or it is long or no UTF-8."""
    try:
        if archive.getinfo(name).file_size > _SMALL_FILE_BYTES:
            return None
        return _read(archive, name, _SMALL_FILE_BYTES).decode("utf-8-sig")
    except (KeyError, UnicodeDecodeError):
        return None


def _layout(archive: ZipFile, dist_info: str, distribution: str) -> WheelLayout:
    def names_in(name: str) -> tuple[str, ...]:
        return tuple((_read_small(archive, f"{dist_info}/{name}") or "").split())

    return WheelLayout(
        distribution=distribution,
        files=tuple(entry.filename for entry in archive.infolist() if not entry.is_dir()),
        read=lambda name: _read_small(archive, name),
        top_level=names_in("top_level.txt"),
        namespaces=frozenset(names_in("namespace_packages.txt")),
        entry_points=_entry_points(archive, f"{dist_info}/entry_points.txt"),
    )


class _EntryPoints(ConfigParser):
    def __init__(self) -> None:
        # No group is called so: `[DEFAULT]` is a group like any other, and adds nothing to the others.
        super().__init__(delimiters=("=",), interpolation=None, strict=False, default_section="")

    def optionxform(self, optionstr: str) -> str:
        """Keep the name as it is: two may differ in case alone."""
        return optionstr


def _entry_points(archive: ZipFile, name: str) -> tuple[str, ...]:
    """The values of the providers' group. Raises WheelInvalid for a file of which no installer could make programs."""
    if name not in archive.NameToInfo:
        return ()
    parser = _EntryPoints()
    try:
        # Lines end where Python's own reader of entry points ends them, also at a carriage return alone.
        parser.read_file(_read_headers(archive, name, MAX_METADATA_BYTES).splitlines())
    except ConfigParserError as error:
        raise WheelInvalid(f"the wheel's {name[:200]} is no list of entry points: build it again") from error
    for group in _PROGRAM_GROUPS:
        if group in parser:
            _check_programs(parser[group])
    return tuple(parser[ENTRY_POINT_GROUP].values()) if ENTRY_POINT_GROUP in parser else ()


def _check_programs(programs: Mapping[str, str]) -> None:
    """Raises WheelInvalid for a program that calls nothing: installers refuse the whole wheel for it."""
    for name, value in programs.items():
        if not _FUNCTION.fullmatch(value):
            raise WheelInvalid(
                f"the wheel's program {name[:200]!a} names no function, but {value[:200]!a}: write it as "
                "module:function and build the wheel again"
            )


def _check_wheel_file(content: str) -> None:
    written = str(Parser().parsestr(content, headersonly=True)["Wheel-Version"])
    if not re.fullmatch(r"1\.[0-9]{1,4}", written.strip()):
        raise WheelInvalid("the wheel's WHEEL file has no Wheel-Version 1.x, the only one installers know")


def _headers(metadata: str) -> Message:
    """The headers of METADATA. Raises WheelInvalid for more lines than a wheel's author ever writes."""
    head: list[str] = []
    # Carriage returns and line feeds end a line as they do for the parser of the headers.
    for line in StringIO(metadata, newline=""):
        if not line.strip("\r\n"):
            break
        if len(head) == MAX_HEADER_LINES:
            raise WheelInvalid(f"the wheel's METADATA has over {MAX_HEADER_LINES} lines of headers: describe it below")
        head.append(line)
    return Parser().parsestr("".join(head), headersonly=True)


def _header(metadata: Message, name: str) -> str | None:
    """The value of a header; None where there is none, or more than the one that may be."""
    values = _texts(metadata, name)
    return values[0] if len(values) == 1 else None


def _texts(metadata: Message, name: str) -> list[str]:
    return [str(value) for value in metadata.get_all(name) or ()]


def _distribution(metadata: Message, name: NormalizedName) -> str:
    written = _header(metadata, "Name") or ""
    try:
        canonical = canonicalize_name(written, validate=True)
    except InvalidName:
        canonical = None
    if canonical != name:
        raise WheelInvalid(f"the wheel's metadata names {written[:200]!a}, its file name {name}")
    return written


def _same_version(metadata: Message, version: Version) -> str:
    written = _header(metadata, "Version") or ""
    if _version(written) != version:
        raise WheelInvalid(f"the wheel's metadata says version {written[:200]!a}, its file name {version}")
    return written


def _summary(metadata: Message) -> str | None:
    summary = _header(metadata, "Summary")
    return summary and summary[:MAX_SUMMARY]


def _requires_python(metadata: Message) -> str | None:
    written = _header(metadata, "Requires-Python")
    if written and len(written) > MAX_REQUIRES_PYTHON:
        raise WheelInvalid(f"the wheel's Requires-Python has over {MAX_REQUIRES_PYTHON} characters")
    try:
        SpecifierSet(written or "")
    except InvalidSpecifier:
        raise WheelInvalid("the wheel's Requires-Python is no version specifier") from None
    return written


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    # Not InvalidVersion alone: packaging raises a bare ValueError for a number of thousands of digits.
    except ValueError:
        return None

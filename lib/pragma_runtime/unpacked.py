"""Counts what wheels unpack to, so that no archive fills the disk.

An archive says how large each of its files is, and nothing makes that true: an installer that believes it stops too
late, and one that does not ask writes until the disk is full. So the runtime adds up what the archives say before
anything is written. A file that the runtime writes itself ends at the size that the archive says. An installer does not
count: for it, the runtime inflates all files into nothing first, at some hundred megabytes a second.
"""

import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from pragma_runtime.disk import Disk
from pragma_runtime.errors import PermanentError
from pragma_runtime.side_by_side import side_by_side
from pragma_runtime.wheel import BROKEN

LARGEST_UNPACKED = 2 * 1024**3  # of one wheel, as at publishing
MOST_FILES = 100_000
_AT_ONCE = 4
_CHUNK = 1024 * 1024
_ENCRYPTED = 1  # a bit of an entry's flags
_Write = Callable[[bytes], object]
_LOCAL_HEADER = struct.Struct("<26x2H")  # its last two fields: how long the name is, and the extra field


def check_said(paths: Sequence[Path], disk: Disk) -> None:
    """Raises PermanentError where the wheels, which lie in one folder, say that they unpack to too much.

    What is refused is removed, with its folder: a start after this one has the disk for itself. Raises TemporaryError
    where the node's disk is too full for them; the wheels stay then.
    """
    try:
        disk.check_unpacked(sum(map(_said, paths)), paths[0].parent, f"The wheels of {paths[0].name} unpack to")
    except PermanentError:
        shutil.rmtree(paths[0].parent, ignore_errors=True)
        raise


def check_truth(paths: Sequence[Path]) -> None:
    """Raises PermanentError where a file of the wheels has another size than it says, and removes their folder."""
    try:
        side_by_side(_check_truth, paths, _AT_ONCE)
    except PermanentError:
        shutil.rmtree(paths[0].parent, ignore_errors=True)
        raise


def write_out(path: Path, entries: Sequence[zipfile.ZipInfo], opened: Callable[[zipfile.ZipInfo], BinaryIO]) -> None:
    """Unpacks entries of the wheel at `path`, each into the file that `opened` gives, no further than it says.

    Raises PermanentError where an entry has another size than it says, and zipfile.BadZipFile for a wrong checksum.
    """
    with path.open("rb") as file:
        for entry in entries:
            with opened(entry) as target:
                written = _Checksummed(target)
                if _unpacks_otherwise(file, entry, written.write):
                    raise _untrue(path, entry)
            if written.checksum != entry.CRC:
                raise zipfile.BadZipFile(f"{path.name} has a wrong checksum for its {entry.filename[:200]!a}")


class _Checksummed:
    """Writes to a file, and has the CRC-32 of what was written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.checksum = 0

    def write(self, content: bytes) -> None:
        self.checksum = zlib.crc32(content, self.checksum)
        self._file.write(content)


def _said(path: Path) -> int:
    """How many bytes the wheel says that it unpacks to."""
    with _opened(path) as archive:
        entries = archive.infolist()
    unknown = next((entry for entry in entries if not _is_stored_or_deflated(entry)), None)
    if unknown:
        raise PermanentError(
            f"{path.name} has its {unknown.filename[:200]!a} encrypted or compressed by method "
            f"{unknown.compress_type}; the files of a wheel are stored or deflated. It is not installed."
        )
    said = sum(entry.file_size for entry in entries)
    if said > LARGEST_UNPACKED or len(entries) > MOST_FILES:
        raise PermanentError(
            f"{path.name} unpacks to {len(entries)} files of {said} bytes, and a wheel may have {MOST_FILES} files of "
            f"{LARGEST_UNPACKED} bytes in all; it is not installed."
        )
    return said


def _is_stored_or_deflated(entry: zipfile.ZipInfo) -> bool:
    """Whatever else zipfile reads, it inflates by megabytes, however few bytes it is asked for."""
    return not entry.flag_bits & _ENCRYPTED and entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def _check_truth(path: Path) -> None:
    with _opened(path) as archive, path.open("rb") as file:
        for entry in archive.infolist():
            if _unpacks_otherwise(file, entry):
                raise _untrue(path, entry)


def _untrue(path: Path, entry: zipfile.ZipInfo) -> PermanentError:
    return PermanentError(
        f"{path.name} says that its {entry.filename[:200]!a} has {entry.file_size} bytes, and it unpacks "
        "to another number; it is not installed."
    )


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except BROKEN as error:
        raise PermanentError(f"{path.name} is not a readable wheel: {error}.") from None


def _unpacks_otherwise(file: BinaryIO, entry: zipfile.ZipInfo, write: _Write | None = None) -> bool:
    """Whether the entry has another size than it says; it is read, and given to `write`, no further than to that."""
    if entry.compress_type == zipfile.ZIP_STORED and (write is None or entry.compress_size != entry.file_size):
        return entry.compress_size != entry.file_size
    file.seek(entry.header_offset)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size:
        return True
    file.seek(sum(_LOCAL_HEADER.unpack(header)), 1)
    if entry.compress_type == zipfile.ZIP_STORED:
        return _copied(file, entry.file_size, write or _ignore) != entry.file_size
    try:
        return _inflated(file, entry.compress_size, entry.file_size, write or _ignore) != entry.file_size
    except zlib.error:
        return True


def _ignore(_content: bytes) -> None:
    """For what is only counted."""


def _copied(file: BinaryIO, size: int, write: _Write) -> int:
    """How many of the next `size` bytes there are, which go to `write`."""
    left = size
    while left > 0 and (content := file.read(min(_CHUNK, left))):
        write(content)
        left -= len(content)
    return size - left


def _inflated(file: BinaryIO, packed: int, most: int, write: _Write) -> int:
    """How many bytes the next `packed` ones inflate to, counted up to the first that is over `most`.

    They go to `write`, at most `most` of them.
    """
    inflating, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    while packed > 0 and not inflating.eof and size <= most:
        waiting = file.read(min(_CHUNK, packed))
        if not waiting:
            break
        packed -= len(waiting)
        while waiting and size <= most:
            content = inflating.decompress(waiting, _CHUNK)
            size += len(content)
            waiting = inflating.unconsumed_tail
            if size <= most:
                write(content)
    if size > most:
        return size
    rest = inflating.flush()
    size += len(rest)
    if size <= most:
        write(rest)
    return size

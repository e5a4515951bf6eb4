"""Counts what wheels unpack to before an installer writes anything of them.

An archive says how large each of its files is, and nothing makes that true: an installer that believes it stops too
late, and one that does not ask writes until the disk is full. So the files are unpacked once into nothing, at some
hundred megabytes a second.
"""

import shutil
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from pragma_runtime.errors import PermanentError
from pragma_runtime.side_by_side import side_by_side

LARGEST_UNPACKED = 2 * 1024**3  # of one wheel, as at publishing
MOST_FILES = 100_000
_AT_ONCE = 4
_CHUNK = 1024 * 1024
_LOCAL_HEADER = struct.Struct("<26x2H")  # its last two fields: how long the name is, and the extra field


def check_unpacked(paths: Sequence[Path], room: int | None = None) -> None:
    """Raises PermanentError where the wheels, which lie in one folder, unpack to too much, or to more than they say.

    `room` is how many bytes all of them together may take, None for what is free on their disk. What is refused is
    removed, with its folder: a start after this one has the disk for itself.
    """
    folder = paths[0].parent
    try:
        left = shutil.disk_usage(folder).free if room is None else room
        if sum(map(_said, paths)) > left:
            raise PermanentError(f"The wheels of {paths[0].name} unpack to more than the {left} bytes that are free.")
        side_by_side(_check_truth, paths, _AT_ONCE)
    except PermanentError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _said(path: Path) -> int:
    """How many bytes the wheel says that it unpacks to."""
    with _opened(path) as archive:
        entries = archive.infolist()
    said = sum(entry.file_size for entry in entries)
    if said > LARGEST_UNPACKED or len(entries) > MOST_FILES:
        raise PermanentError(
            f"{path.name} unpacks to {len(entries)} files of {said} bytes, and a wheel may have {MOST_FILES} files of "
            f"{LARGEST_UNPACKED} bytes in all; it is not installed."
        )
    return said


def _check_truth(path: Path) -> None:
    with _opened(path) as archive, path.open("rb") as file:
        for entry in archive.infolist():
            if _unpacks_otherwise(file, entry):
                raise PermanentError(
                    f"{path.name} says that its {entry.filename[:200]!a} has {entry.file_size} bytes, and it unpacks "
                    "to another number; it is not installed."
                )


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError, EOFError) as error:
        raise PermanentError(f"{path.name} is not a readable wheel: {error}.") from None


def _unpacks_otherwise(file: BinaryIO, entry: zipfile.ZipInfo) -> bool:
    """Whether the entry has another size than it says; it is read no further than to that."""
    if entry.compress_type == zipfile.ZIP_STORED:
        return entry.compress_size != entry.file_size
    if entry.compress_type != zipfile.ZIP_DEFLATED:
        return True  # wheels are stored or deflated, and how much anything else unpacks to is not known here
    file.seek(entry.header_offset)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size:
        return True
    file.seek(sum(_LOCAL_HEADER.unpack(header)), 1)
    try:
        return _inflated(file, entry.compress_size, entry.file_size) != entry.file_size
    except zlib.error:
        return True


def _inflated(file: BinaryIO, packed: int, most: int) -> int:
    """How many bytes the next `packed` ones inflate to, counted up to the first that is over `most`."""
    inflating, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    while packed > 0 and not inflating.eof and size <= most:
        waiting = file.read(min(_CHUNK, packed))
        if not waiting:
            break
        packed -= len(waiting)
        while waiting and size <= most:
            size += len(inflating.decompress(waiting, _CHUNK))
            waiting = inflating.unconsumed_tail
    return size + (len(inflating.flush()) if size <= most else 0)

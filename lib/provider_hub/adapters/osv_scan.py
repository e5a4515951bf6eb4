"""The look through an export of advisories in a limited child: the archive and its records are whatever somebody made.

One entry at a time is unpacked, so that the size of the whole costs time and no memory.
"""

import json
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import IO, Any

from provider_hub.adapters.limited_child import MIB, Limits, OverLimit, run_limited
from provider_hub.domain.advisories.osv import OsvMalformed, OsvRecord, matching, parse_record
from provider_hub.domain.advisories.records import Advisory, Severity, TooMuchToMatch, merged
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import PermanentError

# PyPI's export has some ten thousand records of a few KiB; those of packages with many releases have some hundred KiB.
MOST_RECORDS = 300_000
MOST_RECORD_BYTES = 4 * MIB
MOST_UNPACKED_BYTES = 2048 * MIB
_LIMITS = Limits(cpu_seconds=60, wall_seconds=90, memory_bytes=512 * MIB, output_bytes=4 * MIB)
_IMPORTS = ("encodings.cp437",)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What `zipfile` raises for an entry that is not what the archive's directory says.
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, EOFError, ValueError)


@dataclass(frozen=True, slots=True)
class Scanned:
    """What was found for the locked versions, and when the newest record was changed; how many could not be read.

    `found` has each vulnerability of a version once, and of each version the worst `MOST_FOUND` alone.
    """

    found: tuple[Advisory, ...]
    export_at: datetime
    records: int
    unreadable: int


def scan_in_child(file: IO[bytes], locked: Mapping[str, Sequence[str]], now: datetime) -> Scanned:
    """The advisories for locked versions, by their distributions' normalised names, in an export: a real file.

    Raises PermanentError for what is no export, TooMuchToMatch where the look takes more than it may, and
    TemporaryError where this machine is busy.
    """
    argument = {"locked": {name: [*versions] for name, versions in locked.items()}, "now": now.isoformat()}
    try:
        answer = run_limited(_scanned, argument, _LIMITS, file, imports=_IMPORTS)
    except OverLimit as error:
        sought = sum(map(len, locked.values()))
        raise TooMuchToMatch(f"the export of advisories {error}, with {sought} locked versions to look for") from error
    if "refused" in answer:
        raise PermanentError(f"the export of advisories {answer['refused']}")
    found = tuple(_advisory(one) for one in answer["found"])
    return Scanned(found, datetime.fromisoformat(answer["export_at"]), answer["records"], answer["unreadable"])


def _advisory(answer: Mapping[str, Any]) -> Advisory:
    severity = Severity(answer["severity"]) if answer["severity"] else None
    return Advisory(**{**answer, "aliases": tuple(answer["aliases"]), "severity": severity})


def _scanned(argument: Any, file: IO[bytes] | None) -> dict[str, Any]:
    if file is None:
        raise AssertionError("the child was given no export")
    locked: Mapping[str, Sequence[str]] = argument["locked"]
    now = datetime.fromisoformat(argument["now"])
    found: list[Advisory] = []
    records = unreadable = 0
    newest: datetime | None = None
    try:
        with zipfile.ZipFile(file) as archive:
            for record in _records(archive, locked):
                if record is None:
                    unreadable += 1
                    continue
                records += 1
                newest = _later(newest, record.modified, now)
                found += matching(record, locked)
    except _BROKEN:
        return {"refused": "is no zip archive that can be read"}
    except _TooMuch as error:
        return {"refused": str(error)}
    if newest is None:
        return {"refused": f"has no record that can be read, among {unreadable + records}"}
    # What goes to the parent is bounded for each version: how many records a version has is its author's choice.
    kept = [asdict(one) for one in merged(found)]
    return {"found": kept, "export_at": newest.isoformat(), "records": records, "unreadable": unreadable}


class _TooMuch(Exception):
    """The archive holds more than an export may."""


def _records(archive: zipfile.ZipFile, locked: Mapping[str, Sequence[str]]) -> Iterator[OsvRecord | None]:
    """Each record with what it says of locked packages, None for one that cannot be read. Raises _TooMuch."""
    entries = [entry for entry in archive.infolist() if entry.filename.endswith(".json")]
    if len(entries) > MOST_RECORDS:
        raise _TooMuch(f"has {len(entries)} records: at most {MOST_RECORDS} are read")
    left = MOST_UNPACKED_BYTES
    for entry in entries:
        content = _content(archive, entry)
        left -= len(content or b"")
        if left < 0:
            raise _TooMuch(f"unpacks to more than {MOST_UNPACKED_BYTES // MIB} MiB")
        yield None if content is None else _record(content, locked)


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes | None:
    """The entry's bytes; None for one that is too large, encrypted, packed in an unusual way, or broken."""
    if entry.file_size > MOST_RECORD_BYTES or entry.compress_type not in _METHODS or entry.flag_bits & 0x1:
        return None
    try:
        with archive.open(entry) as packed:
            # It ends at the size that the directory says, however much more is packed; the checksum is wrong then.
            return packed.read(MOST_RECORD_BYTES)
    except _BROKEN:
        return None


def _record(content: bytes, locked: Mapping[str, Sequence[str]]) -> OsvRecord | None:
    try:
        return parse_record(json.loads(content), locked.keys())
    except (ValueError, RecursionError, OsvMalformed):
        return None


def _later(newest: datetime | None, modified: str, now: datetime) -> datetime | None:
    """The later of the two; a record from the future, or without a time, makes an export no newer than it is."""
    try:
        at = datetime.fromisoformat(modified)
    except ValueError:
        return newest
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at if at <= now and (newest is None or at > newest) else newest

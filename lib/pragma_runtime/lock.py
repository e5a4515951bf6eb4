"""The lock that a version was published with: the exact wheels that are installed beside the provider's own."""

import base64
import binascii
import hashlib
import re
import tomllib
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pragma_runtime.errors import SettingsError

_LONGEST_TEXT = 4 * 1024 * 1024
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.!+]*(-[A-Za-z0-9_.!+]+){4,5}\.whl")


class LockedWheel(NamedTuple):
    """One distribution's wheel; `size` in bytes, None where the index did not tell it."""

    name: str
    version: str
    file_name: str
    url: str  # https
    sha256: str  # 64 lowercase hexadecimal digits
    size: int | None


class Lock(NamedTuple):
    """The wheels of a lock whose text has the digest `sha256`."""

    sha256: str
    wheels: tuple[LockedWheel, ...]


def read_lock(packed: str, sha256: str) -> Lock:
    """The lock in `packed`: the text of a `pylock.toml` (PEP 751), compressed, in base 64.

    Raises SettingsError where it cannot be read or does not have the digest `sha256`: nothing of it is used then.
    """
    text = _unpacked(packed)
    found = hashlib.sha256(text).hexdigest()
    if found != sha256:
        raise SettingsError(f"PRAGMA_LOCK has the SHA-256 digest {found}; the version was published with {sha256}.")
    try:
        packages = tomllib.loads(text.decode())["packages"]
        return Lock(sha256, tuple(_wheel(package) for package in packages))
    except (KeyError, TypeError, ValueError) as error:
        raise SettingsError(f"PRAGMA_LOCK is no lock that can be installed: {error!r}.") from None


def _unpacked(packed: str) -> bytes:
    reader = zlib.decompressobj()
    try:
        text = reader.decompress(base64.b64decode(packed, validate=True), _LONGEST_TEXT)
    except (binascii.Error, zlib.error) as error:
        raise SettingsError(f"PRAGMA_LOCK cannot be unpacked: {error}.") from None
    if not reader.eof:
        raise SettingsError(f"PRAGMA_LOCK is cut off, or over {_LONGEST_TEXT // 1024**2} MiB.")
    return text


def _wheel(package: Mapping[str, Any]) -> LockedWheel:
    (wheel,) = package["wheels"]
    found = LockedWheel(
        name=str(package["name"]),
        version=str(package["version"]),
        file_name=str(wheel["name"]),
        url=str(wheel["url"]),
        sha256=str(wheel["hashes"]["sha256"]),
        size=int(wheel["size"]) if "size" in wheel else None,
    )
    parts = urlsplit(found.url)
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
        raise ValueError(f"{found.name} is at no https address")
    if not _DIGEST.fullmatch(found.sha256) or not _FILE_NAME.fullmatch(found.file_name):
        raise ValueError(f"{found.name} has no wheel's name or digest")
    return found

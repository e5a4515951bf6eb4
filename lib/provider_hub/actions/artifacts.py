"""The port of the artifacts: the bucket in which the hub keeps the bytes that runtimes install.

`provider_hub.adapters.artifacts` implements it over Google Cloud Storage, and over its stand-in on one machine. The
names are those of `domain.artifacts`. Every method raises TemporaryError when the bucket cannot answer.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import IO, Protocol

from provider_hub.domain.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class UploadSession:
    """Where the bytes of one upload are sent: PUT to `url`, with `headers`, whole or in parts by `Content-Range`.

    Whoever has the URL may send the bytes, so it is a secret. It takes no other length than was announced.
    """

    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class KeptWheel:
    """Where the bytes of a wheel are kept: the object's name and URL.

    `metadata_sha256` is the digest of the wheel's METADATA, by which that is kept as well.
    """

    name: str
    url: str
    metadata_sha256: str


class ArtifactStore(Protocol):
    """Objects that are written once: no method replaces or deletes one, and no function has the right to."""

    def put(self, name: str, content: IO[bytes]) -> bool:
        """Store the bytes of `content`, a seekable file, from its beginning.

        Returns False where an object of that name is there already, which stays as it is.
        """

    def size_of(self, name: str) -> int | None:
        """The object's size in bytes, None where there is none."""

    def fetch(self, name: str, into: IO[bytes]) -> bool:
        """Write the whole object to `into`; False where there is none."""

    def url_of(self, name: str) -> str:
        """Where the object is, for whoever may read the bucket."""

    def signed_url(self, name: str, lifetime: timedelta) -> str:
        """A URL by which anyone may read this one object for `lifetime`, which is at most 7 days."""

    def begin_upload(self, name: str, size: int) -> UploadSession:
        """Begin a resumable upload of exactly `size` bytes to a name that has no object."""

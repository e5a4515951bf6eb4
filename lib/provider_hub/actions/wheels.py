"""The wheels' port, for what publishes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import IO, TYPE_CHECKING, Protocol, TypeAlias

from provider_hub.domain.dataclass import dataclass

if TYPE_CHECKING:
    from provider_hub.actions.artifacts import KeptWheel
    from provider_hub.domain.names import ProviderName
    from provider_hub.domain.wheels import Packages, WheelUrl


@dataclass(frozen=True, slots=True)
class Wheel:
    """What was found out about a wheel by fetching it.

    `size` is in bytes; `requirements` are its Requires-Dist lines, as written.
    """

    sha256: str
    version: str
    packages: Packages
    distribution: str
    summary: str | None
    requires_python: str | None
    file_name: str
    size: int
    requirements: tuple[str, ...] = ()
    schemas_text: str | None = None


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """An upload in the bucket: `name` is its object's, `size` the bytes that were announced."""

    name: str
    file_name: str
    size: int


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file that came with the request, the SHA-256 of its bytes, what its sender calls it in a sentence, and what is
    attested of it: a JSON list, "" for nothing."""

    file: IO[bytes]
    file_name: str
    sha256: str
    summary: str
    attestations: str = ""


WheelSource: TypeAlias = "WheelUrl | StoredUpload | AttachedFile"


class Delivery(Protocol):
    """A wheel that was fetched and verified, while its bytes are at hand."""

    @property
    def wheel(self) -> Wheel:
        """What was found out about it."""

    @property
    def kept_size(self) -> int:
        """The bytes that `keep` puts where none of them are there yet: the wheel's and its METADATA's."""

    def keep(self, charge: Callable[[int], None]) -> KeptWheel:
        """Put the bytes and the METADATA into the bucket, unless they are there. Raises TemporaryError.

        `charge` is told the bytes of each object that was not there, as soon as it is: the next one may fail.
        """


class Wheels(Protocol):
    """Gets wheels, whichever way their authors hand them over."""

    def fetch(
        self, source: WheelSource, sha256: str | None, provider: ProviderName, version: str
    ) -> AbstractContextManager[Delivery]:
        """Fetch and verify. Raises Invalid with the reason."""

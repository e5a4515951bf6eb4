"""The package index: which files it lists of a distribution, and what it says of each.

Source: PEP 503, 592, 658, 691, 700 and 740.
"""

import re
from collections.abc import Iterable
from datetime import datetime

from provider_hub.domain.catalog import ProviderVersion, VersionStatus
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.names import MAX_CANONICAL, ProviderName, normalised

METADATA_SUFFIX = ".metadata"
_PROJECT = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_LISTED = (VersionStatus.PUBLISHED, VersionStatus.YANKED)


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """A wheel as the index lists it; `size` is in bytes.

    `provider` and `version` say which version it is. `metadata_sha256` is None where the METADATA is not kept.
    `yanked` is None for a version that is not yanked, and else the reason, "" where none was given. `is_attested` says
    that the hub keeps attestations of the file.
    """

    provider: ProviderName
    version: str
    file_name: str
    sha256: str
    size: int | None
    uploaded_at: datetime
    requires_python: str | None = None
    metadata_sha256: str | None = None
    yanked: str | None = None
    is_attested: bool = False

    @property
    def wheel_version(self) -> str:
        """The version as the wheel spells it, which is how installers know it (PEP 440)."""
        return self.file_name.split("-")[1]


@dataclass(frozen=True, slots=True)
class IndexedProject:
    """A distribution by its normalised name, and its files, in the order in which they were published."""

    name: str
    files: tuple[IndexedFile, ...]

    @property
    def versions(self) -> tuple[str, ...]:
        """Each version that has a file, once."""
        return tuple(dict.fromkeys(file.wheel_version for file in self.files))


def project_name(text: str) -> str | None:
    """The normalised name that `text` spells (PEP 503); None for what no distribution can be called."""
    name = normalised(text)
    return name if len(name) <= MAX_CANONICAL and _PROJECT.fullmatch(name) else None


def project_of(name: str, versions: Iterable[ProviderVersion]) -> IndexedProject:
    """The distribution `name` as the versions of one author's providers make it up.

    A version without a copy in the bucket has no file to give. A file name stands for the bytes that were published
    under it first, whichever of the author's providers that was: installers take two files of one name for the same.
    """
    found = sorted(filter(None, (_file_of(name, version) for version in versions)), key=_by_time)
    first: dict[str, IndexedFile] = {}
    for file in found:
        first.setdefault(file.file_name, file)
    return IndexedProject(name, tuple(first.values()))


def _by_time(file: IndexedFile) -> tuple[datetime, str, str]:
    return file.uploaded_at, file.file_name, file.provider.canonical


def _file_of(name: str, version: ProviderVersion) -> IndexedFile | None:
    if version.status not in _LISTED or version.wheel_object is None or version.wheel_filename is None:
        return None
    if version.distribution_name is None or normalised(version.distribution_name) != name:
        return None
    is_yanked = version.status is VersionStatus.YANKED
    return IndexedFile(
        provider=version.provider_name,
        version=version.version,
        file_name=version.wheel_filename,
        sha256=version.wheel_sha256,
        size=version.wheel_size,
        uploaded_at=version.published_at or version.created_at,
        requires_python=version.requires_python,
        metadata_sha256=version.metadata_sha256,
        yanked=(version.error_message or "") if is_yanked else None,
        is_attested=bool(version.attestations),
    )

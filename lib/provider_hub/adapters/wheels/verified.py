"""The wheels that are published: by a URL, by an upload or by a form, all verified and kept in the same way.

Each refusal names the field of the request that it concerns.
"""

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO

from provider_hub.actions.artifacts import ArtifactStore, KeptWheel
from provider_hub.actions.wheels import AttachedFile, StoredUpload, Wheel, WheelSource
from provider_hub.adapters.wheels.fetching import FetchedBytes, FetchedWheel, FetchPolicy, fetch_wheel, verified
from provider_hub.domain.artifacts import kept_name, metadata_name
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import Invalid
from provider_hub.domain.names import ProviderName
from provider_hub.domain.wheels import DigestMismatch, WheelError, WheelInvalid, WheelUrl, same_version
from provider_hub.domain.wheels.file_names import parse_file_name
from provider_hub.domain.wheels.versions import is_ranked_otherwise

_CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class KeepableWheel:
    """A verified wheel, its METADATA, and the file that holds its bytes (`actions.wheels.Delivery`)."""

    wheel: Wheel
    metadata: bytes
    spool: IO[bytes]
    artifacts: ArtifactStore

    @property
    def kept_size(self) -> int:
        """The bytes of the wheel, and of its METADATA as it is unpacked."""
        return self.wheel.size + len(self.metadata)

    def keep(self, charge: Callable[[int], None]) -> KeptWheel:
        """Raises TemporaryError. What is kept already is the same bytes: each name has their digest."""
        name = kept_name(self.wheel.sha256, self.wheel.file_name)
        if self.artifacts.put(name, self.spool):
            charge(self.wheel.size)
        metadata_sha256 = hashlib.sha256(self.metadata).hexdigest()
        if self.artifacts.put(metadata_name(metadata_sha256), io.BytesIO(self.metadata)):
            charge(len(self.metadata))
        return KeptWheel(name, self.artifacts.url_of(name), metadata_sha256)


class VerifiedWheels:
    """Wheels at public HTTPS addresses, in the bucket's uploads, or in a request (`actions.wheels.Wheels`)."""

    def __init__(self, policy: FetchPolicy, artifacts: ArtifactStore) -> None:
        self._policy = policy
        self._artifacts = artifacts

    @contextmanager
    def fetch(
        self, source: WheelSource, sha256: str | None, provider: ProviderName, version: str
    ) -> Iterator[KeepableWheel]:
        """Fetch and inspect the wheel of `version`. Raises Invalid at the field of the body that is wrong."""
        with TemporaryFile() as spool:
            try:
                wheel = self._received(source, spool, sha256)
            except DigestMismatch as error:
                raise Invalid.at("body", "sha256", msg=str(error)) from error
            except WheelError as error:
                raise Invalid.at("body", _field_of(source), msg=str(error)) from error
            checked = _checked(wheel, source.file_name, provider, version)
            yield KeepableWheel(checked, wheel.contents.metadata, spool, self._artifacts)

    def _received(self, source: WheelSource, spool: IO[bytes], sha256: str | None) -> FetchedWheel:
        """Raises WheelError."""
        if isinstance(source, WheelUrl):
            return fetch_wheel(source, spool, expected_sha256=sha256, policy=self._policy)
        parse_file_name(source.file_name)
        if isinstance(source, StoredUpload):
            self._take_upload(source, spool)
        else:
            _copy(source, spool)
        return verified(spool, source.file_name, _counted(spool), sha256)

    def _take_upload(self, upload: StoredUpload, spool: IO[bytes]) -> None:
        """Raises WheelInvalid. The length comes first, so that no more is read than was announced."""
        size = self._artifacts.size_of(upload.name)
        if size is None:
            raise WheelInvalid("nothing was uploaded, or the upload ended after a day: upload the wheel again")
        if size != upload.size:
            raise WheelInvalid(f"{size} bytes were uploaded, not the {upload.size} that were announced")
        self._artifacts.fetch(upload.name, spool)


def _copy(attached: AttachedFile, spool: IO[bytes]) -> None:
    attached.file.seek(0)
    while chunk := attached.file.read(_CHUNK_BYTES):
        spool.write(chunk)


def _counted(spool: IO[bytes]) -> FetchedBytes:
    spool.seek(0)
    digest, size = hashlib.sha256(), 0
    while chunk := spool.read(_CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
    return FetchedBytes(digest.hexdigest(), size)


def _field_of(source: WheelSource) -> str:
    if isinstance(source, WheelUrl):
        return "wheel_url"
    return "upload_id" if isinstance(source, StoredUpload) else "content"


def _checked(wheel: FetchedWheel, file_name: str, provider: ProviderName, version: str) -> Wheel:
    """Raises Invalid for a wheel of another version."""
    contents = wheel.contents
    if not same_version(version, contents.version):
        mismatch = f"the wheel says that it is version {contents.version}, not {version} of {provider}"
        raise Invalid.at("body", "version", msg=f"{mismatch}{_remedy(contents.version)}")
    return Wheel(
        sha256=wheel.sha256,
        version=contents.version,
        packages=contents.packages,
        distribution=contents.distribution,
        summary=contents.summary,
        requires_python=contents.requires_python,
        file_name=file_name,
        size=wheel.size,
        requirements=contents.requirements,
        schemas_text=contents.schemas_text,
    )


def _remedy(wheel_version: str) -> str:
    if not is_ranked_otherwise(wheel_version):
        return ""
    return (
        ", and no semantic version can say the same: build it as MAJOR.MINOR.PATCH, a fix of 1.0.0 as 1.0.1 and not as "
        "1.0.0.post1"
    )

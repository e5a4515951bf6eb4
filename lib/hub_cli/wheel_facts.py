"""What `hub publish` reads from a wheel: its names, version, digest, and the schemas that its package offers."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any
from zipfile import ZipFile

from hub_cli.download import MAX_WHEEL_BYTES, download
from hub_cli.errors import Refused, UsageError
from provider_hub.domain.wheels import PackageUnclear, WheelError, WheelUrl, parse_wheel_url
from provider_hub.domain.wheels.inspection import inspect_wheel
from provider_hub.domain.wheels.offered_schemas import parse_offered, read_offered


@dataclass(frozen=True, slots=True)
class WheelFacts:
    """What a wheel says of itself.

    `version` is as the wheel spells it. `package` is the provider's dotted name. `schemas` are the fields of the same
    names that the package offers.
    """

    file_name: str
    distribution: str
    version: str
    sha256: str
    package: str
    summary: str | None
    schemas: Mapping[str, Any]


def read_file(path: Path, package: str | None = None) -> WheelFacts:
    """Read a wheel; `package` names the provider's, None = the wheel's only one.

    Raises UsageError for what cannot be read or has several packages, Refused for what can be no provider's wheel.
    """
    try:
        with path.open("rb") as file:
            if path.stat().st_size > MAX_WHEEL_BYTES:
                raise Refused(f"{path.name} is over {MAX_WHEEL_BYTES // 1024**2} MiB, the most that can be published.")
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            with _refused_by_name(path.name):
                return _facts(file, path.name, sha256, package)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}.") from error


def parsed_url(raw: str) -> WheelUrl:
    """Raises Refused for what is no https URL of a wheel."""
    with _refused_by_name(raw):
        return parse_wheel_url(raw)


def read_url(url: WheelUrl, ca_file: str | None, package: str | None = None) -> WheelFacts:
    """Download a wheel and read it as `read_file` does. Raises UsageError or Refused."""
    try:
        with _refused_by_name(str(url)), TemporaryFile() as file:
            sha256 = download(url, file, ca_file)
            return _facts(file, url.file_name, sha256, package)
    except OSError as error:
        # The host's failures are Refused: what is left is the folder of temporary files.
        raise UsageError(
            f"cannot keep the wheel in a temporary file: {error.strerror}. Name a folder with room for it by TMPDIR."
        ) from error


@contextmanager
def _refused_by_name(name: str) -> Iterator[None]:
    try:
        yield
    except PackageUnclear as error:
        raise UsageError(
            f"the wheel has several packages ({', '.join(error.candidates)}): say which with --package."
        ) from error
    except WheelError as error:
        raise Refused(f"{name.partition('?')[0]}: {error}.") from error


def _facts(file: IO[bytes], file_name: str, sha256: str, named: str | None) -> WheelFacts:
    contents = inspect_wheel(file, file_name)
    package = contents.packages.choose(named)
    return WheelFacts(
        file_name=file_name,
        distribution=contents.distribution,
        version=contents.version,
        sha256=sha256,
        package=package,
        summary=contents.summary,
        schemas=_schemas(file, package),
    )


def _schemas(file: IO[bytes], package: str) -> Mapping[str, Any]:
    """From an archive that was inspected: its names and sizes are sound."""
    with ZipFile(file) as archive:
        text = read_offered(archive, package)
    return {} if text is None else parse_offered(text, package)

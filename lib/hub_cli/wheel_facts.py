"""What `hub publish` reads from a wheel: its names, version, digest, and the schemas that its package offers.

A provider offers its schemas as `provider_schemas.json` in its package: a JSON object with any of `schemas` (a map
by resource type), `config_schema` and `outputs_schema`, as the API's own fields of those names. The file is read,
nothing of the wheel is run.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any
from zipfile import ZipFile

from hub_cli.download import MAX_WHEEL_BYTES, download
from hub_cli.errors import Refused, UsageError
from provider_hub.domain.wheels import PackageUnclear, WheelError, WheelUrl, inspect_wheel, parse_wheel_url

SCHEMAS_FILE = "provider_schemas.json"
SCHEMA_FIELDS = ("schemas", "config_schema", "outputs_schema")
_MAX_SCHEMAS_BYTES = 1024 * 1024
_INSTALLED_AS_CODE = re.compile(r"\A[^/]+\.data/(?:purelib|platlib)/")


@dataclass(frozen=True, slots=True)
class WheelFacts:
    """What a wheel says of itself.

    `version` is as the wheel spells it. `package` is the provider's dotted name. `schemas` has those of SCHEMA_FIELDS
    that the package offers.
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
    with _refused_by_name(str(url)), TemporaryFile() as file:
        sha256 = download(url, file, ca_file)
        return _facts(file, url.file_name, sha256, package)


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
    wanted = f"{package.replace('.', '/')}/{SCHEMAS_FILE}"
    with ZipFile(file) as archive:
        offered = [name for name in archive.namelist() if _INSTALLED_AS_CODE.sub("", name, count=1) == wanted]
        if not offered:
            return {}
        with archive.open(offered[0]) as stream:
            content = stream.read(_MAX_SCHEMAS_BYTES + 1)
    return _checked(content, offered[0])


def _checked(content: bytes, name: str) -> Mapping[str, Any]:
    if len(content) > _MAX_SCHEMAS_BYTES:
        raise Refused(f"the wheel's {name} is over {_MAX_SCHEMAS_BYTES // 1024} KiB.")
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Refused(f"the wheel's {name} is no JSON document.") from error
    if not isinstance(found, dict) or not set(found) <= set(SCHEMA_FIELDS):
        raise Refused(f"the wheel's {name} must be an object with no other keys than {', '.join(SCHEMA_FIELDS)}.")
    return found

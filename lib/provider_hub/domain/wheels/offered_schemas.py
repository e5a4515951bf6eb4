"""The schemas that a wheel's package offers, in its file `provider_schemas.json`.

It is a JSON object with any of `schemas` (a map by resource type), `config_schema` and `outputs_schema`, as the API's
own fields of those names. The file is read; nothing of the wheel is run.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from zipfile import ZipFile

from provider_hub.domain.json_values import check_answerable
from provider_hub.domain.wheels.errors import WheelInvalid

SCHEMAS_FILE = "provider_schemas.json"
SCHEMA_FIELDS = ("schemas", "config_schema", "outputs_schema")
_MAX_BYTES = 1024 * 1024
_INSTALLED_AS_CODE = re.compile(r"\A[^/]+\.data/(?:purelib|platlib)/")


def read_offered(archive: ZipFile, package: str) -> str | None:
    """The file's text as it is, for `parse_offered`; None where the dotted `package` offers none.

    The archive's names and sizes must have been checked.
    """
    wanted = _path_in(package)
    offered = [name for name in archive.namelist() if _INSTALLED_AS_CODE.sub("", name, count=1) == wanted]
    if not offered:
        return None
    with archive.open(offered[0]) as stream:
        # One byte over the limit is kept, so that a file which is too long is still known as one.
        return stream.read(_MAX_BYTES + 1).decode("utf-8", "surrogateescape")


def parse_offered(text: str, package: str) -> Mapping[str, Any]:
    """Those of SCHEMA_FIELDS that the file has. Raises WheelInvalid."""
    name, content = _path_in(package), text.encode("utf-8", "surrogateescape")
    if len(content) > _MAX_BYTES:
        raise WheelInvalid(f"the wheel's {name} is over {_MAX_BYTES // 1024} KiB: make the schemas smaller")
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise WheelInvalid(f"the wheel's {name} is no JSON document: mend it and build the wheel again") from error
    if not isinstance(found, dict) or not set(found) <= set(SCHEMA_FIELDS):
        raise WheelInvalid(f"the wheel's {name} must be an object with no other keys than {', '.join(SCHEMA_FIELDS)}")
    try:
        check_answerable(found)
    except ValueError as error:
        raise WheelInvalid(f"the wheel's {name} {error}, and build the wheel again") from None
    return found


def _path_in(package: str) -> str:
    return f"{package.replace('.', '/')}/{SCHEMAS_FILE}"

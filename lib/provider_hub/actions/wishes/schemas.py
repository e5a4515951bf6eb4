"""JSON that authors give: its size and its values here; schemas are checked further before they are stored."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator

from provider_hub.domain.json_values import check_answerable

SCHEMA_BYTES = 256 * 1024


def _answerable(given: dict[str, Any]) -> dict[str, Any]:
    check_answerable(given)
    return given


def _bounded(schema: dict[str, Any] | None) -> dict[str, Any] | None:
    if schema is None:
        return None
    check_answerable(schema)
    size = len(json.dumps(schema))
    if size > SCHEMA_BYTES:
        raise ValueError(f"is {size} bytes; at most {SCHEMA_BYTES} are taken")
    return schema


AnyObject = Annotated[dict[str, Any], AfterValidator(_answerable)]
JsonSchema = Annotated[dict[str, Any] | None, AfterValidator(_bounded)]

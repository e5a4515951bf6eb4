"""JSON Schemas that publishers give: their size here, and all else where they are checked before they are stored."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator

SCHEMA_BYTES = 256 * 1024


def _bounded(schema: dict[str, Any] | None) -> dict[str, Any] | None:
    size = 0 if schema is None else len(json.dumps(schema))
    if size > SCHEMA_BYTES:
        raise ValueError(f"is {size} bytes; at most {SCHEMA_BYTES} are taken")
    return schema


JsonSchema = Annotated[dict[str, Any] | None, AfterValidator(_bounded)]

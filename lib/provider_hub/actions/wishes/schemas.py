"""JSON Schemas that publishers give: their size here, and all else where they are checked before they are stored."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator

SCHEMA_BYTES = 256 * 1024


def _bounded(schema: dict[str, Any] | None) -> dict[str, Any] | None:
    if schema is not None and len(json.dumps(schema)) > SCHEMA_BYTES:
        raise ValueError(f"is over {SCHEMA_BYTES} bytes")
    return schema


JsonSchema = Annotated[dict[str, Any] | None, AfterValidator(_bounded)]

"""JSON Schemas that publishers give: each is checked by its own meta-schema, and refers to nothing outside."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator

SCHEMA_BYTES = 256 * 1024


def _checked(schema: dict[str, Any] | None) -> dict[str, Any] | None:
    if schema is None:
        return None
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - slow, and many versions have no schema
    from jsonschema.validators import Draft202012Validator, validator_for  # noqa: PLC0415

    if len(json.dumps(schema)) > SCHEMA_BYTES:
        raise ValueError(f"is over {SCHEMA_BYTES} bytes")
    if not isinstance(schema.get("$schema", ""), str):
        raise ValueError("is not a JSON Schema: $schema is not a string")
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"is not a JSON Schema: {error.message[:300]}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except OverflowError:
        raise ValueError("has a pattern whose repetitions are beyond all bounds") from None
    if remote := _remote_reference(schema):
        raise ValueError(f"refers to {remote[:200]!r}: only references within the schema (#…) are taken")
    return schema


def _remote_reference(part: Any) -> str | None:
    """A `$ref` that leads out of the document: a config is checked without fetching anything, so it would not work."""
    if isinstance(part, dict):
        reference = part.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#"):
            return reference
        part = list(part.values())
    if not isinstance(part, list):
        return None
    return next((found for item in part if (found := _remote_reference(item))), None)


JsonSchema = Annotated[dict[str, Any] | None, AfterValidator(_checked)]

"""A tenant's config held against the schema that the provider was published with.

Config values become environment variables and are strings; a schema speaks of numbers and booleans. So a
value is read as the type that its key's schema names, as the provider itself will read it.
"""

import json
from collections.abc import Mapping
from typing import Any

from provider_hub.domain.errors import Invalid, Problem

_BOOLEANS = {"true": True, "false": False}


def check_config(config: Mapping[str, str], schema_text: str | None) -> None:
    """Raises Invalid naming each key that does not fit; no schema fits everything."""
    if schema_text is None:
        return
    from jsonschema.validators import validator_for  # noqa: PLC0415 - most installs never need it
    from referencing import Registry  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415

    schema = json.loads(schema_text)
    # An empty registry fetches nothing: a schema must not make this function call addresses of its choice.
    validator = validator_for(schema)(schema, registry=Registry())
    try:
        problems = [
            Problem(
                ("body", "config", *map(str, error.absolute_path)), _told(error), f"config_schema.{error.validator}"
            )
            for error in validator.iter_errors(_typed(config, schema))
        ]
    except (Unresolvable, RecursionError, ArithmeticError):
        # A reference to nowhere or to itself, a number beyond all floats: valid JSON Schema, and no use to anyone.
        raise Invalid.at("body", "config", msg="cannot be checked against the provider's config_schema") from None
    if problems:
        raise Invalid(*problems)


def _told(error: Any) -> str:
    """What the schema asks for; the value itself may be a secret and is not repeated."""
    if error.validator == "required":
        return str(error.message)
    return f"does not fit the provider's config_schema: {error.validator} {json.dumps(error.validator_value)[:200]}"


def _typed(config: Mapping[str, str], schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    return {key: _read_as(value, _kind_in(properties.get(key))) for key, value in config.items()}


def _kind_in(part: Any) -> Any:
    """The type that a key's schema names; a schema may also be just true or false."""
    return part.get("type") if isinstance(part, dict) else None


def _read_as(value: str, kind: Any) -> Any:
    if kind == "boolean":
        return _BOOLEANS.get(value.lower(), value)
    if kind in ("integer", "number", "array", "object"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value

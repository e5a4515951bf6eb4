"""A tenant's config held against the schema that the provider was published with.

Config values become environment variables and are strings; a schema speaks of numbers and booleans. So a
value is read as the type that its key's schema names, as the provider itself will read it.

Both are a tenant's words, and JSON Schema can ask for years of work: a pattern that backtracks, references that
double at each step. Only what is plain is checked in this process, which other tenants wait for; the rest is checked
in one of its own that can be ended.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from itertools import islice
from typing import Any

from provider_hub.domain.errors import Invalid, Problem

CHECK_SECONDS = 5.0
_TOLD = 20
_BOOLEANS = {"true": True, "false": False}
_NOTES = frozenset({"$schema", "$comment", "title", "description", "default", "examples", "type"})
_PLAIN = _NOTES | {"properties", "required", "additionalProperties"}
_PLAIN_PROPERTY = _NOTES | {
    "const", "deprecated", "enum", "exclusiveMaximum", "exclusiveMinimum", "format", "maxLength", "maximum",
    "minLength", "minimum", "multipleOf", "readOnly", "writeOnly",
}  # fmt: skip


def check_config(config: Mapping[str, str], schema_text: str | None) -> None:
    """Raises Invalid naming keys that do not fit; no schema fits everything."""
    if schema_text is None:
        return
    found = _problems(config, schema_text) if is_plain(json.loads(schema_text)) else _apart(config, schema_text)
    if found is None:
        raise Invalid.at("body", "config", msg="cannot be checked against the provider's config_schema")
    if found:
        raise Invalid(*found)


def is_plain(schema: Any) -> bool:
    """Whether a config is checked against `schema` in a time that grows with their sizes and no faster."""
    if not isinstance(schema, dict) or not schema.keys() <= _PLAIN:
        return False
    return isinstance(schema.get("additionalProperties", True), bool) and all(
        isinstance(part, bool) or part.keys() <= _PLAIN_PROPERTY for part in schema.get("properties", {}).values()
    )


def _apart(config: Mapping[str, str], schema_text: str) -> list[Problem] | None:
    """`_problems` of another process; None too where it takes too long."""
    try:
        done = subprocess.run(  # noqa: S603 - no word of the command is anybody's to choose
            [sys.executable, "-m", __name__],
            input=json.dumps([dict(config), schema_text]).encode(),
            capture_output=True,
            check=True,
            timeout=CHECK_SECONDS,
            # What this process knows besides is no business of a check.
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        return None
    found: list[tuple[list[str | int], str, str]] | None = json.loads(done.stdout)
    return None if found is None else [Problem(tuple(loc), msg, kind) for loc, msg, kind in found]


def _problems(config: Mapping[str, str], schema_text: str) -> list[Problem] | None:
    """The first of what does not fit; None where that cannot be told."""
    from jsonschema.validators import validator_for  # noqa: PLC0415 - most installs never need it
    from referencing import Registry  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415

    schema = json.loads(schema_text)
    # An empty registry fetches nothing: a schema must not make this function call addresses of its choice.
    validator = validator_for(schema)(schema, registry=Registry())
    try:
        return [
            Problem(
                ("body", "config", *map(str, error.absolute_path)), _told(error), f"config_schema.{error.validator}"
            )
            for error in islice(validator.iter_errors(_typed(config, schema)), _TOLD)
        ]
    except (Unresolvable, RecursionError, ArithmeticError):
        # A reference to nowhere or to itself, a number beyond all floats: valid JSON Schema, and no use to anyone.
        return None


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


def _main() -> None:
    os.nice(10)
    config, schema_text = json.load(sys.stdin)
    found = _problems(config, schema_text)
    told = None if found is None else [[problem.loc, problem.msg, problem.type] for problem in found]
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    _main()

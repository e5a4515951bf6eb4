"""JSON Schema: checks a tenant's config, in a child process where the schema could keep a process busy.

Config values become environment variables and are strings, while a schema speaks of numbers and booleans. So a value
is read as the type that its key's schema names, as the provider itself will read it.

The tenant writes the config and the author the schema. JSON Schema can express years of work: patterns that
backtrack, references that double at each step. A plain schema is checked in this process, which serves other tenants
at the same time. Any other schema is checked in a limited child, one at a time: an instance has the memory of a few.
"""

import json
import re
from collections.abc import Mapping, Set
from itertools import islice, takewhile
from typing import IO, Any

from provider_hub.actions.turns import Turns
from provider_hub.adapters.limited_child import MIB, Limits, OverLimit, run_limited
from provider_hub.domain.errors import Problem

_LIMITS = Limits(memory_bytes=128 * MIB, output_bytes=MIB)
_IMPORTS = ("jsonschema.validators", "referencing.exceptions")
_TURNS = Turns(at_once=1, waiting=8, wait_seconds=10)
_REPORTED = 20
_BOOLEANS = {"true": True, "false": False}
# What one key's value may decide for the whole config, above its properties.
_BY_VALUES = frozenset({
    "anyOf", "const", "contains", "dependencies", "dependentSchemas", "else", "enum", "not", "oneOf", "then",
    "unevaluatedProperties",
})  # fmt: skip
_NOTES = frozenset({"$schema", "$comment", "title", "description", "default", "examples", "type"})
_PLAIN = _NOTES | {"properties", "required", "additionalProperties"}
_PLAIN_PROPERTY = _NOTES | {
    "const", "deprecated", "enum", "exclusiveMaximum", "exclusiveMinimum", "format", "maxLength", "maximum",
    "minLength", "minimum", "multipleOf", "readOnly", "writeOnly",
}  # fmt: skip


class JsonSchemaChecker:
    """Checks configs with the `jsonschema` package (`actions.checkers.ConfigChecker`)."""

    def problems(
        self, config: Mapping[str, str], schema: str, sealed_keys: Set[str] = frozenset(), organization_id: str = ""
    ) -> list[Problem] | None:
        """The first 20 problems; None where a child cannot find them out within its limits.

        Raises TemporaryError where too many checks wait, in all or of this organization. The values of
        `sealed_keys` are not known: a problem that may be one of such a value is left to the provider.
        """
        if is_plain(json.loads(schema)):
            return _problems(config, schema, sealed_keys)
        return _checked_in_child(config, schema, sealed_keys, organization_id)


def is_plain(schema: Any) -> bool:
    """Whether a check against `schema` takes time that grows only with the sizes of schema and config."""
    if not isinstance(schema, dict) or not schema.keys() <= _PLAIN:
        return False
    return isinstance(schema.get("additionalProperties", True), bool) and all(
        isinstance(part, bool) or part.keys() <= _PLAIN_PROPERTY for part in schema.get("properties", {}).values()
    )


def _checked_in_child(
    config: Mapping[str, str], schema_text: str, sealed_keys: Set[str], organization_id: str
) -> list[Problem] | None:
    """`_problems` in a child process; None also where the child needs too much or dies."""
    with _TURNS.turn(organization_id or None):
        argument = [dict(config), schema_text, sorted(sealed_keys)]
        try:
            found = run_limited(_reported, argument, _LIMITS, imports=_IMPORTS)
        except OverLimit:
            return None
    return None if found is None else [Problem(tuple(loc), msg, kind) for loc, msg, kind in found]


def _reported(argument: Any, _file: IO[bytes] | None) -> list[list[Any]] | None:
    from jsonschema.exceptions import UnknownType  # noqa: PLC0415 - in the template alone

    config, schema_text, sealed_keys = argument
    try:
        found = _problems(config, schema_text, frozenset(sealed_keys))
    except (AttributeError, TypeError, UnknownType, re.error):
        # A reference may lead to what publishing did not check as a schema, such as a `default`.
        return None
    return None if found is None else [[problem.loc, problem.msg, problem.type] for problem in found]


def _problems(config: Mapping[str, str], schema_text: str, sealed_keys: Set[str]) -> list[Problem] | None:
    """The first problems; None where the schema itself cannot be evaluated."""
    from jsonschema.validators import validator_for  # noqa: PLC0415 - most requests never need it
    from referencing import Registry  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415

    schema = json.loads(schema_text)
    # The empty registry fetches no reference: otherwise a schema could make this function call any address.
    validator = validator_for(schema)(schema, registry=Registry())
    whole = _typed({**dict.fromkeys(sealed_keys, ""), **config}, schema)
    try:
        known = (error for error in validator.iter_errors(whole) if _is_known(error, sealed_keys))
        return [
            Problem(
                ("body", "config", *map(str, error.absolute_path)), _message(error), f"config_schema.{error.validator}"
            )
            for error in islice(known, _REPORTED)
        ]
    except (Unresolvable, RecursionError, ArithmeticError, ValueError):
        # The schema refers to nothing or to itself, which JSON Schema allows, or one of the two has a number that no
        # float holds. A schema that was stored before NaN was refused may also have that.
        return None


def _is_known(error: Any, sealed_keys: Set[str]) -> bool:
    """Whether an error is one whatever the values of the sealed keys are."""
    if not sealed_keys:
        return True
    above = takewhile(lambda part: part != "properties", error.absolute_schema_path)
    return sealed_keys.isdisjoint(map(str, islice(error.absolute_path, 1))) and _BY_VALUES.isdisjoint(map(str, above))


def _message(error: Any) -> str:
    """What the schema asks for. The value may be a secret, so the message never repeats it."""
    if error.validator == "required":
        return str(error.message)
    return f"does not fit the provider's config_schema: {error.validator} {json.dumps(error.validator_value)[:200]}"


def _typed(config: Mapping[str, str], schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    return {key: _read_as(value, _kind_in(properties.get(key))) for key, value in config.items()}


def _kind_in(part: Any) -> Any:
    """The type that a key's schema names. A schema may also be just true or false, which names none."""
    return part.get("type") if isinstance(part, dict) else None


def _read_as(value: str, kind: Any) -> Any:
    if kind == "boolean":
        return _BOOLEANS.get(value.lower(), value)
    if kind in ("integer", "number", "array", "object"):
        try:
            return json.loads(value, parse_constant=_no_number)
        except (ValueError, RecursionError):
            return value
    return value


def _no_number(name: str) -> None:
    """Raises ValueError: Python reads NaN and Infinity as numbers, and JSON has none of them."""
    raise ValueError(f"{name} is no number of JSON")

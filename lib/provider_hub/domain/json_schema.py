"""Whether an author's JSON Schema may be stored: of draft 2020-12, of bounded shape, and without outside references.

The draft's own meta-schema says the same of the shape, but a validator takes seconds to hold a large schema against it.
This check takes time that grows with the schema's size alone. Source: json-schema.org/draft/2020-12/schema and the
vocabularies that it names.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MAX_DEPTH = 64
MAX_ENUM = 500
MAX_REFERENCES = 500
MAX_COMBINATORS = 500
MAX_PATTERN_CHARACTERS = 2000

_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_ANCHOR = re.compile(r"[A-Za-z_][-A-Za-z0-9._]*")
_REFERENCES = frozenset({"$ref", "$dynamicRef"})
_COMBINATORS = frozenset({"allOf", "anyOf", "dependentSchemas", "if", "not", "oneOf"})


class SchemaRefused(ValueError):
    """The schema may not be stored; `str()` completes "the schema …"."""


def check_storable(schema: dict[str, Any], *, is_evaluated: bool) -> None:
    """Raises SchemaRefused for a value that is not a schema of draft 2020-12, or exceeds the bounds.

    The draft recommends the regular expressions of ECMA-262. A schema by which the hub checks configs, `is_evaluated`,
    can have only those that Python reads too; elsewhere a pattern may be any text.
    """
    dialect = schema.get("$schema", DIALECT)
    if not isinstance(dialect, str) or dialect.removesuffix("#") != DIALECT:
        raise SchemaRefused(f"names another dialect than {DIALECT}: convert it, or leave $schema out")
    counts = {_REFERENCES: 0, _COMBINATORS: 0}
    for part in _walk(schema):
        if is_evaluated:
            _check_patterns(part)
        for keywords in counts:
            counts[keywords] += len(keywords & part.keys())
    if counts[_REFERENCES] > MAX_REFERENCES:
        raise SchemaRefused(f"has over {MAX_REFERENCES} references: split it up")
    if counts[_COMBINATORS] > MAX_COMBINATORS:
        raise SchemaRefused(f"has over {MAX_COMBINATORS} of {', '.join(sorted(_COMBINATORS))}: split it up")


def _walk(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every schema in `schema`, itself the first, each once it was checked."""
    waiting: list[tuple[Any, int]] = [(schema, 1)]
    while waiting:
        part, depth = waiting.pop()
        if isinstance(part, bool):
            continue
        if not isinstance(part, dict):
            raise _wrong("a schema", "is neither an object nor true or false")
        if depth > MAX_DEPTH:
            raise SchemaRefused(f"is nested too deeply: at most {MAX_DEPTH} schemas")
        for keyword, value in part.items():
            if below := _BELOW.get(keyword):
                waiting += ((found, depth + 1) for found in below(keyword, value))
            elif check := _VALUES.get(keyword):
                check(keyword, value)
        yield part


def _check_patterns(part: dict[str, Any]) -> None:
    """Raises SchemaRefused for a pattern by which no config could be checked, at one level of a checked schema."""
    own = [part["pattern"]] if "pattern" in part else []
    for pattern in (*own, *part.get("patternProperties", ())):
        try:
            re.compile(pattern)
        except re.error:
            raise SchemaRefused(
                f"has the pattern {pattern[:100]!a}, which is no regular expression of Python's, by which configs are "
                "checked: write it without what only other languages have, such as \\p{L} and (?<name>…)"
            ) from None
        except (OverflowError, RecursionError):
            raise SchemaRefused("has a pattern whose repetitions or groups are beyond all bounds") from None


def _wrong(keyword: str, why: str) -> SchemaRefused:
    return SchemaRefused(f"is not a JSON Schema: {keyword} {why}")


def _one(_keyword: str, value: Any) -> list[Any]:
    return [value]


def _many(keyword: str, value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise _wrong(keyword, "is not a list of schemas")
    return value


def _named(keyword: str, value: Any) -> list[Any]:
    if not isinstance(value, dict):
        raise _wrong(keyword, "is not an object of schemas")
    return list(value.values())


def _by_pattern(keyword: str, value: Any) -> list[Any]:
    parts = _named(keyword, value)
    for pattern in value:
        _pattern(keyword, pattern)
    return parts


def _schema_or_names(keyword: str, value: Any) -> list[Any]:
    parts = _named(keyword, value)
    for names in parts:
        if isinstance(names, list):
            _names(keyword, names)
    return [part for part in parts if not isinstance(part, list)]


def _text(keyword: str, value: Any) -> None:
    if not isinstance(value, str):
        raise _wrong(keyword, "is not a string")


def _flag(keyword: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise _wrong(keyword, "is neither true nor false")


def _number(keyword: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(keyword, "is not a number")


def _positive(keyword: str, value: Any) -> None:
    _number(keyword, value)
    if value <= 0:
        raise _wrong(keyword, "is not above 0")


def _count(keyword: str, value: Any) -> None:
    _number(keyword, value)
    if value < 0 or (isinstance(value, float) and not value.is_integer()):
        raise _wrong(keyword, "is not a whole number from 0")


def _list(keyword: str, value: Any) -> None:
    if not isinstance(value, list):
        raise _wrong(keyword, "is not a list")


def _choices(keyword: str, value: Any) -> None:
    _list(keyword, value)
    if len(value) > MAX_ENUM:
        raise SchemaRefused(f"has an enum of {len(value)} values: at most {MAX_ENUM}")


def _names(keyword: str, value: Any) -> None:
    _list(keyword, value)
    if not all(isinstance(name, str) for name in value) or len(set(value)) < len(value):
        raise _wrong(keyword, "is not a list of different strings")


def _names_by_name(keyword: str, value: Any) -> None:
    for names in _named(keyword, value):
        _names(keyword, names)


def _type(keyword: str, value: Any) -> None:
    kinds = [value] if isinstance(value, str) else value
    if not isinstance(kinds, list) or not kinds:
        raise _wrong(keyword, "is neither a type nor a list of types")
    _names(keyword, kinds)
    if unknown := set(kinds) - _TYPES:
        raise _wrong(keyword, f"names {min(unknown)[:100]!a}, which is not one of {', '.join(sorted(_TYPES))}")


def _pattern(keyword: str, value: Any) -> None:
    _text(keyword, value)
    if len(value) > MAX_PATTERN_CHARACTERS:
        raise SchemaRefused(f"has a pattern of over {MAX_PATTERN_CHARACTERS} characters")


def _within(keyword: str, value: Any) -> None:
    _text(keyword, value)
    if not value.startswith("#"):
        raise SchemaRefused(f"refers to {value[:200]!a}: only references within the schema (#…) are taken")


def _anchor(keyword: str, value: Any) -> None:
    _text(keyword, value)
    if not _ANCHOR.fullmatch(value):
        raise _wrong(keyword, "is no plain name")


def _identifier(keyword: str, value: Any) -> None:
    _text(keyword, value)
    if "#" in value.removesuffix("#"):
        raise _wrong(keyword, "has a fragment")


def _vocabulary(keyword: str, value: Any) -> None:
    for needed in _named(keyword, value):
        _flag(keyword, needed)


_BELOW: dict[str, Callable[[str, Any], list[Any]]] = {
    **dict.fromkeys(
        (
            "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not", "propertyNames", "then",
            "unevaluatedItems", "unevaluatedProperties",
        ),
        _one,
    ),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), _many),
    **dict.fromkeys(("$defs", "definitions", "dependentSchemas", "properties"), _named),
    "dependencies": _schema_or_names,
    "patternProperties": _by_pattern,
}  # fmt: skip
_VALUES: dict[str, Callable[[str, Any], None]] = {
    **dict.fromkeys(
        ("$comment", "$schema", "contentEncoding", "contentMediaType", "description", "format", "title"), _text
    ),
    **dict.fromkeys(("deprecated", "readOnly", "uniqueItems", "writeOnly"), _flag),
    **dict.fromkeys(("exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum"), _number),
    **dict.fromkeys(
        (
            "maxContains", "maxItems", "maxLength", "maxProperties", "minContains", "minItems", "minLength",
            "minProperties",
        ),
        _count,
    ),
    **dict.fromkeys(("$anchor", "$dynamicAnchor", "$recursiveAnchor"), _anchor),
    **dict.fromkeys(("$dynamicRef", "$recursiveRef", "$ref"), _within),
    "$id": _identifier,
    "$vocabulary": _vocabulary,
    "dependentRequired": _names_by_name,
    "enum": _choices,
    "examples": _list,
    "multipleOf": _positive,
    "pattern": _pattern,
    "required": _names,
    "type": _type,
}  # fmt: skip

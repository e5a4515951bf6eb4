"""A publisher's schema is one of draft 2020-12, within bounds; the draft's own meta-schema agrees on the shape."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema.validators import Draft202012Validator

from provider_hub.domain import json_schema
from provider_hub.domain.json_schema import SchemaRefused, check_storable

META = Draft202012Validator(Draft202012Validator.META_SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
KEYWORDS = sorted({*json_schema._BELOW, *json_schema._VALUES} - {"$schema", "$recursiveAnchor", "$recursiveRef"})
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.floats(-2, 3),
    st.sampled_from(["string", "integer", "#/x", "#", "plain", "(", "a#b", "https://x.example/"]),
)
VALUES = st.recursive(
    st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(st.sampled_from(KEYWORDS), SCALARS, max_size=2)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from([*KEYWORDS, "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def refused(schema: dict[str, Any], *, is_evaluated: bool = True) -> str | None:
    try:
        check_storable(schema, is_evaluated=is_evaluated)
    except SchemaRefused as error:
        return str(error)
    return None


@given(st.dictionaries(st.sampled_from(KEYWORDS), VALUES, max_size=4))
def test_what_is_storable_is_what_the_meta_schema_takes(schema: dict[str, Any]) -> None:
    why = refused(schema)
    if why and "refers to" in why:
        return
    assert (why is None) == META.is_valid(schema)


@pytest.mark.parametrize("keyword", KEYWORDS)
@pytest.mark.parametrize(
    "value",
    [None, True, 1, -1, 0, 1.5, 2.0, "string", "(", [], ["a"], ["a", "a"], [{}], [1], {}, {"a": {}}, {"a": 1},
     {"(": {}}, {"a": ["b"]}, {"a": True}],
    ids=json.dumps,
)  # fmt: skip
def test_every_keyword_takes_the_values_that_the_meta_schema_takes(keyword: str, value: Any) -> None:
    why = refused({keyword: value})
    if why and "refers to" in why:
        return
    assert (why is None) == META.is_valid({keyword: value})


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"$schema": "http://json-schema.org/draft-04/schema#"}, "another dialect"),
        ({"$schema": 5}, "another dialect"),
        ({"enum": [{"x": number} for number in range(501)]}, "enum of 501"),
        ({"properties": {"a": {"enum": list(range(501))}}}, "enum of 501"),
        ({"prefixItems": [{"$ref": "#"}] * 501}, "over 500 references"),
        ({"properties": {f"p{number}": {"not": {}} for number in range(501)}}, "over 500 of"),
        (deep(64), "nested too deeply"),
        ({"pattern": "a" * 2001}, "pattern of over 2000"),
        ({"pattern": "a{99999999999999999999}"}, "repetitions"),
        ({"$ref": "https://evil.example/schema"}, "refers to"),
        ({"properties": {"x": {"items": {"$dynamicRef": "other.json"}}}}, "refers to"),
    ],
)
def test_what_is_beyond_the_bounds_is_refused(schema: dict[str, Any], why: str) -> None:
    assert why in (refused(schema) or "")


@pytest.mark.parametrize("dialect", [json_schema.DIALECT, f"{json_schema.DIALECT}#"])
def test_the_one_dialect_may_be_named(dialect: str) -> None:
    assert refused({"$schema": dialect, "type": "object"}) is None


def test_a_property_may_be_called_as_a_keyword() -> None:
    assert (
        refused({"properties": {"enum": {"type": "string"}, "$ref": True, "required": {}}, "required": ["enum"]})
        is None
    )


@pytest.mark.parametrize(
    "pattern", [r"^\p{L}+$", r"(?<year>\d{4})", "a++b(?i)", "(", "a{99999999999999999999}", "(" * 1000 + ")" * 1000]
)
def test_only_where_configs_are_checked_python_has_to_read_a_pattern(pattern: str) -> None:
    for schema in ({"properties": {"a": {"pattern": pattern}}}, {"items": {"patternProperties": {pattern: {}}}}):
        assert refused(schema, is_evaluated=False) is None
        why = refused(schema) or ""
        assert "no regular expression of Python's, by which configs are checked" in why or "beyond all bounds" in why


@pytest.mark.parametrize("schema", [{"pattern": 5}, {"pattern": "a" * 2001}, {"patternProperties": ["("]}])
def test_elsewhere_a_pattern_is_a_text_of_bounded_length_all_the_same(schema: dict[str, Any]) -> None:
    assert refused(schema, is_evaluated=False)

"""What may be stored of JSON is what every later answer can hold."""

import json
from typing import Any

import pytest
from pydantic_core import from_json, to_json

from provider_hub.domain.json_values import MAX_LEVELS, as_answerable, check_answerable


def nested(levels: int) -> Any:
    return json.loads("[" * levels + "]" * levels)


@pytest.mark.parametrize("text", ['{"a": [1, 2.5, -0.0, null, true, "ä😀"]}', '"\\ud83d\\ude00"', "1e308", "[]"])
def test_what_an_answer_can_hold_is_taken_and_comes_back_as_it_is(text: str) -> None:
    value = json.loads(text)
    check_answerable(value)
    assert from_json(to_json(value)) == value == as_answerable(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": NaN}', "has NaN"),
        ("[-Infinity]", "has NaN, Infinity"),
        ('{"a": {"b": 1e400}}', "over 1.8e308"),
        ('{"a": "\\ud800"}', r"has '\\ud800', half of a surrogate pair"),
        ('{"\\udfff": 1}', "half of a surrogate pair"),
    ],
)
def test_a_number_or_a_character_that_no_answer_can_hold_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_answerable(json.loads(text))


def test_as_many_levels_are_taken_as_a_request_may_have() -> None:
    check_answerable(nested(MAX_LEVELS))
    from_json(json.dumps(nested(MAX_LEVELS)))
    with pytest.raises(ValueError, match="has over 200 levels"):
        check_answerable(nested(MAX_LEVELS + 1))


@pytest.mark.parametrize(
    ("text", "answered"),
    [
        ('{"\\ud800": "\\udfff", "b": "\\ud83d\\ude00"}', {"?": "?", "b": "😀"}),
        ('"\\\\ud800 as text"', "\\ud800 as text"),
        ("[" * 201 + "]" * 201, None),
        ("[" * 100_000 + "]" * 100_000, None),
        (json.dumps([[]] * 300), [[]] * 300),
    ],
    ids=["surrogates", "text", "levels", "levels that are not even read", "many lists side by side"],
)
def test_what_was_stored_before_is_answered_as_well_as_it_can_be(text: str, answered: Any) -> None:
    assert as_answerable(text) == answered
    to_json(as_answerable(text))

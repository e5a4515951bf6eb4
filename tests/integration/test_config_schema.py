"""A config is checked against whatever a schema asks for, and no schema takes this process's time or memory."""

import json
import resource
from pathlib import Path
from typing import Any

import pytest

from provider_hub.actions.turns import Turns
from provider_hub.adapters import config_schema
from provider_hub.adapters.config_schema import JsonSchemaChecker
from provider_hub.adapters.limited_child import MIB
from provider_hub.domain.errors import TemporaryError
from provider_hub.domain.json_schema import check_storable


def found(config: dict[str, str], schema: dict[str, Any]) -> list[tuple[tuple[str | int, ...], str]] | None:
    problems = JsonSchemaChecker().problems(config, json.dumps(schema))
    return None if problems is None else [(problem.loc, problem.type) for problem in problems]


def doubling(levels: int) -> dict[str, Any]:
    """Each level refers twice to the next: the work doubles with each."""
    steps = {f"l{n}": {"anyOf": [{"$ref": f"#/$defs/l{n + 1}"}] * 2} for n in range(levels)}
    return {"$defs": {**steps, f"l{levels}": {"required": ["NEVER"]}}, "$ref": "#/$defs/l0"}


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize("elaborate", [{}, {"allOf": [{}]}], ids=["in this process", "in a child"])
def test_the_problems_are_the_same_wherever_they_are_found(elaborate: dict[str, Any]) -> None:
    schema = {
        "properties": {"PORT": {"type": "integer", "maximum": 9}, "ON": {"type": "boolean"}},
        "required": ["CITY"],
    }
    assert found({"PORT": "8", "ON": "true", "CITY": "Bern"}, {**schema, **elaborate}) == []
    assert found({"PORT": "80", "CITY": "Bern"}, {**schema, **elaborate}) == [
        (("body", "config", "PORT"), "config_schema.maximum")
    ]
    assert found({}, {**schema, **elaborate}) == [(("body", "config"), "config_schema.required")]


@pytest.mark.parametrize(
    "schema",
    [
        doubling(40),
        {"properties": {"A": {"pattern": "^(a+)+$"}}},
        {"$ref": "#"},
        {"$ref": "https://evil.example/schema"},
        {"properties": 5, "not": {}},
    ],
    ids=["doubling", "pattern", "itself", "elsewhere", "no schema"],
)
def test_a_schema_that_takes_too_much_is_given_up_and_leaves_no_memory_here(schema: dict[str, Any]) -> None:
    found({}, {"not": {}})
    before = resident()
    assert found({"A": "a" * 40 + "b"}, schema) is None
    assert resident() - before < 8 * MIB


@pytest.mark.parametrize(
    "target", [{"pattern": "("}, {"pattern": 5}, {"minLength": "x"}, {"enum": 5}, {"type": "text"}, {"not": 5}]
)
def test_a_reference_to_what_is_no_schema_is_given_up_and_is_no_fault_of_ours(
    target: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    schema = {"allOf": [{"$ref": "#/default"}], "default": {"properties": {"A": target}}}
    check_storable(schema, is_evaluated=True)
    assert found({"A": "x"}, schema) is None
    assert not caplog.records, "an error in the log rings at an operator, and any author could have it ring"


def test_a_check_that_finds_no_turn_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(at_once=1, waiting=0, wait_seconds=0)
    monkeypatch.setattr(config_schema, "_TURNS", turns)
    with turns.turn(), pytest.raises(TemporaryError, match="too many checks"):
        found({}, {"not": {}})
    assert found({}, {"not": {}}) is not None


def test_an_organization_has_one_check_under_way_and_keeps_strangers_from_no_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns = Turns(at_once=2, waiting=0, wait_seconds=0.01)
    monkeypatch.setattr(config_schema, "_TURNS", turns)
    elaborate = json.dumps({"properties": {"A": {"pattern": "^a"}}})
    checker = JsonSchemaChecker()
    with turns.turn("org_busy"):
        with pytest.raises(TemporaryError):
            checker.problems({"A": "a"}, elaborate, organization_id="org_busy")
        assert checker.problems({"A": "a"}, elaborate, organization_id="org_other") == []
        assert checker.problems({"A": "a"}, '{"required": ["A"]}', organization_id="org_busy") == [], "a quick one"
    assert checker.problems({"A": "a"}, elaborate, organization_id="org_busy") == []

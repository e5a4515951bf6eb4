"""docs/documents.md lists every document with every field.

`UPDATE=1 pytest tests/unit/test_documents_page.py` writes the tables anew.
"""

import collections.abc
import inspect
import os
import re
import types
import typing
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from provider_hub.actions import keys
from provider_hub.actions.ports import Key

PAGE = Path(__file__).parents[2] / "docs" / "documents.md"

_PLAIN = {"str": "text", "int": "integer", "float": "number", "bool": "boolean", "datetime": "time", "NoneType": "null"}


def records() -> Iterator[type]:
    """The record of every function that says where a document is kept."""
    seen = set()
    for _, function in inspect.getmembers(keys, inspect.isfunction):
        returned = get_type_hints(function).get("return")
        if get_origin(returned) is Key and (record := get_args(returned)[0]) not in seen:
            seen.add(record)
            yield record


def table_of(record: type) -> str:
    hints = get_type_hints(record)
    rows = ["| field | type | when absent |", "|---|---|---|"]
    for field in fields(record):
        required = field.default is MISSING and field.default_factory is MISSING
        absent = "always there" if required else _default(field)
        rows.append(f"| `{field.name}` | {_words(hints[field.name])} | {absent} |")
    return "\n".join(rows)


def _default(field: Any) -> str:
    value = field.default if field.default is not MISSING else field.default_factory()
    return "null" if value is None else f"`{value}`" if isinstance(value, bool | int | str) else "empty"


def _words(hint: Any) -> str:
    parts = get_args(hint)
    match get_origin(hint):
        case None:
            return _word(hint)
        case types.UnionType | typing.Union:
            return " or ".join(_words(part) for part in parts)
        case collections.abc.Mapping:
            return f"map of {_words(parts[0])} to {_words(parts[1])}"
        case _:
            return f"list of {_words(parts[0])}"


def _word(hint: Any) -> str:
    if is_dataclass(hint):
        return "map of " + ", ".join(f"`{field.name}`" for field in fields(hint))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return "one of " + ", ".join(f"`{member.value}`" for member in hint)
    return _PLAIN[hint.__name__]


RECORDS = list(records())


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_the_page_lists_every_field_of_the_record(record: type) -> None:
    text = PAGE.read_text()
    block = re.compile(
        rf"(<!-- fields of {record.__name__} -->\n).*?(<!-- /fields of {record.__name__} -->)", re.DOTALL
    )
    assert block.search(text), f"documents.md has no block <!-- fields of {record.__name__} -->"
    expected = block.sub(lambda match: f"{match[1]}{table_of(record)}\n{match[2]}", text)
    if os.environ.get("UPDATE"):
        PAGE.write_text(expected)
        text = expected
    assert text == expected, "run UPDATE=1 pytest tests/unit/test_documents_page.py"

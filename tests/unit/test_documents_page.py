"""docs/documents.md lists every document with every field, and how long each is kept.

`UPDATE=1 pytest tests/unit/test_documents_page.py` writes the tables anew.
"""

import collections.abc
import inspect
import os
import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from tests.annotations import hints_of

from provider_hub.actions import advisories, dead_letters, idempotency, keys, minting
from provider_hub.actions.ports import Key
from provider_hub.domain import audit, uploads
from provider_hub.domain.advisories import LockAdvisories
from provider_hub.domain.audit import AuditEntry
from provider_hub.domain.publishers.records import MintedToken, UsedToken
from provider_hub.domain.records import DeadLetter, DeliveryError, KeptAnswer
from provider_hub.domain.uploads import Upload

PAGE = Path(__file__).parents[2] / "docs" / "documents.md"

_PLAIN = {"str": "text", "int": "integer", "float": "number", "bool": "boolean", "datetime": "time", "NoneType": "null"}


def records() -> Iterator[type]:
    """The record of every function that says where a document is kept."""
    seen = set()
    for _, function in inspect.getmembers(keys, inspect.isfunction):
        returned = hints_of(function).get("return")
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
# How long each document is kept that Firestore deletes at its `expires_at`.
LIFETIMES: Mapping[type, str] = {
    MintedToken: f"{minting.LIFETIME // timedelta(minutes=1)} minutes",
    UsedToken: f"until the platform's token has expired, and {minting.REPLAY_MARGIN // timedelta(minutes=1)} minutes",
    DeadLetter: f"{dead_letters.KEPT.days} days",
    DeliveryError: f"{dead_letters.KEPT.days} days",
    AuditEntry: f"{audit.KEPT.days} days",
    KeptAnswer: f"{idempotency.KEPT // timedelta(hours=1)} hours",
    LockAdvisories: f"{advisories.KEPT.days} days after the sweeper last looked",
    Upload: f"{uploads.LIFETIME // timedelta(hours=1)} hours",
}
_SECTION = re.compile(r"^## `([^`]+)`$(.*?)<!-- fields of (\w+) -->", re.MULTILINE | re.DOTALL)
_KEPT = re.compile(r"^- \*\*Kept\*\*: ([^;\n]+)(?:; (.+))?$", re.MULTILINE)


def retention_table() -> str:
    rows = ["| document | kept | who deletes it |", "|---|---|---|"]
    by_name = {record.__name__: record for record in RECORDS}
    for path, section, name in _SECTION.findall(PAGE.read_text()):
        kept, who = _retention(by_name[name], section)
        rows.append(f"| `{path}` | {kept} | {who} |")
    return "\n".join(rows)


def _retention(record: type, section: str) -> tuple[str, str]:
    """How long, and who deletes it: by `expires_at`, else as the section's line **Kept** says."""
    said = _KEPT.findall(section)
    if "expires_at" in record.__dataclass_fields__:
        assert not said, f"{record.__name__} expires: its section needs no line **Kept**"
        return LIFETIMES[record], "Firestore, by `expires_at`"
    assert len(said) == 1, f"say in a line **Kept** how long {record.__name__} is kept, and who deletes it"
    return said[0]


def shown(marker: str, content: str) -> None:
    """Hold the page's block against what it should be; write it where UPDATE is set."""
    text = PAGE.read_text()
    block = re.compile(rf"(<!-- {marker} -->\n).*?(<!-- /{marker} -->)", re.DOTALL)
    assert block.search(text), f"documents.md has no block <!-- {marker} -->"
    expected = block.sub(lambda match: f"{match[1]}{content}\n{match[2]}", text)
    if os.environ.get("UPDATE"):
        PAGE.write_text(expected)
        text = expected
    assert text == expected, "run UPDATE=1 pytest tests/unit/test_documents_page.py"


def test_the_page_says_how_long_each_document_is_kept_and_who_deletes_it() -> None:
    shown("retention", retention_table())
    assert {name for _, _, name in _SECTION.findall(PAGE.read_text())} == {record.__name__ for record in RECORDS}


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_the_page_lists_every_field_of_the_record(record: type) -> None:
    shown(f"fields of {record.__name__}", table_of(record))

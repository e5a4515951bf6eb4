"""The indexes that Terraform gives the database, and which entries a written document adds to them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from terraform.tools.configuration import HUB

from tests.faults.memory_firestore import value_at

_COMPOSITE = re.compile(r'^ +(\w+) += \{ collection = "(\w+)", scope = "\w+", fields = \[(.+)\] \}$', re.MULTILINE)
_SINGLE = re.compile(r'^ +(\w+) += \{ collection = "(\w+)", scope = "\w+", field = "(.+)" \}$', re.MULTILINE)


@dataclass(frozen=True)
class Index:
    """The paths of an index's fields in order, without the marks of their direction."""

    name: str
    collection: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """What a document is in one index: the values before its first time, that time, and those behind it.

    Entries with the same values before a time that is always the newest lie at one end of one range of keys: that range
    is what Firestore can write to 500 times a second. `time` is None where no field of the entry is a time.
    """

    index: str
    before: tuple[Any, ...]
    time: Any
    behind: tuple[Any, ...] = ()


@cache
def deployed() -> Mapping[str, tuple[Index, ...]]:
    """The indexes of `terraform/modules/hub/database.tf`, by collection. Raises AssertionError for another form."""
    text = (HUB / "database.tf").read_text()
    found = [*_COMPOSITE.findall(text), *_SINGLE.findall(text)]
    if not found or len(found) != text.count('{ collection = "'):
        raise AssertionError(f"database.tf declares indexes in a form of which only {len(found)} are read here")
    by_collection: dict[str, list[Index]] = {}
    for name, collection, fields in found:
        paths = tuple(part.strip().strip('"').removeprefix("-").removesuffix("[]") for part in fields.split(","))
        by_collection.setdefault(collection, []).append(Index(name, collection, paths))
    return {collection: tuple(indexes) for collection, indexes in by_collection.items()}


def entries_of(name: str, document: Any) -> Iterator[Entry]:
    """The entries of a stored document, by its full name; a document that lacks a field is not in that index."""
    for index in deployed().get(name.split("/")[-2], ()):
        values = [value_at(document, path) for path in index.fields]
        if None in values:
            continue
        kinds = [value.WhichOneof("value_type") for value in values]
        plain = tuple(value.SerializeToString(deterministic=True) for value in values)
        at = kinds.index("timestamp_value") if "timestamp_value" in kinds else len(plain)
        time = _moment(values[at]) if at < len(plain) else None
        yield Entry(index.name, plain[:at], time, plain[at + 1 :])


def _moment(value: Any) -> tuple[int, int]:
    return value.timestamp_value.seconds, value.timestamp_value.nanos

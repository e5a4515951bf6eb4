"""The database has an index for every query of the code, and no other."""

import ast
import dataclasses
import inspect
import itertools
import re
import types
import typing
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.cloud.firestore_v1.types.query import StructuredQuery
from terraform.tools.configuration import read
from tests.annotations import hints_of

from provider_hub.actions import keys
from provider_hub.actions.ports import Key
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.domain.audit import AuditPlace
from provider_hub.domain.installation import Installation
from provider_hub.domain.names import ProviderName
from provider_hub.domain.records import OutboxEntry, Topic
from provider_hub.domain.rollout import Rollout

HUB = read()
DOCUMENTS = Path(__file__).parents[2] / "docs" / "documents.md"
_CONTAINS = (
    StructuredQuery.FieldFilter.Operator.ARRAY_CONTAINS,
    StructuredQuery.FieldFilter.Operator.ARRAY_CONTAINS_ANY,
)
_DESCENDING = StructuredQuery.Direction.DESCENDING
_EQUALITIES = (StructuredQuery.FieldFilter.Operator.EQUAL, StructuredQuery.FieldFilter.Operator.IN)
# An argument for each type of parameter that a query takes.
SAMPLES: dict[Any, Any] = {
    str: "sample",
    int: 7,
    datetime: datetime(2025, 1, 1, tzinfo=UTC),
    AuditPlace: AuditPlace(datetime(2025, 1, 1, tzinfo=UTC), "sample"),
    OutboxEntry: OutboxEntry("sample", Topic.CHECK_INS, "", "{}", datetime(2025, 1, 1, tzinfo=UTC), {}),
    ProviderName: ProviderName("acme", "weather"),
    Sequence[str]: ("public", "org_acme"),
}


@dataclass(frozen=True)
class Index:
    """`equal` in any order come first, then `ordered` in this one; a minus counts down, `[]` is an array's elements."""

    collection: str
    scope: str
    equal: frozenset[str]
    ordered: tuple[str, ...]

    @property
    def fields(self) -> int:
        return len(self.equal) + len(self.ordered)


@dataclass
class RecordingClient:
    """Stands in for Firestore's generated client: keeps the queries and finds nothing."""

    queries: list[StructuredQuery] = field(default_factory=list)

    def run_query(self, request: Any, **_: Any) -> list[Any]:
        self.queries.append(request.structured_query)
        return []

    def run_aggregation_query(self, request: Any, **_: Any) -> list[Any]:
        self.queries.append(request.structured_aggregation_query.structured_query)
        return []


def querying_methods() -> list[str]:
    """The public methods of the store that send a query."""
    tree = ast.parse(inspect.getsource(inspect.getmodule(FirestoreStore) or FirestoreStore))
    (store,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "FirestoreStore")
    methods = [node for node in store.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    return [
        node.name
        for node in methods
        if {"_query", "_due", "_page", "_texts", "_count", "_documents"} & set(_own_calls(node))
    ]


def _own_calls(node: ast.AST) -> Iterator[str]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            yield call.func.attr


def calls_of(function: Callable[..., Any]) -> Iterator[tuple[Any, ...]]:
    """Arguments for a function, with and without each that may be None."""
    hints = hints_of(function)
    hints.pop("return", None)
    return itertools.product(*(_samples(hint, function) for hint in hints.values()))


def _samples(hint: Any, function: Callable[..., Any]) -> list[Any]:
    if typing.get_origin(hint) is types.UnionType:
        return [sample for part in typing.get_args(hint) for sample in _samples(part, function)]
    if hint is types.NoneType:
        return [None]
    assert hint in SAMPLES, f"{function.__name__} takes a {hint}: give SAMPLES one"
    return [SAMPLES[hint]]


def queries_of(method: str) -> list[StructuredQuery]:
    client = RecordingClient()
    store = FirestoreStore(client, "p", "d")  # type: ignore[arg-type]
    for arguments in calls_of(getattr(FirestoreStore, method)):
        getattr(store, method)(*arguments)
    return client.queries


def needed_by(query: StructuredQuery) -> Index | None:
    """The index that serves a query by itself; None when the documents' own order does.

    A range goes the way in which its field is ordered by.
    """
    (source,) = query.from_
    falling = {order.field.field_path for order in query.order_by if order.direction == _DESCENDING}
    equal: set[str] = set()
    ordered: list[str] = []
    for part in query.where.composite_filter.filters:
        path, operator = part.field_filter.field.field_path, part.field_filter.op
        if "unary_filter" in part:
            equal.add(part.unary_filter.field.field_path)
        elif operator in _CONTAINS:
            equal.add(f"{path}[]")
        elif operator in _EQUALITIES:
            equal.add(path)
        else:
            ordered.append(path)
    ordered += [path for order in query.order_by if (path := order.field.field_path) not in (*ordered, "__name__")]
    scope = "COLLECTION_GROUP" if source.all_descendants else "COLLECTION"
    index = Index(
        source.collection_id,
        scope,
        frozenset(equal),
        tuple(f"-{path}" if path in falling else path for path in ordered),
    )
    return index if index.fields else None


def is_served(index: Index, declared: dict[str, Any]) -> bool:
    """Whether a declared index, single or composite, is the one needed."""
    fields = declared["fields"] if "fields" in declared else [declared["field"]]
    equal, ordered = fields[: len(index.equal)], fields[len(index.equal) :]
    place = (declared["collection"], declared["scope"])
    return place == (index.collection, index.scope) and set(equal) == index.equal and tuple(ordered) == index.ordered


def declared_indexes() -> dict[str, dict[str, Any]]:
    return {**HUB.local("composite_indexes"), **HUB.local("field_indexes")}


METHODS = querying_methods()
NEEDED = {method: [index for query in queries_of(method) if (index := needed_by(query))] for method in METHODS}


def test_the_queries_of_the_code_are_found() -> None:
    assert {"overdue", "silent", "left_behind", "find_providers", "install_count"} <= set(METHODS)
    assert sum(map(len, NEEDED.values())) >= 10


@pytest.mark.parametrize("method", METHODS)
def test_every_query_has_its_index(method: str) -> None:
    for index in NEEDED[method]:
        found = [name for name, declared in declared_indexes().items() if is_served(index, declared)]
        assert found, f"{method} needs {index}: add it to composite_indexes or field_indexes in modules/hub/database.tf"


@pytest.mark.parametrize("name", declared_indexes())
def test_every_index_serves_a_query(name: str) -> None:
    declared = declared_indexes()[name]
    assert any(is_served(index, declared) for indexes in NEEDED.values() for index in indexes), f"{name} serves none"


def test_a_composite_index_has_several_fields_as_firestore_demands() -> None:
    assert all(len(declared["fields"]) >= 2 for declared in HUB.local("composite_indexes").values())


def test_a_fields_indexes_are_one_resource() -> None:
    """Two would overwrite each other: Firestore keeps one configuration for a field."""
    fields = Counter((one["collection"], one["field"].lstrip("-")) for one in HUB.local("field_indexes").values())
    assert [field for field, count in fields.items() if count > 1] == []


def collections() -> dict[str, type]:
    """Every collection of the code, and the record that its documents hold."""
    found: dict[str, type] = {}
    for name, make in inspect.getmembers(keys, inspect.isfunction):
        hints = hints_of(make)
        # The others only name the same places by other words.
        if typing.get_origin(hints.pop("return", None)) is not Key or {Installation, Rollout} & set(hints.values()):
            continue
        assert set(hints.values()) <= set(SAMPLES), f"keys.{name} takes {hints}: give SAMPLES one of each"
        key: Key[Any] = make(*(SAMPLES[hint] for hint in hints.values()))
        found[key.path[-2]] = key.record
    return found


def test_what_no_query_asks_for_is_not_indexed_in_any_collection() -> None:
    assert _provisioned("a_collection") == set(collections())


def test_what_expires_is_deleted_by_the_database() -> None:
    expiring = {
        name for name, record in collections().items() if "expires_at" in {f.name for f in dataclasses.fields(record)}
    }
    assert _provisioned("an_expiring_one") == expiring


def _provisioned(pattern: str) -> set[str]:
    """What a pattern of the configuration finds in the page that it is applied to."""
    return set(re.findall(HUB.local(pattern).replace("\\\\", "\\"), DOCUMENTS.read_text()))


def test_the_database_is_recoverable_and_not_easily_lost() -> None:
    database = HUB.resource("google_firestore_database.this").body
    assert database["type"] == "FIRESTORE_NATIVE"
    assert database["concurrency_mode"] == "OPTIMISTIC", "a killed function must leave no locks behind"
    assert database["point_in_time_recovery_enablement"] == "POINT_IN_TIME_RECOVERY_ENABLED"
    assert database["delete_protection_state"].startswith("${var.deletion_protection ? ")
    (protection,) = (block for block in HUB.of("variable") if block.labels == ("deletion_protection",))
    assert protection.body["default"] is True
    assert len(HUB.of("resource", "google_firestore_backup_schedule")) == 2

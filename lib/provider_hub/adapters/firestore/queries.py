"""Queries of documents in the generated API's terms."""

from collections.abc import Iterable
from typing import Any

from google.cloud.firestore_v1.types.query import StructuredQuery

from provider_hub.adapters.firestore.encoding import message, value_of

Filter = tuple[str, str, Any]
_OPERATORS = {
    "==": StructuredQuery.FieldFilter.Operator.EQUAL,
    "<=": StructuredQuery.FieldFilter.Operator.LESS_THAN_OR_EQUAL,
    ">=": StructuredQuery.FieldFilter.Operator.GREATER_THAN_OR_EQUAL,
    "in": StructuredQuery.FieldFilter.Operator.IN,
    "contains": StructuredQuery.FieldFilter.Operator.ARRAY_CONTAINS,
    "contains any": StructuredQuery.FieldFilter.Operator.ARRAY_CONTAINS_ANY,
}
_IS_NULL = StructuredQuery.UnaryFilter.Operator.IS_NULL
_AND = StructuredQuery.CompositeFilter.Operator.AND
_DIRECTIONS = {False: StructuredQuery.Direction.ASCENDING, True: StructuredQuery.Direction.DESCENDING}


def build_query(  # noqa: PLR0913 - the clauses that a query may have
    collection: str,
    *,
    everywhere: bool = False,
    where: Iterable[Filter] = (),
    order: Iterable[str] = (),
    limit: int | None = None,
    offset: int = 0,
    after: str | None = None,
    after_values: Iterable[Any] = (),
    fields: Iterable[str] = (),
) -> StructuredQuery:
    """A query of the documents in `collection`, of one parent or `everywhere` below it.

    Each of `where` is (field, operator, value); all have to match. A field is "==" None where it is stored as null. A
    field in `order` with a minus sorts downwards. `after` is the path of the last document of the page before, in a
    query whose order ends with `__name__`; `after_values` are its values of the fields that the order has before that.
    `fields` are the only ones to return.
    """
    filters = [_filter(*given) for given in where]
    query: dict[str, Any] = {"from_": [{"collection_id": collection, "all_descendants": everywhere}]}
    if filters:
        query["where"] = {"composite_filter": {"op": _AND, "filters": filters}}
    query["order_by"] = [
        {"field": {"field_path": field.removeprefix("-")}, "direction": _DIRECTIONS[field.startswith("-")]}
        for field in order
    ]
    if after is not None:
        values = [*map(value_of, after_values), {"reference_value": after}]
        query["start_at"] = {"values": values, "before": False}
    if fields:
        query["select"] = {"fields": [{"field_path": field} for field in fields]}
    if limit is not None:
        query["limit"] = {"value": limit}
    return message(StructuredQuery, offset=offset, **query)


def _filter(field: str, operator: str, value: Any) -> dict[str, Any]:
    if value is None and operator == "==":
        return {"unary_filter": {"field": {"field_path": field}, "op": _IS_NULL}}
    return {"field_filter": {"field": {"field_path": field}, "op": _OPERATORS[operator], "value": value_of(value)}}

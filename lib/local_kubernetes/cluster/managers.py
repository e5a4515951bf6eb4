"""Field managers: who owns which field of an object, as `metadata.managedFields` records it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import fields, schema
from .fields import FieldSet
from .kinds import Kind, Object

_SYSTEM_METADATA = (
    "name",
    "namespace",
    "generateName",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "managedFields",
)
_UNOWNED: FieldSet = frozenset(
    {("f:apiVersion",), ("f:kind",), ("f:metadata",), *(("f:metadata", f"f:{name}") for name in _SYSTEM_METADATA)}
)


@dataclass(frozen=True)
class Manager:
    """One writer. The same name as Apply and as Update are two managers, as are its writes to a subresource."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""

    def __str__(self) -> str:
        shown = f'"{self.name}"'
        if self.subresource:
            shown += f' with subresource "{self.subresource}"'
        return f"{shown} using {self.api_version}" if self.operation == "Update" else shown


@dataclass(frozen=True)
class Holding:
    """The fields of one manager and when it last changed them (RFC 3339)."""

    fields: FieldSet
    time: str


Holdings = dict[Manager, Holding]


def ownable(kind: Kind, body: Object) -> FieldSet:
    """The fields that a body claims: all that it sets, without what identifies the object or belongs to the server.

    Raises fields.DuplicateItemError.
    """
    return fields.owned(schema.of(kind), body) - _UNOWNED


def load(body: Object) -> Holdings:
    """What each manager owns, by the object's `metadata.managedFields`."""
    holdings: Holdings = {}
    for entry in body.get("metadata", {}).get("managedFields") or ():
        manager = Manager(
            entry["manager"], entry["operation"], entry.get("apiVersion", ""), entry.get("subresource", "")
        )
        holdings[manager] = Holding(fields.from_fields_v1(entry["fieldsV1"]), entry["time"])
    return holdings


def dump(holdings: Holdings) -> list[dict[str, Any]]:
    """The holdings as `metadata.managedFields`, without managers that own nothing."""
    ordered = sorted(holdings.items(), key=lambda item: (item[0].operation, item[1].time, item[0].name))
    return [_entry(manager, holding) for manager, holding in ordered if holding.fields]


def everyone(holdings: Mapping[Manager, Holding]) -> FieldSet:
    """The fields that somebody owns."""
    return frozenset[fields.Path]().union(*(holding.fields for holding in holdings.values()))


def after_update(kind: Kind, old: Object, new: Object, manager: Manager, now: str) -> Holdings:
    """Holdings once `manager` has written `new`: it owns what it changed, and removed fields have no owner."""
    changed, removed = fields.differences(schema.of(kind), _without_records(old), _without_records(new))
    changed, removed = changed - _UNOWNED, removed - _UNOWNED
    holdings = load(old)
    if not changed and not removed:
        return holdings
    updated = {
        other: _minus(holding, removed if other == manager else changed | removed, now)
        for other, holding in holdings.items()
    }
    mine = updated.get(manager, Holding(frozenset(), now)).fields | changed
    if mine:
        updated[manager] = Holding(mine, now)
    return {other: holding for other, holding in updated.items() if holding.fields}


def _minus(holding: Holding, lost: FieldSet, now: str) -> Holding:
    left = holding.fields - lost
    return holding if left == holding.fields else Holding(left, now)


def _without_records(body: Object) -> Object:
    """The object without its managedFields, which have no owner and need no comparison."""
    if "metadata" not in body:
        return body
    metadata = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
    return {**body, "metadata": metadata}


def _entry(manager: Manager, holding: Holding) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": manager.api_version,
        "time": holding.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields.to_fields_v1(holding.fields),
    }
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return entry

"""Server-side apply: one manager's declaration of fields merged into the live object.

A pure function of the live object and the applied body. A field that the manager declared before and does not declare
any more is removed, unless another manager owns it. A field that another manager owns with another value is a conflict;
a forced apply takes it over. Defaults are set afterwards, so they have no owner.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from . import fields, managers, schema
from .fields import FieldSet
from .kinds import Kind, Object
from .managers import Holding, Holdings, Manager
from .status import ApiError, apply_conflict


@dataclass(frozen=True)
class Applied:
    """The merged object, still without defaults and managedFields, and who owns what in it."""

    object: Object
    holdings: Holdings


def merge_applied(kind: Kind, live: Object, applied: Object, manager: Manager, now: str, *, force: bool) -> Applied:
    """Merge `applied` into `live`, which is empty for a new object. Both arguments stay as they are.

    Raises a 409 ApiError with a cause for every field in conflict unless `force`, and fields.DuplicateItemError.
    """
    described = schema.of(kind)
    holdings = managers.load(live)
    claimed = managers.ownable(kind, applied)
    merged = fields.merge(described, live, applied)
    contested = _contested(kind, live, merged, claimed, _others(holdings, manager))
    if contested and not force:
        raise _conflict(contested)
    others = {
        other: Holding(holding.fields - contested[other], now) if other in contested else holding
        for other, holding in _others(holdings, manager).items()
    }
    before = holdings.get(manager, Holding(frozenset(), now))
    dropped = before.fields - claimed
    if dropped:
        merged = fields.remove(described, merged, dropped, claimed | managers.everyone(others))
    mine = before if before.fields == claimed else Holding(claimed, now)
    left = {other: holding for other, holding in {**others, manager: mine}.items() if holding.fields}
    return Applied(merged, left)


def _others(holdings: Holdings, manager: Manager) -> Holdings:
    return {other: holding for other, holding in holdings.items() if other != manager}


def _contested(
    kind: Kind, live: Object, merged: Object, claimed: FieldSet, others: Holdings
) -> dict[Manager, FieldSet]:
    """Per other manager the fields it owns and the merge would change."""
    described = schema.of(kind)
    differing = {
        path
        for path in claimed & managers.everyone(others)
        if not _is_item(path) and fields.get(described, live, path) != fields.get(described, merged, path)
    }
    found = {other: holding.fields & differing for other, holding in others.items()}
    return {other: paths for other, paths in found.items() if paths}


def _is_item(path: fields.Path) -> bool:
    """Whether the path is a list item itself: two managers may both have it and differ inside."""
    return path[-1].startswith(("k:", "v:"))


def _conflict(contested: dict[Manager, FieldSet]) -> ApiError:
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": fields.show(path)}
        for manager, paths in contested.items()
        for path in sorted(paths)
    ]
    if len(causes) == 1:
        return apply_conflict(f"Apply failed with 1 conflict: {causes[0]['message']}: {causes[0]['field']}", causes)
    return apply_conflict(f"Apply failed with {len(causes)} conflicts: {_listed(causes)}", causes)


def _listed(causes: Iterable[dict[str, str]]) -> str:
    by_manager: dict[str, list[str]] = defaultdict(list)
    for cause in causes:
        by_manager[cause["message"].replace("conflict with", "conflicts with", 1)].append(f"- {cause['field']}")
    return "\n".join(f"{message}:\n" + "\n".join(lines) for message, lines in by_manager.items())

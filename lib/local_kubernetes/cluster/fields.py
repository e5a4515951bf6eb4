"""The algebra of fields: which ones a value sets, where two values differ, how one merges into another.

A field's path is a tuple of the elements that `fieldsV1` uses: `f:spec` for a named field, `k:{"name":"app"}` for an
item of an associative list, `v:"x"` for a member of a set. A set of paths holds leaves, and the items of associative
lists themselves.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from .schema import ListOf, MapOf, Schema, Struct

Path = tuple[str, ...]
FieldSet = frozenset[Path]

_MISSING: Any = object()


class DuplicateItemError(Exception):
    """An associative list names the same item twice; the message says which."""


def owned(described: Schema, value: Any) -> FieldSet:
    """Every field that `value` sets. Raises DuplicateItemError."""
    found: set[Path] = set()
    _collect(described, value, (), found)
    return frozenset(found)


def differences(described: Schema, old: Any, new: Any) -> tuple[FieldSet, FieldSet]:
    """The fields that `new` adds or changes, and those of `old` that it no longer has."""
    changed: set[Path] = set()
    removed: set[Path] = set()
    _compare(described, old, new, (), changed, removed)
    return frozenset(changed), frozenset(removed)


def merge(described: Schema, live: Any, applied: Any) -> Any:
    """`applied` laid over `live`. Both arguments stay as they are. Associative lists take the order of `applied`."""
    if live is _MISSING or not _granular(described, live) or not _granular(described, applied):
        return applied
    if isinstance(described, ListOf):
        return _merge_lists(described, live, applied)
    merged = dict(live)
    for key, value in applied.items():
        merged[key] = merge(_field(described, key), live.get(key, _MISSING), value)
    return merged


def remove(described: Schema, value: Any, doomed: FieldSet, kept: Iterable[Path]) -> Any:
    """`value` without the doomed fields. A field stays when `kept` names it, or names something inside it.

    A map or list that loses its last field goes with it. `value` itself is not changed.
    """
    held = {path[:length] for path in kept for length in range(1, len(path) + 1)}
    touched = {path[:length] for path in doomed for length in range(1, len(path) + 1)}
    left = _prune(described, value, (), (doomed, held, touched))
    return {} if left is _MISSING else left


def get(described: Schema, value: Any, path: Path) -> Any:
    """What stands at that path, or None."""
    for element in path:
        if value is None:
            return None
        described, value = _step(described, value, element)
    return value


def show(path: Path) -> str:
    """The path as conflicts name it: `.spec.containers[name="app"].image`."""
    shown = []
    for element in path:
        mark, _, rest = element.partition(":")
        if mark == "f":
            shown.append(f".{rest}")
        elif mark == "k":
            keys = json.loads(rest)
            shown.append("[" + ",".join(f"{key}={json.dumps(keys[key])}" for key in sorted(keys)) + "]")
        else:
            shown.append(f"[={rest}]")
    return "".join(shown)


def to_fields_v1(paths: Collection[Path]) -> dict[str, Any]:
    """The paths as the nested `fieldsV1` of managedFields."""
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        node = tree
        for element in path:
            node = node.setdefault(element, {})
        node["."] = {}
    return _trimmed(tree)


def from_fields_v1(tree: dict[str, Any]) -> FieldSet:
    """The paths that a `fieldsV1` holds."""
    return frozenset(_paths(tree, ()))


def item_element(described: ListOf, item: Any) -> str:
    """The path element of one item of an associative list or set."""
    if described.is_set:
        return "v:" + json.dumps(item, separators=(",", ":"))
    defaults = dict(described.defaults)
    keys = {key: item.get(key, defaults.get(key)) for key in described.keys}
    return "k:" + json.dumps({key: keys[key] for key in sorted(keys)}, separators=(",", ":"))


def _trimmed(tree: dict[str, Any]) -> dict[str, Any]:
    """Drop `.` from leaves: there `{}` already says that the field itself is owned."""
    return {key: {} if not node or node.keys() == {"."} else _trimmed(node) for key, node in tree.items()}


def _paths(tree: dict[str, Any], path: Path) -> Iterator[Path]:
    for element, node in tree.items():
        if element == ".":
            yield path
        elif not node:
            yield (*path, element)
        else:
            yield from _paths(node, (*path, element))


def _granular(described: Schema, value: Any) -> bool:
    match described:
        case Struct() | MapOf():
            return not described.atomic and isinstance(value, dict)
        case ListOf():
            return bool(described.keys or described.is_set) and isinstance(value, list)
        case _:
            return False


def _field(described: Schema, key: str) -> Schema:
    if isinstance(described, Struct):
        return described.fields[key]
    if isinstance(described, MapOf):
        return described.item
    raise TypeError(f"{type(described).__name__} has no field {key!r}")


def _children(described: Schema, value: Any) -> Iterator[tuple[str, Schema, Any]]:
    """The path element, schema and value of everything inside a granular value."""
    if isinstance(described, ListOf):
        for item in value:
            yield item_element(described, item), described.item, item
        return
    for key, child in value.items():
        yield f"f:{key}", _field(described, key), child


def _indexed(described: Schema, value: Any) -> dict[str, tuple[Schema, Any]]:
    return {element: (inner, child) for element, inner, child in _children(described, value)}


def _collect(described: Schema, value: Any, path: Path, found: set[Path]) -> None:
    if not value or not _granular(described, value):
        found.add(path)
        return
    for element, inner, child in _children(described, value):
        here = (*path, element)
        if isinstance(described, ListOf):
            if here in found:
                raise DuplicateItemError(f"{show(path)}: duplicate entries for key {show((element,))}")
            found.add(here)
            if described.is_set:
                continue
        _collect(inner, child, here, found)


def _compare(described: Schema, old: Any, new: Any, path: Path, changed: set[Path], removed: set[Path]) -> None:
    if old == new:
        return
    if not (_granular(described, old) and _granular(described, new)) or not old or not new:
        _replaced(described, old, new, path, changed, removed)
        return
    before, after = _indexed(described, old), _indexed(described, new)
    for element, (inner, child) in after.items():
        if element in before:
            _compare(inner, before[element][1], child, (*path, element), changed, removed)
        else:
            _gather(described, inner, child, (*path, element), changed)
    for element, (inner, child) in before.items():
        if element not in after:
            _gather(described, inner, child, (*path, element), removed)


def _replaced(described: Schema, old: Any, new: Any, path: Path, changed: set[Path], removed: set[Path]) -> None:
    """A leaf changed, or a whole map or list came or went."""
    if old and _granular(described, old):
        for element, (inner, child) in _indexed(described, old).items():
            _gather(described, inner, child, (*path, element), removed)
    if new and _granular(described, new):
        for element, (inner, child) in _indexed(described, new).items():
            _gather(described, inner, child, (*path, element), changed)
    else:
        changed.add(path)


def _gather(parent: Schema, described: Schema, value: Any, path: Path, found: set[Path]) -> None:
    if isinstance(parent, ListOf):
        found.add(path)
        if parent.is_set:
            return
    if not value or not _granular(described, value):
        found.add(path)
        return
    for element, (inner, child) in _indexed(described, value).items():
        _gather(described, inner, child, (*path, element), found)


def _merge_lists(described: ListOf, live: list[Any], applied: list[Any]) -> list[Any]:
    """Items of both: shared ones merged and in the order applied, live ones near the neighbours they had."""
    theirs = {item_element(described, item): item for item in live}
    ours = {item_element(described, item): item for item in applied}
    order: list[str] = []
    waiting = iter(theirs)
    for element in ours:
        if element in theirs and element not in order:
            for passed in waiting:
                if passed == element:
                    break
                if passed not in ours:
                    order.append(passed)
        order.append(element)
    order.extend(element for element in theirs if element not in ours and element not in order)
    return [
        merge(described.item, theirs.get(element, _MISSING), ours[element]) if element in ours else theirs[element]
        for element in order
    ]


def _prune(described: Schema, value: Any, path: Path, sets: tuple[FieldSet, set[Path], set[Path]]) -> Any:
    doomed, held, touched = sets
    if path in doomed and path not in held:
        return _MISSING
    if (path and path not in touched) or not _granular(described, value):
        return value
    if isinstance(described, ListOf):
        items = [_prune_item(described, item, path, sets) for item in value]
        left: Any = [item for item in items if item is not _MISSING]
    else:
        pairs = {key: _prune(_field(described, key), child, (*path, f"f:{key}"), sets) for key, child in value.items()}
        left = {key: child for key, child in pairs.items() if child is not _MISSING}
    return left if left or not value else _MISSING


def _prune_item(described: ListOf, item: Any, path: Path, sets: tuple[FieldSet, set[Path], set[Path]]) -> Any:
    """An item that stays keeps its keys, even if its manager dropped them: a path names an item by its keys."""
    left = _prune(described.item, item, (*path, item_element(described, item)), sets)
    if left is _MISSING or described.is_set:
        return left
    return {**{key: item[key] for key in described.keys if key in item}, **left}


def _step(described: Schema, value: Any, element: str) -> tuple[Schema, Any]:
    if isinstance(described, ListOf):
        found = (item for item in value if item_element(described, item) == element)
        return described.item, next(found, None)
    key = element.removeprefix("f:")
    return _field(described, key), value.get(key)

"""The three patches that are not server-side apply: JSON merge, strategic merge, and JSON patch.

Each takes the live object and returns a new tree; the live one is never changed.
"""

from collections.abc import Callable
from typing import Any

from . import schema
from .kinds import Kind, Object
from .schema import ListOf, MapOf, Scalar, Schema, Struct
from .status import ApiError, bad_request

_DIRECTIVES = ("$patch", "$retainKeys")
_ANYTHING = Scalar("object")


def json_merge(live: Any, patch: Any) -> Any:
    """RFC 7386: maps merge, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(live) if isinstance(live, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = json_merge(merged.get(key), value)
    return merged


def strategic_merge(kind: Kind, live: Object, patch: Object) -> Object:
    """Kubernetes' own merge: as JSON merge, but lists of named items merge by their key.

    Understands `$patch: delete|replace|merge`, `$retainKeys`, `$setElementOrder/…` and `$deleteFromPrimitiveList/…`.
    """
    merged: Object = _strategic(schema.of(kind), live, patch)
    return merged


def json_patch(live: Object, operations: object) -> Object:
    """RFC 6902. Raises a 400 ApiError for a malformed operation and a 422 one for a path or test that fails."""
    if not isinstance(operations, list):
        raise bad_request("a JSON patch is an array of operations")
    document: Any = live
    for operation in operations:
        document = _operate(document, operation)
    if not isinstance(document, dict):
        raise _unprocessable("the patch replaces the whole object by something that is no object")
    return document


def _strategic(described: Schema, live: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key not in _DIRECTIVES}
    merged = dict(live) if isinstance(live, dict) else {}
    if "$retainKeys" in patch:
        retained = _list("$retainKeys", patch["$retainKeys"])
        merged = {key: value for key, value in merged.items() if key in retained}
    if patch.get("$patch") == "delete":
        return {}
    for key, value in patch.items():
        if not key.startswith("$"):
            _merge_field(_field(described, key), merged, key, value)
    _follow_list_directives(described, merged, patch)
    return merged


def _merge_field(described: Schema, merged: Object, key: str, value: Any) -> None:
    if value is None:
        merged.pop(key, None)
    elif isinstance(value, list) and isinstance(described, ListOf):
        merged[key] = _strategic_list(described, merged.get(key) or [], value)
    else:
        merged[key] = _strategic(described, merged.get(key), value)


def _follow_list_directives(described: Schema, merged: Object, patch: Object) -> None:
    for directive, value in patch.items():
        word, _, key = directive.partition("/")
        if word == "$deleteFromPrimitiveList":
            merged[key] = [item for item in merged.get(key, []) if item not in _list(directive, value)]
        elif word == "$setElementOrder" and key in merged:
            merged[key] = _ordered(_field(described, key), merged[key], _list(directive, value))


def _strategic_list(described: ListOf, live: list[Any], patch: list[Any]) -> list[Any]:
    if described.is_set:
        return [*live, *(item for item in patch if item not in live)]
    if not described.keys:
        return patch
    if {"$patch": "replace"} in patch:
        return [item for item in patch if item != {"$patch": "replace"}]
    key = described.keys[0]
    merged = {item.get(key): item for item in live}
    for item in patch:
        value = _merge_key(item, key)
        if item.get("$patch") == "delete":
            merged.pop(value, None)
        else:
            merged[value] = _strategic(described.item, merged.get(value), item)
    return list(merged.values())


def _merge_key(item: Any, key: str) -> str | int:
    value = item.get(key) if isinstance(item, dict) else None
    if not isinstance(value, str | int):
        raise bad_request(f"map: {item} does not contain declared merge key: {key}")
    return value


def _list(directive: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise bad_request(f"{directive} takes a list, not {value!r}")
    return value


def _ordered(described: Schema, items: list[Any], order: list[Any]) -> list[Any]:
    """The items in the order the patch wants; those it does not name keep their place behind."""
    if not isinstance(described, ListOf) or not isinstance(items, list):
        return items
    if not described.keys:
        return sorted(items, key=lambda item: order.index(item) if item in order else len(order))
    key = described.keys[0]
    ranks = {_merge_key(item, key): rank for rank, item in enumerate(order)}
    return sorted(items, key=lambda item: ranks.get(item.get(key), len(ranks)))


def _field(described: Schema, key: str) -> Schema:
    if isinstance(described, Struct):
        return described.fields.get(key, _ANYTHING)
    return described.item if isinstance(described, MapOf) else _ANYTHING


def _operate(document: Any, operation: Any) -> Any:
    try:
        name, path = operation["op"], _pointer(operation["path"])
        if name == "remove":
            return _edit(document, path, _take)
        if name in ("move", "copy"):
            source = _pointer(operation["from"])
            value = _look(document, source)
            return _edit(_edit(document, source, _take) if name == "move" else document, path, _put(value))
        value = operation["value"]
    except (KeyError, TypeError) as error:
        raise bad_request(f"not a JSON patch operation: {operation!r}") from error
    if name == "add":
        return _edit(document, path, _put(value))
    if name == "replace":
        _look(document, path)
        return _edit(document, path, _set(value))
    if name == "test":
        if _look(document, path) != value:
            raise _unprocessable(f"testing value {operation['path']} failed")
        return document
    raise bad_request(f"Unexpected kind: {name!r} is no JSON patch operation")


def _pointer(text: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _look(document: Any, path: list[str]) -> Any:
    for part in path:
        if isinstance(document, list):
            document = document[_index(document, part)]
        elif isinstance(document, dict) and part in document:
            document = document[part]
        else:
            raise _unprocessable(f"the path {'/'.join(path)!r} does not exist")
    return document


Edit = Callable[[Any, str], Any]


def _edit(document: Any, path: list[str], edit: Edit) -> Any:
    """A copy of the document, along the path only, with `edit` done to the parent of its last part."""
    if not path:
        return edit({"": document}, "")[""]
    if len(path) == 1:
        return edit(document.copy() if isinstance(document, dict | list) else document, path[0])
    child = _edit(_look(document, path[:1]), path[1:], edit)
    return _set(child)(document.copy(), path[0])


def _take(parent: Any, part: str) -> Any:
    _look(parent, [part])
    del parent[_index(parent, part) if isinstance(parent, list) else part]
    return parent


def _put(value: Any) -> Edit:
    def put(parent: Any, part: str) -> Any:
        if isinstance(parent, list):
            parent.insert(len(parent) if part == "-" else _index(parent, part, len(parent) + 1), value)
            return parent
        return _set(value)(parent, part)

    return put


def _set(value: Any) -> Edit:
    def replace(parent: Any, part: str) -> Any:
        if not isinstance(parent, dict | list):
            raise _unprocessable(f"{part!r} is a field of something that is no object")
        if isinstance(parent, list):
            parent[_index(parent, part)] = value
        else:
            parent[part] = value
        return parent

    return replace


def _index(items: list[Any], part: str, size: int | None = None) -> int:
    limit = len(items) if size is None else size
    if not part.isdecimal() or int(part) >= limit:
        raise _unprocessable(f"{part!r} is no index of an array of {len(items)}")
    return int(part)


def _unprocessable(message: str) -> ApiError:
    return ApiError(422, "Invalid", f"the server rejected our request due to an error in our request: {message}")

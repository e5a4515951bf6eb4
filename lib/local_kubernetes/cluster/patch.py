"""The three patches that are not server-side apply: JSON merge, strategic merge, and JSON patch.

Each takes the live object and returns a new tree; the live one is never changed.
"""

import json
from typing import Any

import jsonpatch
import jsonpointer

from . import schema
from .kinds import Kind, Object
from .schema import ListOf, MapOf, Scalar, Schema, Struct
from .status import ApiError, bad_request

_OPERATIONS_LIMIT = 10_000  # The API server's own; a longer JSON patch is refused.
_COPIES_LIMIT = 3 * 1024 * 1024  # Bytes that a JSON patch may copy: each copy of a copy would double the object.
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
    """RFC 6902, as the API server limits it: 10,000 operations, and 3 MiB that its copies add.

    Raises a 400 ApiError for a malformed operation, a 413 one for too many, and a 422 one for a path that is not there,
    a test that fails and copies that add too much.
    """
    if not isinstance(operations, list):
        raise bad_request("a JSON patch is an array of operations")
    if len(operations) > _OPERATIONS_LIMIT:
        detail = f"The allowed maximum operations in a JSON patch is {_OPERATIONS_LIMIT}, got {len(operations)}"
        raise ApiError(413, "RequestEntityTooLarge", detail)
    try:
        document = _operated(live, jsonpatch.JsonPatch(operations))
    except (jsonpatch.InvalidJsonPatch, jsonpointer.JsonPointerException) as error:
        raise bad_request(f"error decoding patch: {error}") from error
    if not isinstance(document, dict):
        raise _unprocessable("the patch replaces the whole object by a value that is not an object")
    return document


def _operated(live: Object, patch: jsonpatch.JsonPatch) -> Any:
    document: Any = json.loads(json.dumps(live))
    copied = 0
    for operation in patch:
        try:
            if operation["op"] == "copy" and isinstance(operation.get("from"), str):
                copied += len(json.dumps(jsonpointer.resolve_pointer(document, operation["from"])))
            if copied > _COPIES_LIMIT:
                raise _unprocessable(f"the copies of a JSON patch may add {_COPIES_LIMIT} bytes, and these add more")
            document = jsonpatch.apply_patch(document, [operation], in_place=True)
        except jsonpatch.InvalidJsonPatch:
            raise
        except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as error:
            raise _unprocessable(str(error)) from error
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
    """The items in the patch's order. Items that the patch does not name follow in their own order."""
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


def _unprocessable(message: str) -> ApiError:
    return ApiError(422, "Invalid", f"the server rejected our request due to an error in our request: {message}")

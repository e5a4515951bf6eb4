"""OpenAPI documents: every kind's fields, and that PATCH takes `fieldValidation`, which is what `kubectl` looks for."""

import hashlib
import json
from functools import cache
from typing import Any

from . import discovery, schema
from .kinds import KINDS, Kind, Object
from .schema import ListOf, MapOf, Scalar, Schema, Struct

_TYPES = {"str": "string", "quantity": "string", "int": "integer", "bool": "boolean", "float": "number"}
_FORMATS = {"bytes": "byte", "datetime": "date-time"}
_PATCH_TYPES = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)


def index() -> Object:
    """The OpenAPI v3 entry page: a document for each group and version."""
    return {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={_hash(path)}"} for path in _paths()}}


@cache
def document(path: str) -> Object | None:
    """The OpenAPI v3 document of `api/v1` or `apis/GROUP/VERSION`, None when that is not served."""
    kinds = [kind for kind in KINDS if _path(kind) == path]
    if not kinds:
        return None
    models: dict[str, Object] = {}
    for kind in kinds:
        _describe(schema.of(kind), "#/components/schemas/", models)
        models[kind.model]["x-kubernetes-group-version-kind"] = [_gvk(kind)]
    return {
        "openapi": "3.0.0",
        "info": _info(),
        "paths": {url: item for kind in kinds for url, item in _path_items(kind).items()},
        "components": {"schemas": models},
    }


@cache
def swagger() -> Object:
    """The OpenAPI v2 document of every kind."""
    models: dict[str, Object] = {}
    for kind in KINDS:
        _describe(schema.of(kind), "#/definitions/", models)
        models[kind.model]["x-kubernetes-group-version-kind"] = [_gvk(kind)]
    paths = {url: item for kind in KINDS for url, item in _path_items(kind).items()}
    return {"swagger": "2.0", "info": _info(), "paths": paths, "definitions": models}


def _info() -> Object:
    return {"title": "Kubernetes", "version": str(discovery.version()["gitVersion"])}


def _paths() -> list[str]:
    return list(dict.fromkeys(_path(kind) for kind in KINDS))


def _path(kind: Kind) -> str:
    return f"apis/{kind.api_version}" if kind.group else f"api/{kind.version}"


def _hash(path: str) -> str:
    return hashlib.sha256(json.dumps(document(path), sort_keys=True).encode()).hexdigest().upper()[:32]


def _path_items(kind: Kind) -> dict[str, Object]:
    scope = "/namespaces/{namespace}" if kind.namespaced else ""
    collection = f"/{_path(kind)}{scope}/{kind.plural}"
    named = {"get": _operation(kind, "get"), "put": _operation(kind, "put"), "delete": _operation(kind, "delete")}
    return {
        collection: {"get": _operation(kind, "list"), "post": _operation(kind, "post")},
        f"{collection}/{{name}}": {**named, "patch": _operation(kind, "patch")},
    }


def _operation(kind: Kind, action: str) -> Object:
    names = ["dryRun", "fieldManager", "fieldValidation", *(["force"] if action == "patch" else [])]
    operation: Object = {
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": _gvk(kind),
        "responses": {"200": {"description": "OK"}},
    }
    if action in ("post", "put", "patch"):
        operation["parameters"] = [
            {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}} for name in names
        ]
    if action == "patch":
        operation["requestBody"] = {"content": {media_type: {} for media_type in _PATCH_TYPES}}
    return operation


def _gvk(kind: Kind) -> Object:
    return {"group": kind.group, "version": kind.version, "kind": kind.name}


def _describe(described: Schema, prefix: str, models: dict[str, Object]) -> dict[str, Any]:
    """A schema as OpenAPI states it; each struct lands in `models` and is referred to."""
    match described:
        case Struct():
            if described.name not in models:
                models[described.name] = {"type": "object"}
                properties = {name: _describe(inner, prefix, models) for name, inner in described.fields.items()}
                models[described.name]["properties"] = properties
            return {"$ref": prefix + described.name}
        case ListOf():
            return {"type": "array", "items": _describe(described.item, prefix, models), **_list_extensions(described)}
        case MapOf():
            return {"type": "object", "additionalProperties": _describe(described.item, prefix, models)}
        case Scalar():
            return _scalar(described)


def _list_extensions(described: ListOf) -> dict[str, Any]:
    if described.keys:
        return {
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": list(described.keys),
            "x-kubernetes-patch-merge-key": described.keys[0],
            "x-kubernetes-patch-strategy": "merge",
        }
    if described.is_set:
        return {"x-kubernetes-list-type": "set", "x-kubernetes-patch-strategy": "merge"}
    return {"x-kubernetes-list-type": "atomic"}


def _scalar(described: Scalar) -> dict[str, Any]:
    if described.type == "object":
        return {"x-kubernetes-int-or-string": True}
    found: dict[str, Any] = {"type": _TYPES.get(described.type, "string")}
    if described.type in _FORMATS:
        found["format"] = _FORMATS[described.type]
    return found

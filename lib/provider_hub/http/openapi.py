"""The OpenAPI 3.1 description, made from the route table and the models that serve, so that it cannot differ."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from provider_hub.actions import idempotency
from provider_hub.http import examples
from provider_hub.http.errors import ErrorBody, FormErrorBody, MintErrorBody, RuleErrorBody, ValidationErrorBody
from provider_hub.http.route import JSON, Access, Route
from provider_hub.http.table import FUNCTIONS, ROUTES

API_VERSION = "1.0.0"

_INTRODUCTION = """\
Publish providers as wheels, install them for an organization, and follow what runs.

Paths work with and without a trailing slash. Unknown fields of a request are ignored; absent fields of a \
response are null; times are UTC. `GET` routes answer `HEAD`, every path answers `OPTIONS` with `Allow`, a path \
that is no route is 404, and a method that a path does not have is 405 with `Allow`. What belongs to another \
organization is 404, never 403."""

_SECURITY: Mapping[Access, list[dict[str, list[str]]]] = {
    Access.ANYONE: [],
    Access.ANYONE_OR_CUSTOMER: [{}, {"customer": []}],
    Access.CUSTOMER: [{"customer": []}],
    Access.TENANT: [{"customer": []}],
    Access.CONSOLE: [{"console": []}],
    Access.CONSOLE_MACHINE: [{"console": []}],
}
# A customer token may name an organization that cannot be used, so even a public route can refuse it.
_MAY_FORBID = frozenset({Access.ANYONE_OR_CUSTOMER, Access.CUSTOMER, Access.TENANT, Access.CONSOLE_MACHINE})

FORM = "multipart/form-data"
_UPLOAD_FORM: Mapping[str, Any] = {
    "type": "object",
    "description": "The form of Python's publishing tools; its other fields are ignored.",
    "required": [":action", "content"],
    "properties": {
        ":action": {"type": "string", "const": "file_upload"},
        "filetype": {"type": "string", "const": "bdist_wheel"},
        "sha256_digest": {"type": "string", "description": "What the SHA-256 of the file must be."},
        "summary": {"type": "string", "description": "Describes a new provider."},
        "attestations": {"type": "string", "description": "A JSON list of PEP 740 attestations of the wheel."},
        "content": {"type": "string", "contentMediaType": "application/octet-stream", "description": "The wheel."},
    },
}

_SCHEMAS = "#/components/schemas/"
_ALWAYS = (413, 500, 503)
# An organization that calls too often is refused, whatever it asks for.
BUDGETED = frozenset({Access.ANYONE_OR_CUSTOMER, Access.CUSTOMER, Access.TENANT})
_HEADERS_OF: Mapping[int, tuple[str, ...]] = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}


@lru_cache(maxsize=1)
def document_bytes() -> bytes:
    """The description as it is served."""
    return json.dumps(document(), separators=(",", ":"), ensure_ascii=False).encode()


def document() -> dict[str, Any]:
    """The description, made anew."""
    schemas = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    queries = {public_name(route.query) for route in ROUTES if route.query}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Provider Hub", "version": API_VERSION, "description": _INTRODUCTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": routes.function, "description": routes.about} for routes in FUNCTIONS],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in schemas.items() if name not in queries},
            "parameters": {
                "IdempotencyKey": _idempotency_key(),
                "IfNoneMatch": _if_none_match(),
                "RequestId": _request_id(),
            },
            "headers": _headers(),
            "responses": {str(status): _error_response(status) for status in _ERRORS},
            "securitySchemes": _security_schemes(),
        },
    }


def statuses(route: Route) -> tuple[int, ...]:
    """Every status that a route answers with, in order."""
    unchanged = {HTTPStatus.NOT_MODIFIED} if route.has_tag else set()
    return tuple(sorted({route.status, *route.other_statuses, *unchanged, *_errors(route)}))


def _errors(route: Route) -> Iterator[int]:
    """What a route refuses: what it says itself, and what follows from its access and shape."""
    yield from route.refusals
    yield from _ALWAYS
    if route.takes_key:
        yield from (409, 422)
    if route.access is not Access.ANYONE:
        yield 401
    if route.reads_body:
        yield 408
    if route.access in BUDGETED or route.reads_body:
        yield 429
    if route.access in _MAY_FORBID:
        yield 403
    if route.body is not None or route.query is not None:
        yield 422


def _operation(route: Route, schemas: Mapping[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.function],
        "description": f"For: {_callers(route)}. {route.explanation}".rstrip(),
        "security": _SECURITY[route.access],
        "parameters": [*_path_parameters(route), *_query_parameters(route, schemas), *_header_parameters(route)],
    }
    if route.body is not None:
        operation["requestBody"] = _request_body(route, route.body)
    if route.form:
        operation["requestBody"] = {"required": True, "content": {FORM: {"schema": _UPLOAD_FORM}}}
    operation["responses"] = {str(status): _response(route, status) for status in statuses(route)}
    return operation


def _callers(route: Route) -> str:
    return f"{route.access.value} whose token has the scope `{route.scope}`" if route.scope else route.access.value


def _path_parameters(route: Route) -> Iterator[dict[str, Any]]:
    for name, parameter in route.parameters.items():
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": parameter.description,
            "schema": {"type": "string", **parameter.constraints},
            "example": parameter.example,
        }


def _query_parameters(route: Route, schemas: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if route.query is None:
        return
    query = schemas[public_name(route.query)]
    for name, schema in query["properties"].items():
        given = _without_null(schema)
        about = given.pop("description")
        required = name in query.get("required", ())
        yield {"name": name, "in": "query", "required": required, "description": about, "schema": given}


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A query has no null: what may be left out has the schema of what may be given."""
    given = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(given) != 1:
        return dict(schema)
    rest = {key: value for key, value in schema.items() if key != "anyOf" and (key, value) != ("default", None)}
    return {**given[0], **rest}


def _header_parameters(route: Route) -> Iterator[dict[str, Any]]:
    if route.takes_key:
        yield {"$ref": "#/components/parameters/IdempotencyKey"}
    if route.method == "GET":
        yield {"$ref": "#/components/parameters/IfNoneMatch"}
    yield {"$ref": "#/components/parameters/RequestId"}


def _request_body(route: Route, body: type[BaseModel]) -> dict[str, Any]:
    content = {"schema": _reference(body), "example": examples.request(route)}
    return {"required": route.body_required, "content": {JSON: content}}


def _response(route: Route, status: int) -> dict[str, Any]:
    if status >= HTTPStatus.BAD_REQUEST:
        return _mint_refusal(status) if route.mints else {"$ref": f"#/components/responses/{status}"}
    response: dict[str, Any] = {
        "description": _success_description(route, status),
        "headers": _header_references("X-Request-Id"),
    }
    if route.has_tag:
        response["headers"] |= _header_references("ETag")
    if status == HTTPStatus.NOT_MODIFIED:
        return response
    if route.location and status in (HTTPStatus.CREATED, HTTPStatus.FOUND):
        response["headers"] |= _header_references("Location")
    if route.shape is bytes:
        response["content"] = {route.media: {"schema": {"type": _type_of_bytes(route.media)}}}
    elif route.shape is not None:
        response["content"] = {media: _described(route, media) for media in (route.media, *route.other_media)}
    return response


def _type_of_bytes(media: str) -> str:
    """What JSON Schema calls a body that a handler writes itself: an object where it is JSON of any kind, else text."""
    return "object" if media.partition(";")[0].endswith("json") else "string"


def _described(route: Route, media: str) -> dict[str, Any]:
    """What a body of one of the route's media types holds: its model where that is JSON of any kind, else text."""
    if not media.endswith("json"):
        return {"schema": {"type": "string"}}
    return {"schema": _shape(route.shape), "example": examples.response(route)}


def _success_description(route: Route, status: int) -> str:
    if status == HTTPStatus.NO_CONTENT:
        return "Done; there is nothing to say."
    if status in route.other_statuses:
        return "As stored: the very same was registered before, or what was registered is updated."
    if status == HTTPStatus.NOT_MODIFIED:
        return "As in the answer whose `ETag` was sent: there is no body."
    told = {200: "As asked for.", 201: "Created.", 202: "Accepted; it goes on by itself.", 302: "It is there."}
    return told[status]


def _shape(shape: Any) -> dict[str, Any]:
    if get_origin(shape) is list:
        return {"type": "array", "items": _reference(get_args(shape)[0])}
    return _reference(shape)


def _reference(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": f"{_SCHEMAS}{public_name(model)}"}


def public_name(model: type[BaseModel]) -> str:
    """What a model is called in the description: its title, so that a class may have another name in the code."""
    return model.model_config.get("title") or model.__name__


_ERRORS: Mapping[int, str] = {
    400: "The form, or the wheel in it, is refused; tools show the reason, which is in the status line too.",
    401: "No token, or one that this realm does not accept.",
    403: "Authenticated, and not allowed to do this.",
    404: "Unknown, or not visible to the caller.",
    408: "The body took too long to arrive.",
    409: "What is stored contradicts the request, or the first one with its `Idempotency-Key` is still under way.",
    413: "The body is over 1 MiB, or a form over 32 MiB.",
    422: "The body, the query or a header is not of its schema, or a rule refuses what it asks for.",
    429: "Over quota.",
    500: "A fault of ours; it is logged with the request's id.",
    503: "Something this depends on is down: try again.",
}


def _error_response(status: int) -> dict[str, Any]:
    schema = _reference(FormErrorBody if status == HTTPStatus.BAD_REQUEST else ErrorBody)
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        schema = {"anyOf": [_reference(body) for body in (ValidationErrorBody, RuleErrorBody)]}
    return _refusal(status, schema, examples.error(status))


def _mint_refusal(status: int) -> dict[str, Any]:
    return _refusal(status, _reference(MintErrorBody), examples.mint_error(status))


def _refusal(status: int, schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": _ERRORS[status],
        "headers": _header_references("X-Request-Id", *_HEADERS_OF.get(status, ())),
        "content": {JSON: {"schema": schema, "example": example}},
    }


def _header_references(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _headers() -> dict[str, Any]:
    def header(description: str, schema: dict[str, Any]) -> dict[str, Any]:
        return {"description": description, "required": True, "schema": schema}

    return {
        "ETag": header("A tag of this very answer, for `If-None-Match`.", {"type": "string"}),
        "Location": header(
            "The path of what was created, or where to fetch what was asked for.",
            {"type": "string", "format": "uri-reference"},
        ),
        "Retry-After": header("Seconds to wait before trying again.", {"type": "integer", "minimum": 0}),
        "WWW-Authenticate": header("The scheme to authenticate with.", {"type": "string", "const": "Bearer"}),
        "X-Request-Id": header("The request's id: the caller's own, or one made for it.", {"type": "string"}),
    }


def _idempotency_key() -> dict[str, Any]:
    return {
        "name": idempotency.HEADER,
        "in": "header",
        "required": False,
        "description": "The same key and body within 24 hours gets the first answer again; another body is 422.",
        "schema": {"type": "string", "pattern": f"^{idempotency.KEY_PATTERN}$"},
    }


def _if_none_match() -> dict[str, Any]:
    return {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": "The `ETag` of an earlier answer: the same answer is 304, without a body.",
        "schema": {"type": "string"},
    }


def _request_id() -> dict[str, Any]:
    return {
        "name": "X-Request-Id",
        "in": "header",
        "required": False,
        "description": "Echoed when it is 1 to 128 visible ASCII characters; else one is made.",
        "schema": {"type": "string"},
    }


def _security_schemes() -> dict[str, Any]:
    def bearer(description: str) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": description}

    return {
        "customer": bearer("A token of the customer realm: a person of an organization, or its CI."),
        "console": bearer("A token of the console realm: the platform's own people and CI."),
    }


class _Schemas(GenerateJsonSchema):
    """Without a title that only repeats the field's name; times as they are written, in UTC."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def datetime_schema(self, schema: core_schema.DatetimeSchema) -> JsonSchemaValue:
        return {**super().datetime_schema(schema), "pattern": "Z$"}


def _schemas() -> dict[str, Any]:
    wanted: dict[type[BaseModel], Literal["validation", "serialization"]] = {}
    for route in ROUTES:
        wanted |= {model: "validation" for model in (route.body, route.query) if model is not None}
        wanted |= dict.fromkeys(_models_of(route.shape), "serialization")
    errors: tuple[type[BaseModel], ...] = (
        ErrorBody,
        FormErrorBody,
        ValidationErrorBody,
        RuleErrorBody,
        MintErrorBody,
    )
    wanted |= dict.fromkeys(errors, "serialization")
    _, definitions = models_json_schema(
        list(wanted.items()), ref_template=f"{_SCHEMAS}{{model}}", schema_generator=_Schemas
    )
    schemas: dict[str, Any] = _with_public_names(definitions["$defs"])
    return dict(sorted(schemas.items()))


def _with_public_names(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """pydantic names a schema after its class; here it is named by its title, wherever it is referred to."""
    named = {name: schema["title"] for name, schema in schemas.items() if schema["title"] != name}
    text = json.dumps({named.get(name, name): schema for name, schema in schemas.items()})
    for name, title in named.items():
        text = text.replace(f'"{_SCHEMAS}{name}"', f'"{_SCHEMAS}{title}"')
    renamed: dict[str, Any] = json.loads(text)
    return renamed


def _models_of(shape: Any) -> tuple[type[BaseModel], ...]:
    if shape is None or shape is bytes:
        return ()
    return get_args(shape) if get_origin(shape) is list else (shape,)

"""Whether an answer is one that the served description has: its status, headers, media type and exact shape."""

import copy
import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator, FormatChecker

from provider_hub.http import openapi
from provider_hub.http.route import Route
from provider_hub.http.table import match

_formats = FormatChecker()


@_formats.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def check_answer(method: str, target: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Raise AssertionError, saying what differs, unless the description has this answer to `method target`.

    `target` is a path as it was sent, encoded, with or without its query. An unknown path must answer 404 and a
    method that the path has not 405 with `Allow`, both with the error shape; `OPTIONS` 204 with `Allow`; `HEAD` as
    `GET` without a body. Beyond the JSON Schema of the description, a body must have no field that it does not tell.
    """
    asked = f"{method} {target} answered {status}"
    given = {name.lower(): value for name, value in headers.items()}
    assert given.get("x-request-id"), f"{asked} without X-Request-Id"
    routes, _ = match(unquote(target.partition("?")[0]))
    route = next((route for route in routes if route.method == ("GET" if method == "HEAD" else method)), None)
    if route is not None:
        _check_described(asked, route, status, given, b"" if method == "HEAD" else body, head=method == "HEAD")
    elif method == "OPTIONS" and routes:
        assert status == HTTPStatus.NO_CONTENT, asked
        assert "OPTIONS" in given.get("allow", ""), f"{asked} without Allow"
    else:
        assert status == (HTTPStatus.METHOD_NOT_ALLOWED if routes else HTTPStatus.NOT_FOUND), asked
        assert not routes or given.get("allow"), f"{asked} without Allow"
        _check_media(asked, given, "application/json")
        if method != "HEAD":
            _check_body(asked, {"$ref": "#/components/schemas/ErrorBody"}, body)


def _check_described(
    asked: str, route: Route, status: int, headers: Mapping[str, str], body: bytes, *, head: bool
) -> None:
    responses = document()["paths"][route.path][route.method.lower()]["responses"]
    assert str(status) in responses, f"{asked}; the description has {', '.join(responses)}: {body[:500]!r}"
    response = _resolved(responses[str(status)])
    for name, reference in response["headers"].items():
        value = headers.get(name.lower())
        assert value is not None, f"{asked} without {name}"
        _check_header(asked, name, value, _resolved(reference)["schema"])
    content = response.get("content")
    if content is None:
        assert body == b"", f"{asked} with a body where there is none: {body[:500]!r}"
        return
    media = headers.get("content-type", "") if len(content) > 1 else next(iter(content))
    _check_media(asked, headers, media)
    assert media in content, f"{asked} as {media!r}, and the description has {', '.join(content)}"
    if media.endswith("json") and not head:
        _check_body(asked, content[media]["schema"], body)


def _check_header(asked: str, name: str, value: str, schema: Mapping[str, Any]) -> None:
    typed = int(value) if schema["type"] == "integer" and re.fullmatch(r"-?[0-9]+", value) else value
    _check(f"{asked}: header {name}", schema, typed)


def _check_media(asked: str, headers: Mapping[str, str], media: str) -> None:
    found = headers.get("content-type")
    assert found == media, f"{asked} as {found!r}, not {media!r}"


def _check_body(asked: str, schema: Mapping[str, Any], body: bytes) -> None:
    try:
        value = json.loads(body)
    except ValueError:
        raise AssertionError(f"{asked} with what is no JSON: {body[:500]!r}") from None
    _check(asked, schema, value)


def _check(asked: str, schema: Mapping[str, Any], value: Any) -> None:
    whole = {"components": {"schemas": _closed_schemas()}, **schema}
    errors = Draft202012Validator(whole, format_checker=_formats).iter_errors(value)
    told = [f"{'.'.join(map(str, error.absolute_path)) or 'it'}: {error.message[:300]}" for error in errors]
    assert not told, f"{asked}, which the description does not have: {'; '.join(told)}"


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The description as it is served."""
    served: dict[str, Any] = json.loads(openapi.document_bytes())
    return served


@lru_cache(maxsize=1)
def _closed_schemas() -> dict[str, Any]:
    """The models of the description, each closed to fields that it does not tell: clients may not see one of those."""
    schemas: dict[str, Any] = copy.deepcopy(document()["components"]["schemas"])
    for schema in schemas.values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return schemas


def _resolved(item: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = item
    if "$ref" in item:
        found = document()
        for part in item["$ref"].removeprefix("#/").split("/"):
            found = found[part]
    resolved: Mapping[str, Any] = found
    return resolved

"""What is read out of a request, and checked: its body, query, id and idempotency key."""

import re
import secrets
from typing import Any

from flask import Request
from pydantic import BaseModel, ValidationError

from provider_hub.actions import idempotency
from provider_hub.actions.wishes.base import RULE
from provider_hub.domain.errors import Invalid, Problem, SchemaViolation, TooLarge
from provider_hub.http.arrival import mark_taken
from provider_hub.http.route import Route

MAX_BODY = 1024 * 1024
_KEY = re.compile(idempotency.KEY_PATTERN)
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


def request_id(request: Request) -> str:
    """The caller's own `X-Request-Id`, or a new one where it is not usable."""
    given = request.headers.get("X-Request-Id", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


def is_https(request: Request) -> bool:
    """Whether the caller speaks HTTPS with this API, itself or with what stands before it."""
    return request.is_secure or request.headers.get("X-Forwarded-Proto") == "https"


def base_url(request: Request) -> str:
    """Where the caller reaches this API, by its own Host header; "" where that is no name of a host."""
    host = request.host
    return f"{'https' if is_https(request) else 'http'}://{host}" if host else ""


def idempotency_key(request: Request) -> str | None:
    """The caller's key, None where there is none. Raises SchemaViolation for one that is not usable."""
    key = request.headers.get(idempotency.HEADER)
    if key is None or _KEY.fullmatch(key):
        return key
    raise SchemaViolation.at("header", idempotency.HEADER, msg="must be 1 to 255 printable ASCII characters")


def wanted_media(route: Route, request: Request) -> str:
    """The media type of the route that the caller would rather have; the route's first one where it takes none of them.

    PEP 691 leaves it open whether that is refused: an answer that says what it is serves whoever can read it.
    """
    by_name = {media.partition(";")[0]: media for media in (route.media, *route.other_media)}
    return by_name[request.accept_mimetypes.best_match(by_name, route.media.partition(";")[0])]


def check_length(request: Request) -> None:
    """Raises TooLarge for a body that says itself that it is over 1 MiB."""
    if (request.content_length or 0) > MAX_BODY:
        raise TooLarge(MAX_BODY)


def read_body(request: Request) -> bytes:
    """At most 1 MiB, whatever the length header says: a chunked body has none. Raises TooLarge."""
    check_length(request)
    raw: bytes = request.stream.read(MAX_BODY + 1)
    if len(raw) > MAX_BODY:
        raise TooLarge(MAX_BODY)
    mark_taken(request)
    return raw


def inputs_of(route: Route, request: Request, raw: bytes) -> dict[str, BaseModel]:
    """The body and the query that a route's handler takes, by parameter. Raises SchemaViolation."""
    inputs: dict[str, BaseModel] = {}
    if route.body is not None:
        inputs["body"] = _body_of(route, route.body, raw)
    if route.query is not None:
        inputs["query"] = _query_of(route, route.query, request)
    return inputs


def _body_of(route: Route, model: type[BaseModel], raw: bytes) -> BaseModel:
    if not raw.strip():
        if route.body_required:
            raise SchemaViolation.at("body", msg="Field required", kind="missing")
        raw = b"{}"
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise _violation("body", error) from None


def _query_of(route: Route, model: type[BaseModel], request: Request) -> BaseModel:
    given: dict[str, Any] = {}
    for name in model.model_fields:
        values = [value for value in request.args.getlist(name) if value]
        if values:
            given[name] = values if name in route.lists else values[-1]
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _violation("query", error) from None


def _violation(where: str, error: ValidationError) -> Invalid:
    """pydantic's own findings, without the values: an error must not echo a secret of the caller's config.

    Where only rules were broken, the answer is theirs: the form of the request is right.
    """
    found = error.errors(include_url=False, include_context=False, include_input=False)
    problems = [Problem((where, *item["loc"]), item["msg"], item["type"]) for item in found]
    if all(problem.type == RULE for problem in problems):
        return Invalid(*problems)
    return SchemaViolation(*problems)

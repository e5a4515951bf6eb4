"""Answers as they leave: a handler's reply, and every refusal with its status and one sentence."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from flask import Request, Response
from pydantic import BaseModel
from pydantic_core import to_json

from provider_hub.domain.errors import (
    Conflict,
    Forbidden,
    Invalid,
    MintRefused,
    NotFound,
    Problem,
    QuotaExceeded,
    Refusal,
    SchemaViolation,
    TooLarge,
    TooSlow,
    UnderWay,
)
from provider_hub.http.call import Reply
from provider_hub.http.models import Representable
from provider_hub.http.requests import is_https
from provider_hub.http.route import JSON, Route

_STATUS = {
    Forbidden: 403,
    NotFound: 404,
    TooSlow: 408,
    Conflict: 409,
    UnderWay: 409,
    TooLarge: 413,
    QuotaExceeded: 429,
}
_UNDER_WAY_RETRY_SECONDS = 1
_NOT_MINTED = "Token request failed"
# What publishing tools print before the sentence; a refused CI token has a code of its own.
_MINT_CODES = {404: "not-enabled", 422: "invalid-payload", 429: "too-many-requests", 503: "unavailable"}
# 128 bits: no two bodies share a tag by chance.
_ETAG_DIGITS = 32
_HTTPS_FOR_A_YEAR = "max-age=31536000"


def rendered(route: Route, result: Any, media: str | None = None) -> Response:
    """What a route's handler returned, as the route describes it; in `media`, where it has several."""
    reply = result if isinstance(result, Reply) else Reply(result)
    status, content = reply.status or route.status, reply.content
    if content is None:
        return json_response(status, b"", reply.headers)
    if isinstance(content, bytes):
        return _response(status, content, route.media, reply.headers)
    if isinstance(content, Representable):
        # Whoever keeps the answer for later callers must keep one for each type, and for each caller.
        headers = {**reply.headers, "Vary": "Accept, Authorization"}
        media = media or route.media
        return _response(status, content.as_media(media), media, headers)
    if isinstance(content, BaseModel):
        return json_response(status, content.model_dump_json().encode(), reply.headers)
    return json_response(status, to_json(list(content)), reply.headers)


def unless_known(response: Response, request: Request) -> Response:
    """An answer to GET with an `ETag`, made from its bytes; 304 without them where the caller has these already."""
    if response.status_code != HTTPStatus.OK or request.method not in ("GET", "HEAD"):
        return response
    if not response.get_etag()[0]:
        response.set_etag(sha256(response.get_data()).hexdigest()[:_ETAG_DIGITS])
    if not request.if_none_match.contains_weak(str(response.get_etag()[0])):
        return response
    response.status_code = HTTPStatus.NOT_MODIFIED
    response.set_data(b"")
    for name in ("Content-Type", "Content-Length"):
        response.headers.pop(name, None)
    return response


def refused(refusal: Refusal) -> Response:
    """The status and the sentence of a refusal; of an invalid request, every problem with its place too."""
    if isinstance(refusal, MintRefused):
        return json_response(422, to_json(_not_minted(refusal)))
    if isinstance(refusal, Invalid):
        return json_response(422, to_json(_invalid(refusal)))
    retry_after: int | None = None
    if isinstance(refusal, UnderWay):
        retry_after = _UNDER_WAY_RETRY_SECONDS
    if isinstance(refusal, QuotaExceeded):
        retry_after = refusal.retry_after_seconds
    status = next(status for kind, status in _STATUS.items() if isinstance(refusal, kind))
    return error(status, str(refusal), {"Retry-After": str(retry_after)} if retry_after else None)


def _not_minted(refusal: MintRefused) -> dict[str, Any]:
    return {"detail": str(refusal), **_mint_reasons(refusal.code, str(refusal))}


def _mint_reasons(code: str, sentence: str) -> dict[str, Any]:
    """What publishing tools print, in the form in which PyPI sends it."""
    return {"message": _NOT_MINTED, "errors": [{"code": code, "description": sentence}]}


def as_minting_tools_read(response: Response) -> Response:
    """An answer of a route that mints tokens: tools read `errors` of every refusal, whatever its cause is.

    They end with a traceback where it is missing. What the refusal says itself stays.
    """
    if response.status_code < HTTPStatus.BAD_REQUEST:
        return response
    refusal = json.loads(response.get_data())
    response.set_data(to_json(with_mint_errors(response.status_code, refusal)))
    return response


def with_mint_errors(status: int, refusal: Mapping[str, Any]) -> dict[str, Any]:
    """The refusal, with what publishing tools print in the form in which PyPI sends it."""
    return {**_mint_reasons(_MINT_CODES.get(status, "refused"), sentence_of(refusal)), **refusal}


def sentence_of(refusal: Mapping[str, Any]) -> str:
    """What a refusal says to people: its `detail`, or its `message` where a schema's findings are the `detail`."""
    detail = refusal["detail"]
    return detail if isinstance(detail, str) else str(refusal["message"])


def _invalid(refusal: Invalid) -> dict[str, Any]:
    """Clients show a `detail` that is a sentence, and a list as it is: only a schema's own findings are a list."""
    problems = [{"loc": list(problem.loc), "msg": problem.msg, "type": problem.type} for problem in refusal.problems]
    if isinstance(refusal, SchemaViolation):
        message = "; ".join(f"{'.'.join(map(str, problem.loc))}: {problem.msg}" for problem in refusal.problems)
        return {"detail": problems, "message": message}
    return {"detail": "; ".join(map(_sentence, refusal.problems)), "errors": problems}


def _sentence(problem: Problem) -> str:
    """The sentence of a rule names the field; what is below a field, such as a key of the config, is named here."""
    below = problem.loc[2:]
    return f"{'.'.join(map(str, problem.loc[1:]))}: {problem.msg}" if below else problem.msg


def completed(response: Response, request: Request, identifier: str) -> Response:
    """The answer with the headers that every one has."""
    headers = response.headers
    headers["X-Request-Id"] = identifier
    headers["X-Content-Type-Options"] = "nosniff"
    if is_https(request):
        headers["Strict-Transport-Security"] = _HTTPS_FOR_A_YEAR
    if "Authorization" in request.headers or response.status_code >= HTTPStatus.BAD_REQUEST:
        # A token's answer is for its caller alone, and a refusal may be over soon.
        headers.setdefault("Cache-Control", "no-store")
    return response


def other_method(method: str, routes: Sequence[Route]) -> Response:
    """405 for a method that a path has not, or the answer to OPTIONS; both say which there are."""
    allowed = {route.method for route in routes} | {"OPTIONS"}
    if "GET" in allowed:
        allowed.add("HEAD")
    headers = {"Allow": ", ".join(sorted(allowed))}
    if method == "OPTIONS":
        return json_response(204, b"", headers)
    return error(405, f"{method} is not something this can do", headers)


def error(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """One sentence, in the shape that all errors have."""
    return json_response(status, to_json({"detail": detail}), headers)


def json_response(status: int, content: bytes, headers: Mapping[str, str] | None = None) -> Response:
    """JSON as it is. Clients compare the content type with this very string, so it carries no charset."""
    return _response(status, content, JSON, headers)


def _response(status: int, content: bytes, media: str, headers: Mapping[str, str] | None) -> Response:
    response = Response(content, status=status, headers=dict(headers or {}))
    response.headers["Content-Type"] = media
    return response

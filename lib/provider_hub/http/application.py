"""One function's routes at work: from an HTTP request to a handler's reply, and every refusal between.

Nothing internal leaves here: an error that nobody planned is logged whole and answered with a sentence.
"""

import logging
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import flask
from flask import Request as FlaskRequest
from flask import Response as FlaskResponse
from pydantic import BaseModel, TypeAdapter, ValidationError
from werkzeug.exceptions import HTTPException

from provider_hub.actions.idempotency import Answer, KeyedCall, once
from provider_hub.actions.organizations import Organizations
from provider_hub.actions.services import Services
from provider_hub.adapters.identity import Authenticator, IdentityUnavailable, NotAuthenticated
from provider_hub.domain.catalog import Organization
from provider_hub.domain.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PermanentError,
    Problem,
    QuotaExceeded,
    Refusal,
    TemporaryError,
    UnderWay,
)
from provider_hub.domain.identity import ConsoleMachine, ConsolePrincipal, CustomerPrincipal, User
from provider_hub.http.models.base import Request
from provider_hub.http.routes.route import JSON, Access, Route, Routing
from provider_hub.logs import remember_trace

log = logging.getLogger(__name__)

MAX_BODY = 1024 * 1024
RETRY_SECONDS = 5
IDEMPOTENCY_KEY = "Idempotency-Key"
_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
_STATUS = {NotFound: 404, Forbidden: 403, Conflict: 409, UnderWay: 409, QuotaExceeded: 429}
_RETRY_AFTER = {UnderWay: 1, QuotaExceeded: 60}

B = TypeVar("B", bound=Request)


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was authenticated and validated, as a handler gets it."""

    route: Route
    parameters: Mapping[str, str]
    principal: CustomerPrincipal | ConsolePrincipal | None
    tenant: Organization | None
    body_model: Request | None
    query_model: Request
    given_fields: frozenset[str]

    @property
    def organization(self) -> Organization:
        """The tenant of a route that asks for one."""
        if self.tenant is None:
            raise AssertionError(f"{self.route.name} has no tenant: its access is {self.route.access}")
        return self.tenant

    @property
    def cause(self) -> str:
        """Who did it, for the timeline."""
        principal = self.principal
        if principal is None:
            return "anyone"
        return principal.user_id if isinstance(principal, User) else getattr(principal, "machine_id", "console")

    def body(self, kind: type[B]) -> B:
        return _as(self.body_model, kind)

    def query(self, kind: type[B]) -> B:
        return _as(self.query_model, kind)


@dataclass(frozen=True, slots=True)
class Reply:
    """A handler's answer; `status` None is the route's own, and bytes are of the route's own media type."""

    content: BaseModel | Sequence[BaseModel] | bytes | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Reply]


class Application:
    """The routes of one function, with their handlers by route name."""

    def __init__(
        self,
        routes: Sequence[Route],
        handlers: Mapping[str, Handler],
        authenticator: Authenticator,
        services: Services,
    ) -> None:
        self._routing = Routing(routes)
        self._handlers = handlers
        self._authenticator = authenticator
        self._services = services
        self._organizations = Organizations(services)
        missing = {route.name for route in routes} ^ set(handlers)
        if missing:
            raise AssertionError(f"routes and handlers differ: {', '.join(sorted(missing))}")

    def respond(self, request: FlaskRequest) -> FlaskResponse:
        """Answer a request; never raises."""
        remember_trace(request.headers.get("X-Cloud-Trace-Context"))
        request_id = _request_id(request)
        try:
            response = self._dispatch(request)
        except Refusal as refusal:
            response = _refused(refusal)
        except NotAuthenticated as error:
            log.info("not authenticated: %s", error)
            response = _error(401, "Not authenticated", {"WWW-Authenticate": "Bearer"})
        except (TemporaryError, PermanentError, IdentityUnavailable) as error:
            log.warning("unavailable: %s", error)
            response = _error(503, "a service this depends on is down: try again", {"Retry-After": str(RETRY_SECONDS)})
        except Exception:
            log.exception("request %s failed", request_id)
            response = _error(500, f"this should not have happened; it is logged as request {request_id}")
        response.headers["X-Request-Id"] = request_id
        return response

    def _dispatch(self, request: FlaskRequest) -> FlaskResponse:
        routes, parameters = self._routing.match(request.path)
        if not routes:
            raise NotFound("Not Found")
        method = "GET" if request.method == "HEAD" else request.method
        route = next((route for route in routes if route.method == method), None)
        if route is None:
            return _other_method(request.method, routes)
        principal, tenant = self._admitted(route, request.headers.get("Authorization"))
        raw = _read_body(request)
        body = _body_of(route, raw)
        call = Call(
            route,
            parameters,
            principal,
            tenant,
            body,
            _query_of(route, request),
            frozenset(body.model_fields_set) if body else frozenset(),
        )
        key = request.headers.get(IDEMPOTENCY_KEY)
        if key is None or route.method != "POST" or tenant is None:
            return _rendered(route, self._handlers[route.name](call))
        # Without the slashes around it: a path means the same with and without a trailing one.
        keyed = KeyedCall(tenant.organization_id, f"{route.name} {request.path.strip('/')}", _checked_key(key), raw)
        answer = once(self._services, keyed, lambda: _kept(_rendered(route, self._handlers[route.name](call))))
        return _json(answer.status, answer.body.encode(), answer.headers)

    def _admitted(
        self, route: Route, authorization: str | None
    ) -> tuple[CustomerPrincipal | ConsolePrincipal | None, Organization | None]:
        access = route.access
        if access is Access.ANYONE:
            return None, None
        if access is Access.ANYONE_OR_CUSTOMER and authorization is None:
            return None, None
        if access in (Access.CONSOLE, Access.CONSOLE_MACHINE):
            console = self._authenticator.console(authorization)
            if access is Access.CONSOLE_MACHINE and not isinstance(console, ConsoleMachine):
                raise Forbidden("only a console machine may do this: call it from the release CI")
            return console, None
        customer = self._authenticator.customer(authorization)
        if customer.organization is None:
            if access is Access.TENANT:
                raise Forbidden("the token names no organization: sign in to one first")
            return customer, None
        return customer, self._organizations.of(customer.organization)


def answer_unrouted() -> None:
    """Have what functions-framework refuses by itself, such as a line feed in a path, answered in our error shape.

    Called while a function's module is loaded, which the framework does within its Flask application's context; a
    module that is imported otherwise has none to set up.
    """
    if not flask.has_app_context():
        return
    flask.current_app.register_error_handler(HTTPException, _unrouted)
    # A doubled slash would be redirected to a host name that only the function's own server knows.
    flask.current_app.url_map.merge_slashes = False


def _unrouted(error: HTTPException) -> FlaskResponse:
    response = _error(error.code or 500, error.name)
    response.headers["X-Request-Id"] = _request_id(flask.request)
    return response


def _as(model: Request | None, kind: type[B]) -> B:
    if not isinstance(model, kind):
        raise AssertionError(f"the route table gives {type(model).__name__}, not {kind.__name__}")
    return model


def _request_id(request: FlaskRequest) -> str:
    given = request.headers.get("X-Request-Id", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


def _checked_key(key: str) -> str:
    if _KEY.fullmatch(key):
        return key
    raise Invalid.at("header", IDEMPOTENCY_KEY, msg="must be 1 to 255 visible ASCII characters")


def _kept(response: FlaskResponse) -> Answer:
    headers = {name: value for name, value in response.headers.items() if name == "Location"}
    return Answer(response.status_code, response.get_data(as_text=True), headers)


def _body_of(route: Route, raw: bytes) -> Request | None:
    if route.body is None:
        return None
    if not raw.strip():
        if route.body_required:
            raise Invalid.at("body", msg="Field required", kind="missing")
        raw = b"{}"
    try:
        return route.body.model_validate_json(raw)
    except ValidationError as error:
        raise _invalid("body", error) from None


def _read_body(request: FlaskRequest) -> bytes:
    """At most 1 MiB, whatever the length header says: a chunked body has none."""
    if (request.content_length or 0) > MAX_BODY:
        raise _TooLarge
    raw: bytes = request.stream.read(MAX_BODY + 1)
    if len(raw) > MAX_BODY:
        raise _TooLarge
    return raw


class _TooLarge(Refusal):
    def __init__(self) -> None:
        super().__init__(f"the body is over {MAX_BODY} bytes")


def _query_of(route: Route, request: FlaskRequest) -> Request:
    given: dict[str, Any] = {}
    for name, wanted in route.query.model_fields.items():
        values = [value for value in request.args.getlist(name) if value]
        if values:
            given[name] = values if "list" in str(wanted.annotation) else values[-1]
    try:
        return route.query.model_validate(given)
    except ValidationError as error:
        raise _invalid("query", error) from None


def _invalid(where: str, error: ValidationError) -> Invalid:
    """pydantic's own findings, without the values: an error must not echo a secret of the caller's config."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return Invalid(*(Problem((where, *item["loc"]), item["msg"], item["type"]) for item in found))


def _other_method(method: str, routes: Sequence[Route]) -> FlaskResponse:
    allowed = sorted({route.method for route in routes} | {"OPTIONS"})
    if "GET" in allowed:
        allowed.append("HEAD")
    headers = {"Allow": ", ".join(sorted(allowed))}
    if method == "OPTIONS":
        return _json(204, b"", headers)
    return _error(405, f"{method} is not something this can do", headers)


def _rendered(route: Route, reply: Reply) -> FlaskResponse:
    status = reply.status or route.status
    if reply.content is None:
        return _json(status, b"", reply.headers)
    if isinstance(reply.content, bytes):
        return _answer(status, reply.content, route.media, reply.headers)
    if isinstance(reply.content, BaseModel):
        return _json(status, reply.content.model_dump_json().encode(), reply.headers)
    return _json(status, _ANY.dump_json(list(reply.content)), reply.headers)


_ANY: TypeAdapter[Any] = TypeAdapter(Any)


def _refused(refusal: Refusal) -> FlaskResponse:
    if isinstance(refusal, Invalid):
        problems = [
            {"loc": list(problem.loc), "msg": problem.msg, "type": problem.type} for problem in refusal.problems
        ]
        return _json(422, _ANY.dump_json({"detail": problems}))
    if isinstance(refusal, _TooLarge):
        return _error(413, str(refusal))
    retry_after = _RETRY_AFTER.get(type(refusal))
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return _error(_STATUS[type(refusal)], str(refusal), headers)


def _error(status: int, detail: str, headers: Mapping[str, str] | None = None) -> FlaskResponse:
    return _json(status, _ANY.dump_json({"detail": detail}), headers)


def _json(status: int, content: bytes, headers: Mapping[str, str] | None = None) -> FlaskResponse:
    """Clients compare the content type with this very string, so it carries no charset."""
    return _answer(status, content, JSON, headers)


def _answer(status: int, content: bytes, media: str, headers: Mapping[str, str] | None) -> FlaskResponse:
    response = FlaskResponse(content, status=status, headers=dict(headers or {}))
    response.headers["Content-Type"] = media
    return response

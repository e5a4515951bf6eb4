"""One function's routes at work: from an HTTP request to a handler's reply, and every refusal between.

Nothing internal leaves here: an unexpected error is logged whole and answered with a sentence.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import flask
from flask import Request, Response
from werkzeug.exceptions import HTTPException

from provider_hub.actions.audit import Refusals
from provider_hub.actions.idempotency import Answer, KeyedCall, reserved
from provider_hub.actions.minted_tokens import find_minted, minted_token_of
from provider_hub.actions.organizations import Organizations
from provider_hub.actions.ports import DocumentStore
from provider_hub.actions.services import Services
from provider_hub.domain.audit import Actor
from provider_hub.domain.errors import (
    Forbidden,
    NotAuthenticated,
    NotFound,
    PermanentError,
    Refusal,
    TemporaryError,
)
from provider_hub.domain.identity import (
    ConsoleMachine,
    ConsolePrincipal,
    ConsoleScope,
    CustomerPrincipal,
    OrganizationClaims,
    PublishingRun,
)
from provider_hub.domain.names import ProviderName
from provider_hub.domain.organizations import Organization
from provider_hub.http import responses
from provider_hub.http.arrival import arriving, leave
from provider_hub.http.call import Call
from provider_hub.http.login import bearer_of
from provider_hub.http.requests import (
    MAX_BODY,
    base_url,
    check_length,
    idempotency_key,
    inputs_of,
    read_body,
    request_id,
    wanted_media,
)
from provider_hub.http.route import Access, Route, Routes, Routing
from provider_hub.http.upload_form import USER, UploadForm, as_tools_read
from provider_hub.logs import remember_trace

log = logging.getLogger(__name__)

RETRY_SECONDS = 5
H = TypeVar("H")


class Authenticator(Protocol):
    """Who sent an Authorization header. Both methods raise NotAuthenticated, or TemporaryError to try again later."""

    def customer(self, authorization_header: str | None, /) -> CustomerPrincipal:
        """The caller by a token of the customer realm."""

    def console(self, authorization_header: str | None, /) -> ConsolePrincipal:
        """The caller by a token of the console realm."""

    def address(self, forwarded_for: str | None, peer: str | None, /) -> str:
        """The IP address that a request comes from, as far as it can be believed; "" where it is not known."""


class Application(Generic[H]):
    """The routes of one function, and the `hub` that their handlers work with."""

    def __init__(
        self, routes: Routes[H], hub: H, authenticator: Authenticator, services: Services[DocumentStore]
    ) -> None:
        self._routing = Routing(routes)
        self._hub = hub
        self._authenticator = authenticator
        self._services = services
        self._organizations = Organizations(services)
        self._refusals = Refusals(services)

    def respond(self, request: Request) -> Response:
        """Answer a request; never raises."""
        remember_trace(request.headers.get("X-Cloud-Trace-Context"))
        identifier = request_id(request)
        routes, parameters = self._routing.match(request.path)
        try:
            response = self._dispatch(request, routes, parameters)
        except Refusal as refusal:
            response = responses.refused(refusal)
        except NotAuthenticated as error:
            log.info("not authenticated: %s", error)
            response = responses.error(401, "Not authenticated", {"WWW-Authenticate": "Bearer"})
        except (TemporaryError, PermanentError) as error:
            log.warning("unavailable: %s", error)
            sentence = "a service this depends on is down: try again"
            response = responses.error(503, sentence, {"Retry-After": str(RETRY_SECONDS)})
        except Exception:
            log.exception("request %s failed", identifier)
            response = responses.error(500, f"this should not have happened; it is logged as request {identifier}")
        if any(route.form for route in routes):
            response = as_tools_read(response)
        if any(route.mints and route.method == request.method for route in routes):
            response = responses.as_minting_tools_read(response)
        leave(request, response, self._services.receiving)
        return responses.completed(response, request, identifier)

    def _dispatch(self, request: Request, routes: Sequence[Route], parameters: Mapping[str, str]) -> Response:
        if not routes:
            raise NotFound("Not Found")
        method = "GET" if request.method == "HEAD" else request.method
        route = next((route for route in routes if route.method == method), None)
        if route is None:
            return responses.other_method(request.method, routes)
        address = self._authenticator.address(request.headers.get("X-Forwarded-For"), request.remote_addr)
        principal, tenant = self._admitted(route, _authorization(route, request), address)
        is_poll = "If-None-Match" in request.headers
        call = Call(parameters, principal, tenant, address, is_poll=is_poll, base_url=base_url(request))
        if tenant is None:
            return self._handled(request, route, call)
        with self._services.receiving.request(tenant.organization_id):
            return self._handled(request, route, call)

    def _handled(self, request: Request, route: Route, call: Call) -> Response:
        if route.form:
            form = UploadForm(request, self._services.receiving, _holder(call))
            return responses.rendered(route, route.handler(self._hub, call, form=form))
        key = idempotency_key(request) if route.takes_key else None
        raw = self._body(request, route, call, is_keyed=key is not None)
        inputs = inputs_of(route, request, raw)
        if key is not None:
            # Without the slashes around it: a path means the same with and without a trailing one.
            where = f"{route.name} {request.path.strip('/')}"
            return self._once(route, call, inputs, KeyedCall(call.organization.organization_id, where, key, raw))
        response = responses.rendered(route, route.handler(self._hub, call, **inputs), wanted_media(route, request))
        return responses.unless_known(response, request)

    def _body(self, request: Request, route: Route, call: Call, *, is_keyed: bool) -> bytes:
        """The body, where the route reads one or a key is bound to it. Raises TooLarge, and what `arriving` raises."""
        check_length(request)
        if route.body is None and not is_keyed:
            return b""
        with arriving(request, self._services.receiving, _holder(call), MAX_BODY):
            return read_body(request)

    def _once(self, route: Route, call: Call, inputs: dict[str, Any], keyed: KeyedCall) -> Response:
        """Act on the first call with a key; give its answer again to those after it."""
        with reserved(self._services, keyed) as reservation:
            if kept := reservation.kept:
                return responses.json_response(kept.status, kept.body.encode(), kept.headers)
            response = responses.rendered(route, route.handler(self._hub, call, **inputs))
            headers = {name: value for name, value in response.headers.items() if name == "Location"}
            reservation.keep(Answer(response.status_code, response.get_data(as_text=True), headers))
            return response

    def _admitted(
        self, route: Route, authorization: str | None, address: str
    ) -> tuple[CustomerPrincipal | ConsolePrincipal | None, Organization | None]:
        """Who calls, and for which tenant. Raises NotAuthenticated, Forbidden, QuotaExceeded or TemporaryError."""
        with self._services.unknown_tokens.counted(authorization, address, self._services.clock()):
            return self._known(route, authorization, address)

    def _known(
        self, route: Route, authorization: str | None, address: str
    ) -> tuple[CustomerPrincipal | ConsolePrincipal | None, Organization | None]:
        access = route.access
        if access is Access.ANYONE:
            return None, None
        if access is Access.ANYONE_OR_CUSTOMER and authorization is None:
            if address:  # one that is not known would stand for everybody
                self._services.request_budget.take(address, self._services.clock(), "this address")
            return None, None
        if access in (Access.CONSOLE, Access.CONSOLE_MACHINE):
            console = self._authenticator.console(authorization)
            if route.scope is not None:
                self._refuse(route, console, address, _without_scope(console, route.scope))
            return console, None
        customer = self._customer(route, authorization)
        # Before anything is read or written for it.
        self._take_from_budget(customer)
        if customer.organization is None:
            if access is Access.TENANT:
                raise Forbidden("the token names no organization: sign in to one first")
            return customer, None
        if not customer.right.includes(route.right):
            reason = f"the token may only {customer.right}, and this takes the right to {route.right}"
            self._refuse(route, customer, address, reason)
        return customer, self._organizations.of(customer.organization)

    def _take_from_budget(self, caller: CustomerPrincipal) -> None:
        """Raises QuotaExceeded if the caller's organization asks too often, or the caller itself if it has none."""
        now, budget = self._services.clock(), self._services.request_budget
        if caller.organization is None:
            budget.take(f"caller {caller.subject}", now, "this caller")
        else:
            budget.take(caller.organization.organization_id, now)

    def _refuse(
        self, route: Route, caller: CustomerPrincipal | ConsolePrincipal, address: str, reason: str | None
    ) -> None:
        """Raises Forbidden with the reason, where there is one, once the audit has it."""
        if reason is not None:
            self._refusals.note(Actor.of(caller, address), f"{route.method} {route.path}", reason)
            raise Forbidden(reason)

    def _customer(self, route: Route, authorization: str | None) -> CustomerPrincipal:
        """The caller of a customer route, by a token of its realm or of a trusted publisher."""
        token = minted_token_of(authorization)
        if token is None:
            return self._authenticator.customer(authorization)
        minted = find_minted(self._services, token)
        if minted is None:
            raise NotAuthenticated("the token of a trusted publisher is burnt, too old, or never was")
        if not route.publishes:
            raise Forbidden(f"the token may only publish {minted.provider}, and this route does something else")
        claims = OrganizationClaims(minted.organization_id, minted.organization_slug, None, minted.organization_name)
        return PublishingRun(claims, ProviderName.parse(minted.provider), minted.published_by, minted.claims)


def _authorization(route: Route, request: Request) -> str | None:
    """The header that says who calls, with a login's password as the bearer where the route takes logins."""
    given = request.headers.get("Authorization")
    if route.form:
        return bearer_of(given, USER)
    return bearer_of(given) if route.login else given


def _holder(call: Call) -> str:
    """Whose a body is that may be long under way: an organization's, a caller's of none, or an address'."""
    if call.tenant is not None:
        return f"organization {call.tenant.organization_id}"
    return f"caller {call.principal.subject}" if call.principal is not None else f"address {call.address}"


def _without_scope(caller: ConsolePrincipal, scope: ConsoleScope) -> str | None:
    """Why the caller may not do what takes `scope`; None where it may."""
    if not isinstance(caller, ConsoleMachine):
        return "only a console machine may do this: call it from the release CI"
    if scope not in caller.scopes:
        return f"the token has not the scope {scope}, which this needs: have one issued that has it"
    return None


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


def _unrouted(error: HTTPException) -> Response:
    response = responses.error(error.code or 500, error.name)
    leave(flask.request, response)
    return responses.completed(response, flask.request, request_id(flask.request))

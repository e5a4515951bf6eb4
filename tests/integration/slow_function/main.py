"""A function whose routes read a body, a form or nothing, as `test_slow_bodies` has it served by gunicorn."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import flask
import functions_framework

from provider_hub.actions.receiving import BodyPace, Receiving
from provider_hub.actions.request_budget import RequestBudget
from provider_hub.actions.unknown_tokens import UnknownTokens
from provider_hub.actions.wishes import Wish
from provider_hub.domain.errors import NotAuthenticated
from provider_hub.domain.identity import OrganizationClaims, User
from provider_hub.domain.organizations import Organization
from provider_hub.domain.roles import Right
from provider_hub.http import arrival
from provider_hub.http.application import Application, answer_unrouted
from provider_hub.http.call import Call
from provider_hub.http.models import Response
from provider_hub.http.route import Access, Routes
from provider_hub.http.upload_form import UploadForm

THREADS = 8
BODY_SECONDS = 0.6
LARGE = b"x" * 32 * 1024**2
# A caller who does not read is let go as soon as one who does not send.
arrival.ANSWER_SECONDS = arrival.REMAINS_SECONDS = BODY_SECONDS / 2


class Text(Wish):
    text: str = ""


class Length(Response):
    length: int


routes: Routes[None] = Routes("slow")


@routes.add("POST", "/anyone", Access.ANYONE)
def anyone(_hub: None, _call: Call, body: Text) -> Length:
    """Of anyone's text."""
    return Length(length=len(body.text))


@routes.add("POST", "/own", Access.TENANT, needs=Right.READ)
def own(_hub: None, _call: Call, body: Text) -> Length:
    """Of an organization's text."""
    return Length(length=len(body.text))


@routes.add("POST", "/form", Access.TENANT, needs=Right.READ)
def upload(_hub: None, _call: Call, form: UploadForm) -> Length:
    """Of an organization's file."""
    return Length(length=len(form.read().file.read()))


@routes.add("GET", "/nothing", Access.ANYONE)
def nothing(_hub: None, _call: Call) -> Length:
    """Of no body."""
    return Length(length=0)


@routes.add("GET", "/large", Access.ANYONE, media="application/octet-stream")
def large(_hub: None, _call: Call) -> bytes:
    """More than any buffer between here and the caller holds."""
    return LARGE


class Callers:
    """A token is the name of its organization."""

    def customer(self, authorization: str | None) -> User:
        kind, _, slug = (authorization or "").partition(" ")
        if kind != "Bearer" or slug == "bad":
            raise NotAuthenticated("not a token of this test")
        return User("user_1", organization=OrganizationClaims(f"org_{slug}", slug))

    def address(self, _forwarded_for: str | None, peer: str | None) -> str:
        return peer or ""


class Store:
    def get(self, key: Any) -> Organization:
        return Organization(key.path[1], "x", "x", "active", now(), now())


def now() -> datetime:
    return datetime.now(UTC)


services: Any = SimpleNamespace(
    clock=now,
    store=Store(),
    request_budget=RequestBudget(),
    unknown_tokens=UnknownTokens(),
    receiving=Receiving(THREADS, BodyPace(BODY_SECONDS, 10**9)),
)
application = Application(routes, None, Callers(), services)  # type: ignore[arg-type]
answer_unrouted()


@functions_framework.http
def slow(request: flask.Request) -> flask.Response:
    return application.respond(request)

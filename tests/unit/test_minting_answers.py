"""Publishing tools end with a traceback where a refusal of the route that mints tokens has no `errors`."""

from types import SimpleNamespace
from typing import Any

import pytest
from flask import Request
from tests.fakes import FakeClock
from werkzeug.test import EnvironBuilder

from provider_hub.actions.receiving import Receiving
from provider_hub.actions.unknown_tokens import UnknownTokens
from provider_hub.domain.errors import MintRefused, NotFound, QuotaExceeded, TemporaryError, TooSlow
from provider_hub.http import examples
from provider_hub.http.application import Application
from provider_hub.http.call import Call
from provider_hub.http.models import Response
from provider_hub.http.responses import sentence_of
from provider_hub.http.route import Access, Routes


class Nothing(Response):
    """An answer that says nothing."""


def answer_to(method: str, problem: Exception | None) -> Any:
    """What a route that mints answers, whose handler raises `problem`."""
    routes: Routes[None] = Routes("identity")

    @routes.add("POST", "/mint", Access.ANYONE, mints=True)
    def mint(_hub: None, _call: Call) -> Nothing:
        """A token."""
        if problem:
            raise problem
        return Nothing()

    who: Any = SimpleNamespace(address=lambda _forwarded, _peer: "")
    services: Any = SimpleNamespace(clock=FakeClock(), unknown_tokens=UnknownTokens(), receiving=Receiving(4))
    request = Request(EnvironBuilder("/mint", method=method, headers={"X-Request-Id": "r1"}).get_environ())
    return Application(routes, None, who, services).respond(request)


@pytest.mark.parametrize(
    ("problem", "status", "code"),
    [
        (NotFound("this hub takes no tokens of CI platforms"), 404, "not-enabled"),
        (TooSlow(10), 408, "refused"),
        (MintRefused("invalid-publisher", "its ref is another"), 422, "invalid-publisher"),
        (QuotaExceeded("too many bodies", 1), 429, "too-many-requests"),
        (RuntimeError("a fault"), 500, "refused"),
        (TemporaryError("down"), 503, "unavailable"),
    ],
)
def test_a_refusal_has_the_reasons_that_tools_print_whatever_its_cause_is(
    problem: Exception, status: int, code: str
) -> None:
    answer = answer_to("POST", problem)
    assert answer.status_code == status
    said = answer.json
    assert said["errors"] == [{"code": code, "description": said["detail"]}]
    assert said["message"] == "Token request failed"


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "not-enabled"), (422, "invalid-payload"), (429, "too-many-requests"), (503, "unavailable")],
)
def test_the_description_shows_the_code_that_such_a_refusal_has(status: int, code: str) -> None:
    shown = examples.mint_error(status)
    assert shown["errors"] == [{"code": code, "description": sentence_of(examples.error(status))}]


def test_what_is_no_refusal_of_the_route_is_answered_as_everywhere() -> None:
    assert (answer_to("POST", None).status_code, answer_to("POST", None).json) == (200, {})
    assert answer_to("GET", None).json == {"detail": "GET is not something this can do"}

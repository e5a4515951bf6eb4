"""Where there is no load balancer, one function sends each request to the routes of the function that has them."""

from typing import Any, cast

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from local_stack.function_list import COMBINED
from provider_hub.http.application import Application
from provider_hub.http.combined import Combined
from provider_hub.http.table import ROUTES

(API,) = COMBINED.values()


class Named:
    """Answers with its own name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def respond(self, _: Any) -> str:
        return self._name


ALL = Combined(**{name: cast("Application[Any]", Named(name)) for name in API.combines})


def answered_by(path: str, method: str = "GET") -> str:
    return str(ALL.respond(cast("Any", Request(EnvironBuilder(path, method=method).get_environ()))))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_request_reaches_the_function_that_has_the_route(route: Any) -> None:
    path = "/".join("acme" if part.startswith("{") else part for part in route.path.split("/"))
    assert answered_by(path, route.method) == route.function


def test_a_path_that_no_route_has_is_answered_as_the_load_balancer_would() -> None:
    assert answered_by("/nowhere") == "operations"


def test_it_combines_every_function_with_routes() -> None:
    assert {route.function for route in ROUTES} == set(API.combines)

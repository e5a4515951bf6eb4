"""The route table: which path leads where, that every route can be told from every other."""

import pytest

from provider_hub.http.call import Call
from provider_hub.http.route import Access, Routes
from provider_hub.http.table import ROUTES, function_for, match


@pytest.mark.parametrize(
    ("path", "method", "name", "parameters"),
    [
        ("/providers/install", "POST", "install", {}),
        ("/providers/installed/", "GET", "list_installed", {}),
        ("/providers/installed/acme/weather", "GET", "get_installed", {"org": "acme", "name": "weather"}),
        ("/providers/installed/acme/versions", "GET", "get_installed", {"org": "acme", "name": "versions"}),
        ("/providers/acme/weather", "GET", "get_provider", {"org": "acme", "name": "weather"}),
        (
            "/providers/acme/weather/versions/1.0.0/yank",
            "DELETE",
            "unyank",
            {"org": "acme", "name": "weather", "version": "1.0.0"},
        ),
        ("/organizations/me", "GET", "get_organization", {"organization_id": "me"}),
        ("/ops/dead-letter/retry-all", "POST", "retry_dead_letters", {}),
        ("/ops/dead-letter/x/retry", "POST", "retry_dead_letter", {"id": "x"}),
    ],
)
def test_a_path_leads_to_its_route(path: str, method: str, name: str, parameters: dict[str, str]) -> None:
    routes, given = match(path)
    (route,) = [route for route in routes if route.method == method]
    assert (route.name, given) == (name, parameters)


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/providers/a/b/c/d/e/f/g", "/providers//weather", "/ops"])
def test_any_other_path_leads_nowhere(path: str) -> None:
    assert match(path) == ((), {})
    assert function_for(path) is None


def test_no_two_routes_are_one() -> None:
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)
    assert len({route.name for route in ROUTES}) == len(ROUTES)


def test_all_routes_of_a_path_are_served_by_one_function() -> None:
    for route in ROUTES:
        routes, _ = match(route.path)
        assert {found.function for found in routes} == {route.function}


def test_a_parameter_of_a_path_that_nobody_described_is_refused_at_the_declaration() -> None:
    routes: Routes[None] = Routes("catalog")
    with pytest.raises(ValueError, match=r"/things/\{thing\}: say what thing is, in `parameters` of the Routes"):

        @routes.add("GET", "/things/{thing}", Access.ANYONE)
        def get_thing(_hub: None, _call: Call) -> None: ...

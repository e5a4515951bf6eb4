"""The route table: which path leads where, that every route can be told from every other, and who loads which."""

import subprocess
import sys

import pytest

from local_stack.function_list import FUNCTIONS, FUNCTIONS_DIR
from provider_hub.http.table import ROUTES, function_for, match

SERVING = {route.function for route in ROUTES}
OF_ALL_ROUTES = {"http.table", "http.openapi", "http.docs", "http.examples"}
FOR_A_CLUSTER = {"adapters.kubernetes", "domain.deployment", "domain.manifests", "actions.cluster"}


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


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_starts_without_what_only_others_need(function: str) -> None:
    program = "import runpy, sys; runpy.run_path(sys.argv[1]); print(*sys.modules)"
    main = FUNCTIONS_DIR / function / "main.py"
    ran = subprocess.run([sys.executable, "-c", program, str(main)], check=True, capture_output=True, text=True)
    loaded = {name.removeprefix("provider_hub.") for name in ran.stdout.split() if name.startswith("provider_hub.")}
    own = {f"http.{function}"} if function in SERVING else set()
    others = {f"http.{other}" for other in SERVING} - own
    assert own <= loaded
    assert not loaded & (others | OF_ALL_ROUTES)
    # Who has no cluster loads neither the clients for it nor what is made there.
    has_cluster = "import kubernetes" in main.read_text()
    assert bool(loaded & FOR_A_CLUSTER) == has_cluster

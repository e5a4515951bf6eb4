"""The URL map sends every route of the route table to its function, over HTTPS alone."""

import itertools
from typing import Any

import pytest
from terraform.tools.configuration import TERRAFORM, read

from local_stack.function_list import FUNCTIONS
from provider_hub.http.table import ROUTES, function_for

HUB = read()
GATEWAY = read(TERRAFORM / "modules" / "gateway")
PATHS: dict[str, list[str]] = {
    name: function.triggers["http"]["paths"] for name, function in FUNCTIONS.items() if function.is_public
}
# Values of a path's parameters that a careless rule would take for something else; no organization has a reserved slug.
AWKWARD = ("acme", "install", "installed", "providers", "1.0.0-rc.1+build")
RESERVED = {"install", "installed"}
LOADBALANCER = "EXTERNAL_MANAGED"


def resource(address: str) -> dict[str, Any]:
    return GATEWAY.resource(address).body


def served_by(path: str) -> str | None:
    """The function that the URL map picks: an exact rule, else the longest with a `/*` that fits."""
    rules = {rule: function for function, rules in PATHS.items() for rule in rules}
    if path in rules:
        return rules[path]
    fitting = [rule for rule in rules if rule.endswith("/*") and path.startswith(rule.removesuffix("*"))]
    return rules[max(fitting, key=len)] if fitting else None


def concrete(path: str) -> list[str]:
    """The path with each of the awkward values in each of its parameters, with and without a trailing slash."""
    values: dict[str, tuple[str, ...]] = {part: AWKWARD for part in path.split("/") if part.startswith("{")}
    values |= {"{org}": tuple(value for value in AWKWARD if value not in RESERVED)}
    segments = [values.get(part, (part,)) for part in path.split("/")]
    paths = ["/".join(parts) for parts in itertools.product(*segments)]
    return paths + [f"{path}/" for path in paths]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_leads_to_its_function(route: Any) -> None:
    for path in concrete(route.path):
        expected = function_for(path)  # a literal segment of another route may win
        assert served_by(path) == expected, f"{path} is served by {served_by(path)}, not by {expected}"


def test_the_description_of_all_routes_is_served() -> None:
    assert served_by("/openapi.json") == served_by("/health") == "operations"


def test_a_path_has_one_rule() -> None:
    rules = [rule for rules in PATHS.values() for rule in rules]
    assert len(rules) == len(set(rules))


def test_every_rule_is_for_some_route() -> None:
    routes = [path for route in ROUTES for path in concrete(route.path)] + ["/openapi.json", "/openapi.json/"]
    for rule in (rule for rules in PATHS.values() for rule in rules):
        prefix = rule.removesuffix("*")
        assert any(path == rule or (rule.endswith("/*") and path.startswith(prefix)) for path in routes), rule


def test_the_url_map_is_made_from_the_list_of_functions() -> None:
    (call,) = HUB.of("module", "gateway")
    assert "paths = function.triggers.http.paths} if function.public" in call.body["functions"]
    (matcher,) = resource("google_compute_url_map.gateway")["path_matcher"]
    assert matcher["dynamic"][0]["path_rule"]["for_each"] == "${local.paths}"


def test_every_backend_is_behind_the_rate_limit() -> None:
    backends = GATEWAY.of("resource", "google_compute_backend_service")
    assert backends
    for backend in backends:
        assert backend.body["security_policy"] == "${google_compute_security_policy.gateway.id}"
    limits = [rule["rate_limit_options"][0] for rule in _rules() if rule["action"] == "throttle"]
    assert [(limit["enforce_on_key"], limit["exceed_action"]) for limit in limits] == [("IP", "deny(429)")]


def _rules() -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = resource("google_compute_security_policy.gateway")["rule"]
    return rules


def test_the_console_takes_no_path_from_a_route() -> None:
    (matcher,) = resource("google_compute_url_map.gateway")["path_matcher"]
    files, redirect = (rule["path_rule"]["content"][0] for rule in matcher["dynamic"][1:])
    assert files["paths"] == ["/app/*"]
    assert redirect["paths"] == ["/", "/app"]
    assert redirect["url_redirect"][0]["path_redirect"] == "/app/"
    assert not [route.path for route in ROUTES if route.segments[:1] in ((), ("app",))]


def test_plain_http_is_only_redirected() -> None:
    redirect = resource("google_compute_url_map.redirect")
    assert redirect["default_url_redirect"][0]["https_redirect"] is True
    assert "default_service" not in redirect
    proxy = resource("google_compute_target_http_proxy.redirect")
    assert proxy["url_map"] == "${google_compute_url_map.redirect.id}"


def test_tls_is_modern_and_its_certificate_managed() -> None:
    proxy = resource("google_compute_target_https_proxy.gateway")
    assert proxy["ssl_policy"] == "${google_compute_ssl_policy.gateway.id}"
    assert proxy["certificate_map"].endswith("${google_certificate_manager_certificate_map.gateway.id}")
    assert resource("google_compute_ssl_policy.gateway")["min_tls_version"] == "TLS_1_2"


def test_all_parts_are_of_one_kind_of_load_balancer() -> None:
    kinds = ("google_compute_backend_service", "google_compute_global_forwarding_rule")
    parts = [block.body for kind in kinds for block in GATEWAY.of("resource", kind)]
    assert {part["load_balancing_scheme"] for part in parts} == {LOADBALANCER}

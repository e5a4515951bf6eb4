"""A request that a web page of another origin makes is no request of this machine's user."""

from collections.abc import Iterable
from typing import Any

import pytest

from local_stack.own_machine import guarded_wsgi, refusal


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "[::1]"])
def test_a_request_to_a_loopback_name_is_welcome(host: str) -> None:
    assert refusal({"Host": host}) is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:127",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "[::2]",
        "128.0.0.1",
    ],
)
def test_a_request_to_any_other_name_is_refused(host: str) -> None:
    assert refusal({"Host": host}) is not None


@pytest.mark.parametrize("origin", ["http://localhost:8080", "https://LOCALHOST:8080"])
def test_a_page_that_the_server_itself_served_may_call_it(origin: str) -> None:
    assert refusal({"Host": "localhost:8080", "Origin": origin}) is None


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://localhost:8081",
        "http://127.0.0.1:8080",
        "https://evil.example",
        "http://localhost:8080.evil.example",
    ],
)
def test_any_other_page_may_not(origin: str) -> None:
    assert refusal({"Host": "localhost:8080", "Origin": origin}) is not None


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"HTTP_HOST": "127.0.0.1:1"}, "200 OK"),
        ({"HTTP_HOST": "evil.example"}, "403 Forbidden"),
        ({}, "403 Forbidden"),
        ({"HTTP_HOST": "127.0.0.1:1", "HTTP_ORIGIN": "https://evil.example"}, "403 Forbidden"),
    ],
)
def test_a_functions_own_server_keeps_to_the_same_rule(given: dict[str, str], status: str) -> None:
    statuses: list[str] = []

    def application(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [b""]

    list(guarded_wsgi(application)(given, lambda status, _headers: statuses.append(status)))
    assert statuses == [status]

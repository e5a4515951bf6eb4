"""Whatever is asked of the API, by whoever, it answers what its description has, and never with a fault of its own.

Requests are made from the served description, sound and unsound, with the tokens of both realms, against the real
functions over a furnished project; and from nothing at all, with any method, path, header and body.
"""

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, assume, event, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.generation.modes import GenerationMode
from tests.contract_checker import check_answer, document
from tests.integration.deployed import StandIns, deployed_on
from tests.integration.tenants import Tenants

from local_stack.wheelhost import AddedWheel
from provider_hub.http.table import ROUTES, function_for

EXAMPLES_PER_OPERATION = 8
STRAY_EXAMPLES = 150

# One identity above all, so that the rules behind the door are met more often than the door.
_WHO = ("user", "user", "user", "machine", "other", "console_machine", "console_user", "homeless", "misnamed", "nobody")
_FAULTS = (500, 501, 502, 503, 504)
_NAMES = ("weather", "radio", "leaving", "busy", "cloud", "secret")
_CANONICAL = [f"{org}/{name}" for org in ("acme", "platform", "other") for name in _NAMES]
_VERSIONS = ("1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "2.0.0", "9.9.9", "1.0.0+build.5")
_KNOWN: Mapping[str, st.SearchStrategy[str]] = {
    "org": st.sampled_from(("acme", "acme", "acme", "platform", "other")),
    "name": st.sampled_from(_NAMES),
    "version": st.sampled_from(_VERSIONS),
    "target_version": st.sampled_from(_VERSIONS),
    "organization_id": st.sampled_from(("me", "org_acme", "org_other")),
    "provider_name": st.sampled_from(_CANONICAL),
}
_OPERATIONS = {
    operation.definition.raw["operationId"]: operation
    for operation in (
        found.ok() for found in schemathesis.openapi.from_dict(document()).get_all_operations() if isinstance(found, Ok)
    )
}
_fuzz = settings(
    max_examples=EXAMPLES_PER_OPERATION,
    # Nothing shrinks: a failing request is short enough to read, and a run has an end.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def tenants(around: StandIns) -> Iterator[Tenants]:
    with deployed_on(around) as deployed:
        made = Tenants(deployed)
        made.furnish()
        yield made


@pytest.fixture(scope="module")
def wheel(tenants: Tenants, tmp_path_factory: pytest.TempPathFactory) -> AddedWheel:
    return tenants.host_wheel(tmp_path_factory.mktemp("wheels"), text="2.0.0")


@pytest.mark.parametrize("operation", [route.name for route in ROUTES])
@_fuzz
@given(data=st.data())
def test_an_operation_answers_what_is_described(
    operation: str, data: st.DataObject, tenants: Tenants, wheel: AddedWheel
) -> None:
    mode = data.draw(st.sampled_from((GenerationMode.POSITIVE, GenerationMode.NEGATIVE)), label="mode")
    case = data.draw(_cases_of(operation, mode), label="case")
    case.path_parameters = _with_known(data, case.path_parameters or {})
    if isinstance(case.body, dict):
        case.body = _with_known(data, case.body)
        _keep_local(data, case.body, wheel)
    who = data.draw(st.sampled_from(_WHO), label="who")
    request = _prepared(case.as_transport_kwargs(base_url="http://fuzz"))
    headers = {name: str(value) for name, value in request.headers.items() if name != "Authorization"}
    assert request.body is None or isinstance(request.body, str | bytes), "no operation takes a stream"
    body = request.body.encode() if isinstance(request.body, str) else request.body or b""
    _send(tenants, str(request.method), str(request.url).removeprefix("http://fuzz"), who, headers, body)


@functools.cache
def _cases_of(operation: str, mode: GenerationMode) -> st.SearchStrategy[Any]:
    """Built once, as hypothesis checks a strategy at its first draw."""
    cases: st.SearchStrategy[Any] = _OPERATIONS[operation].as_strategy(generation_mode=mode)
    return cases


def _with_known(data: st.DataObject, given_values: Mapping[str, Any]) -> dict[str, Any]:
    """Mostly what is there: what is made up is unknown, and leads no deeper than 404."""
    values = dict(given_values)
    for name in sorted(values.keys() & _KNOWN.keys()):
        if data.draw(st.integers(0, 7), label=f"known {name}"):
            values[name] = data.draw(_KNOWN[name], label=name)
    return values


def _keep_local(data: st.DataObject, body: dict[str, Any], wheel: AddedWheel) -> None:
    """A made-up wheel URL must not have the API look for hosts elsewhere; and most should lead to a wheel."""
    if isinstance(body.get("wheel_url"), str):
        places = (
            wheel.url,
            wheel.url,
            wheel.url,
            "https://127.0.0.1/a-1.0-py3-none-any.whl",
            "https://localhost:1/x.whl",
            "ftp://x",
            "\0",
        )
        body["wheel_url"] = data.draw(st.sampled_from(places), label="wheel_url")
        body["name"] = data.draw(st.sampled_from(_CANONICAL), label="name")
        body["sha256"] = data.draw(st.sampled_from((wheel.sha256, None, "0" * 64)), label="sha256")


def _prepared(arguments: Mapping[str, Any]) -> requests.PreparedRequest:
    """As it goes over the wire. What no HTTP client can send is not for the API to answer."""
    try:
        return requests.Request(**arguments).prepare()
    except (ValueError, requests.exceptions.RequestException):
        assume(False)
        raise


_SEGMENTS = st.one_of(
    st.sampled_from(sorted({segment for route in ROUTES for segment in route.segments})),
    st.sampled_from(
        ("acme", "weather", "1.0.0+build.5", "..", ".", "", "%2F", "%0A", "%00", "%ff", "a%2Fb", "+", "x" * 1500)
    ),
    st.text(max_size=12).map(lambda text: quote(text.encode(errors="surrogatepass"), safe="")),
)
_BODIES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        (b"", b" ", b"[]", b"null", b"1e999", b'"\\ud800"', b'{"version": "\\u0000"}',
         b'{"provider_name": "\\ud800/a"}', b"9" * 5000, b"[" * 5000, b"{" * 5000, b'{"a":' * 500, b"\xff\xfe{}",
         b'{"config": {"\\udfff": "x"}}')
    ),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
        max_leaves=6,
    ).map(lambda value: json.dumps(value).encode()),
)  # fmt: skip
_HEADERS = st.fixed_dictionaries(
    {},
    optional={
        name: st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=300)
        for name in ("X-Request-Id", "Idempotency-Key", "Content-Type", "Accept", "Authorization")
    },
)


@settings(_fuzz, max_examples=STRAY_EXAMPLES)
@given(
    method=st.sampled_from(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")),
    # A first segment that is empty would be read as a host by the test's client.
    path=st.lists(_SEGMENTS, max_size=6).map(lambda segments: "/" + "/".join(segments).lstrip("/")),
    slash=st.sampled_from(("", "/")),
    query=st.sampled_from(("", "?", "?limit=1&limit=2", "?limit=x", "?tags=%00", "?q=%ff", "?=&&&", "?offset=1e99")),
    who=st.sampled_from(_WHO),
    headers=_HEADERS,
    body=_BODIES,
)
def test_any_request_at_all_answers_what_is_described(
    method: str, path: str, slash: str, query: str, who: str, headers: dict[str, str], body: bytes, tenants: Tenants
) -> None:
    target = path if path == "/" else path + slash
    _send(tenants, method, target + query, who, headers, body)


def _send(tenants: Tenants, method: str, target: str, who: str, headers: Mapping[str, str], body: bytes) -> None:
    given_headers = dict(headers)
    if who != "nobody":
        given_headers["Authorization"] = f"Bearer {getattr(tenants, who)}"
    response = tenants.deployed.call(method, target, headers=given_headers, data=body)
    event(f"answered {response.status_code}")
    assert response.status_code not in _FAULTS, f"{method} {target} by {who}: {response.status_code} {response.text}"
    check_answer(method, target, response.status_code, dict(response.headers), response.data)


def test_fuzzing_knows_every_operation() -> None:
    assert set(_OPERATIONS) == {route.name for route in ROUTES}
    assert all(function_for(route.path) == route.function for route in ROUTES)

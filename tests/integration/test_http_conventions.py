"""What holds for every route (contract, section 1): slashes, encodings, HEAD, OPTIONS, ids, bounds, what is down."""

import io
import re
from dataclasses import replace
from typing import Any

import pytest
from tests.builders import version
from tests.integration.deployed import StandIns, deployed_on
from tests.integration.tenants import Tenants

from local_stack.emulators import EmulatorHosts

INSTALLED = "/providers/installed/acme/weather"


@pytest.mark.parametrize("path", [INSTALLED, "/providers/installed", "/providers", "/organizations/me", "/health"])
def test_a_trailing_slash_makes_no_difference(tenants: Tenants, path: str) -> None:
    plain, slashed = (tenants.deployed.call("GET", each, tenants.user) for each in (path, f"{path}/"))
    assert (plain.status_code, slashed.status_code) == (200, 200)
    assert plain.json == slashed.json


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/providers/installed/acme%2Fweather", "acme/weather"),
        ("/providers/installed/%61cme/weather", "acme/weather"),
        ("/providers/acme%2Fweather", "acme/weather"),
    ],
)
def test_an_encoded_path_means_what_it_decodes_to(tenants: Tenants, path: str, canonical: str) -> None:
    assert tenants.deployed.call("GET", path, tenants.user).json["canonical"] == canonical


def test_a_version_with_a_plus_is_found_encoded_or_not(tenants: Tenants) -> None:
    tenants.release(version("1.0.0+build.5"))
    for text in ("1.0.0%2Bbuild.5", "1.0.0+build.5"):
        response = tenants.deployed.call("GET", f"/providers/acme/weather/versions/{text}", tenants.user)
        assert (response.status_code, response.json["version"]) == (200, "1.0.0+build.5")


def test_head_is_get_without_a_body(tenants: Tenants) -> None:
    got, headed = (tenants.deployed.call(method, INSTALLED, tenants.user) for method in ("GET", "HEAD"))
    assert (headed.status_code, headed.data) == (200, b"")
    assert headed.headers["Content-Type"] == "application/json"
    assert headed.headers["Content-Length"] == got.headers["Content-Length"]
    assert tenants.deployed.call("HEAD", INSTALLED).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        INSTALLED,
        "/providers/installed",
        f"{INSTALLED}/events",
        f"{INSTALLED}/deployment",
        "/providers",
        "/health",
        "/docs",
    ],
)
def test_an_answer_that_the_caller_has_is_304_without_a_body(tenants: Tenants, path: str) -> None:
    got = tenants.deployed.call("GET", path, tenants.user)
    tag = got.headers["ETag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        again = tenants.deployed.call("GET", path, tenants.user, headers={"If-None-Match": known})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
        assert "Content-Type" not in again.headers
        assert again.headers["Cache-Control"] == got.headers["Cache-Control"]
        assert len(again.headers["X-Request-Id"]) == 32
    other = tenants.deployed.call("GET", path, tenants.user, headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.data) == (200, got.data)


def test_an_answer_that_changed_is_sent_again_and_nothing_else_has_a_tag(tenants: Tenants) -> None:
    tag = tenants.deployed.call("GET", INSTALLED, tenants.user).headers["ETag"]
    known = {"If-None-Match": tag}
    changed = tenants.deployed.call("PATCH", INSTALLED, tenants.user, body={"upgrade_policy": "auto"}, headers=known)
    assert (changed.status_code, "ETag" in changed.headers) == (200, False)
    again = tenants.deployed.call("GET", INSTALLED, tenants.user, headers=known)
    assert (again.status_code, again.json["upgrade_policy"]) == (200, "auto")
    refused = tenants.deployed.call("GET", INSTALLED, headers=known)
    assert (refused.status_code, "ETag" in refused.headers) == (401, False)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (INSTALLED, "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("/providers/install", "OPTIONS, POST"),
        ("/provider-versions", "OPTIONS, POST"),
    ],
)
def test_options_tells_the_methods_to_anyone(tenants: Tenants, path: str, allowed: str) -> None:
    response = tenants.deployed.call("OPTIONS", path)
    assert (response.status_code, response.headers["Allow"], response.data) == (204, allowed, b"")


def test_a_request_id_is_echoed(tenants: Tenants) -> None:
    for path, status in (("/health", 200), ("/nothing", 404)):
        response = tenants.deployed.call("GET", path, headers={"X-Request-Id": "my-id.1"})
        assert (response.status_code, response.headers["X-Request-Id"]) == (status, "my-id.1")


@pytest.mark.parametrize("given", [None, "", "a b", "x" * 129, "é"])
def test_a_request_id_is_made_where_none_can_be_echoed(tenants: Tenants, given: str | None) -> None:
    headers = {} if given is None else {"X-Request-Id": given}
    made = [tenants.deployed.call("GET", "/health", headers=headers).headers["X-Request-Id"] for _ in range(2)]
    assert made[0] != made[1]
    assert all(len(each) == 32 for each in made)


def chunked(tenants: Tenants, path: str, body: bytes) -> Any:
    """As gunicorn hands over a chunked body: without a length, and with an end."""
    return tenants.deployed.call(
        "POST", path, tenants.user, input_stream=io.BytesIO(body), environ_overrides={"wsgi.input_terminated": True}
    )


def test_a_chunked_body_is_read(tenants: Tenants) -> None:
    assert chunked(tenants, "/providers/install", b'{"provider_name": "acme/radio"}').status_code == 201


def test_a_chunked_body_over_1_mib_is_413_and_stores_nothing(tenants: Tenants) -> None:
    before = tenants.deployed.documents.all()
    endless = b'{"provider_name": "acme/radio", "x": "' + b"x" * 1024 * 1024 + b'"}'
    response = chunked(tenants, "/providers/install", endless)
    assert (response.status_code, response.json) == (413, {"detail": "the body is over 1048576 bytes"})
    assert tenants.deployed.documents.all() == before


def test_a_body_of_exactly_1_mib_is_read(tenants: Tenants) -> None:
    start, end = b'{"provider_name": "acme/radio", "x": "', b'"}'
    body = start + b"x" * (1024 * 1024 - len(start) - len(end)) + end
    response = tenants.deployed.call("POST", "/providers/install", tenants.user, data=body)
    assert response.status_code == 201


def test_a_body_is_json_whatever_type_it_claims(tenants: Tenants) -> None:
    response = tenants.deployed.call(
        "POST",
        "/providers/install",
        tenants.user,
        data=b'{"provider_name": "acme/radio"}',
        headers={"Content-Type": "text/plain"},
    )
    assert response.status_code == 201


NOBODY_HOME = "127.0.0.1:9"


def check_unavailable(around: StandIns, **variables: str) -> None:
    with deployed_on(around, **variables) as deployed:
        response = deployed.call("GET", "/providers/installed", around.issuer.user("acme"))
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert response.json == {"detail": "a service this depends on is down: try again"}
    assert response.headers["Content-Type"] == "application/json"


def test_keys_that_cannot_be_fetched_are_503_with_when_to_come_back(around: StandIns) -> None:
    check_unavailable(around, HUB_CUSTOMER_JWKS_URL=f"http://{NOBODY_HOME}/jwks")


def test_a_database_that_is_down_is_503_with_when_to_come_back(around: StandIns) -> None:
    check_unavailable(replace(around, hosts=EmulatorHosts(NOBODY_HOME, around.hosts.pubsub)))


def test_a_fault_of_ours_is_500_without_its_insides(tenants: Tenants, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: object) -> None:
        raise KeyError("projects/p/databases/(default)/documents/secret")

    monkeypatch.setattr("provider_hub.actions.inspect.get_installed", fault)
    response = tenants.deployed.call("GET", INSTALLED, tenants.user, headers={"X-Request-Id": "r-1"})
    assert response.status_code == 500
    assert response.json == {"detail": "this should not have happened; it is logged as request r-1"}


def test_the_same_key_and_body_get_the_first_answer_again_and_another_body_422(tenants: Tenants) -> None:
    def install(provider_name: str, token: str = tenants.user) -> Any:
        body = {"provider_name": provider_name}
        headers = {"Idempotency-Key": "key-1"}
        return tenants.deployed.call("POST", "/providers/install", token, body=body, headers=headers)

    first, again = install("platform/cloud"), install("platform/cloud")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.data == first.data
    assert again.headers["Location"] == first.headers["Location"]
    other = install("acme/radio")
    assert (other.status_code, other.json["errors"][0]["loc"]) == (422, ["header", "Idempotency-Key"])
    assert install("platform/cloud", tenants.other).json["canonical"] == "platform/cloud"
    assert len(tenants.deployed.documents.under("organizations/org_other/installations")) == 2


def test_a_trailing_slash_makes_no_other_call_of_a_key(tenants: Tenants) -> None:
    first, again = (
        tenants.deployed.call(
            "POST", path, tenants.user, body={"provider_name": "platform/cloud"}, headers={"Idempotency-Key": "key-1"}
        )
        for path in ("/providers/install", "/providers/install/")
    )
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.data == first.data


def test_a_text_over_its_bounds_is_told_in_characters(tenants: Tenants) -> None:
    long = tenants.deployed.call("GET", f"/providers?q={'x' * 201}", tenants.user)
    assert long.json["detail"][0]["type"] == "string_too_long"
    nul = tenants.deployed.call("GET", "/providers?q=%00", tenants.user)
    assert "NUL" in nul.json["detail"][0]["msg"]


def test_a_refused_call_keeps_no_answer(tenants: Tenants) -> None:
    headers = {"Idempotency-Key": "key-1"}
    before = tenants.deployed.documents.all()
    body = {"provider_name": "acme/none"}
    refused = tenants.deployed.call("POST", "/providers/install", tenants.user, body=body, headers=headers)
    assert refused.status_code == 404
    assert tenants.deployed.documents.all() == before


def test_what_is_not_of_its_schema_has_its_places_as_detail_and_a_sentence_as_message(tenants: Tenants) -> None:
    body = {"provider_name": "acme/radio", "version": "1", "config": {"1A": "x"}}
    response = tenants.deployed.call("POST", "/providers/install", tenants.user, body=body)
    assert response.status_code == 422
    assert [problem["loc"] for problem in response.json["detail"]] == [["body", "version"], ["body", "config"]]
    assert set(response.json["detail"][0]) == {"loc", "msg", "type"}
    first, second = (problem["msg"] for problem in response.json["detail"])
    assert response.json["message"] == f"body.version: {first}; body.config: {second}"


def test_what_a_rule_refuses_has_a_sentence_as_detail_and_its_places_as_errors(tenants: Tenants) -> None:
    response = tenants.deployed.call("POST", f"{INSTALLED}/downgrade", tenants.user, body={"target_version": "1.2.0"})
    assert response.status_code == 422
    (problem,) = response.json["errors"]
    assert (problem["loc"], problem["type"]) == (["body", "target_version"], "value_error")
    assert response.json == {"detail": problem["msg"], "errors": [problem]}


@pytest.mark.parametrize(
    ("path", "who"),
    [(INSTALLED, "user"), ("/providers", "user"), ("/auth/me", "user"), (INSTALLED, None), ("/nothing", "user")],
)
def test_no_cache_keeps_what_was_answered_to_a_token_or_refused(tenants: Tenants, path: str, who: str | None) -> None:
    response = tenants.deployed.call("GET", path, who and getattr(tenants, who))
    assert response.headers["Cache-Control"] == "no-store"


def test_a_cache_may_keep_what_is_for_anyone(tenants: Tenants) -> None:
    assert "Cache-Control" not in tenants.deployed.call("GET", "/providers").headers
    assert tenants.deployed.call("GET", "/openapi.json").headers["Cache-Control"] == "public, max-age=300"


@pytest.mark.parametrize("path", [INSTALLED, "/docs", "/nothing"])
def test_no_browser_guesses_the_type_of_an_answer(tenants: Tenants, path: str) -> None:
    assert tenants.deployed.call("GET", path).headers["X-Content-Type-Options"] == "nosniff"


def test_https_is_demanded_from_then_on_where_it_was_used(tenants: Tenants) -> None:
    name, behind = "Strict-Transport-Security", {"X-Forwarded-Proto": "https"}
    answers = [tenants.deployed.call("GET", path, headers=behind) for path in ("/health", INSTALLED)]
    assert [answer.headers[name] for answer in answers] == ["max-age=31536000"] * 2
    assert name not in tenants.deployed.call("GET", "/health").headers


@pytest.mark.parametrize(
    ("key", "status"), [("k", 201), ("one install", 201), ("x" * 255, 201), ("x" * 256, 422), ("é", 422), ("a\tb", 422)]
)
def test_the_description_says_which_keys_are_taken(tenants: Tenants, key: str, status: int) -> None:
    parameter = tenants.deployed.call("GET", "/openapi.json").json["components"]["parameters"]["IdempotencyKey"]
    assert bool(re.search(parameter["schema"]["pattern"], key)) == (status == 201)
    body, headers = {"provider_name": "platform/cloud"}, {"Idempotency-Key": key}
    response = tenants.deployed.call("POST", "/providers/install", tenants.user, body=body, headers=headers)
    assert response.status_code == status

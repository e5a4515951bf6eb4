"""The keys of a realm: fetched rarely, kept through outages, dropped once the endpoint says so."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from tests.serving import in_a_thread
from tests.unit.rsa_keys import KEY

from provider_hub.adapters.identity.errors import IdentityUnavailable
from provider_hub.adapters.identity.jwks import MAX_DOCUMENT_BYTES, JwksError, KeySet, download, usable_keys


def jwk(kid: str, key: rsa.RSAPrivateKey = KEY, **changes: Any) -> dict[str, Any]:
    public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": public["n"], "e": public["e"], **changes}


def document(*kids: str) -> bytes:
    return json.dumps({"keys": [jwk(kid) for kid in kids]}).encode()


class Endpoint:
    """A JWKS endpoint in memory, with a clock that the test turns."""

    def __init__(self, *kids: str) -> None:
        self.kids: tuple[str, ...] | None = kids
        self.fetches = 0
        self.now = 1_000_000.0

    def fetch(self, _url: str) -> bytes:
        self.fetches += 1
        if self.kids is None:
            raise JwksError("the endpoint answers 500")
        return document(*self.kids)

    def keys(self) -> KeySet:
        return KeySet("https://issuer.example/jwks", clock=lambda: self.now, fetch=self.fetch)


def test_nothing_is_fetched_before_the_first_key_is_asked_for_and_once_for_many() -> None:
    endpoint = Endpoint("a", "b")
    keys = endpoint.keys()
    assert endpoint.fetches == 0
    assert keys.key("a")
    assert keys.key("b")
    assert endpoint.fetches == 1


def test_an_unknown_kid_refetches_at_most_once_a_minute() -> None:
    endpoint = Endpoint("a")
    keys = endpoint.keys()
    assert keys.key("a")
    for _ in range(180):
        endpoint.now += 1
        assert keys.key("forged") is None
    assert endpoint.fetches == 1 + 3


def test_a_new_key_is_found_a_minute_after_the_last_fetch() -> None:
    endpoint = Endpoint("old")
    keys = endpoint.keys()
    assert keys.key("old")
    endpoint.kids = ("old", "new")
    endpoint.now += 59
    assert keys.key("new") is None
    endpoint.now += 1
    assert keys.key("new")


def test_a_removed_key_is_refused_ten_minutes_after_the_last_answer() -> None:
    endpoint = Endpoint("a", "b")
    keys = endpoint.keys()
    assert keys.key("a")
    endpoint.kids = ("b",)
    endpoint.now += 599
    assert keys.key("a")
    endpoint.now += 1
    assert keys.key("a") is None
    assert keys.key("b")


def test_known_keys_serve_however_long_the_endpoint_is_down_and_it_is_tried_once_a_minute() -> None:
    endpoint = Endpoint("a")
    keys = endpoint.keys()
    assert keys.key("a")
    endpoint.kids = None
    endpoint.now += 86_400
    before = endpoint.fetches
    for _ in range(120):
        assert keys.key("a")
        assert keys.key("unknown") is None
        endpoint.now += 1
    assert endpoint.fetches - before == 2


def test_without_any_key_known_an_endpoint_that_is_down_is_unavailable_and_found_again_soon() -> None:
    endpoint = Endpoint()
    endpoint.kids = None
    keys = endpoint.keys()
    for _ in range(2):
        with pytest.raises(IdentityUnavailable) as caught:
            keys.key("a")
    assert caught.value.retry_after == 5
    assert endpoint.fetches == 1
    endpoint.kids = ("a",)
    endpoint.now += 5
    assert keys.key("a")


def test_a_clock_that_is_set_back_does_not_put_the_next_fetch_off() -> None:
    endpoint = Endpoint("a")
    keys = endpoint.keys()
    assert keys.key("a")
    endpoint.kids = ("a", "b")
    endpoint.now -= 86_400
    assert keys.key("b")


def test_concurrent_callers_share_one_fetch() -> None:
    callers = 8
    endpoint = Endpoint("a")
    everybody_is_here = threading.Barrier(callers)
    keys = endpoint.keys()

    def ask() -> object:
        everybody_is_here.wait(timeout=10)
        return keys.key("a")

    with ThreadPoolExecutor(callers) as pool:
        answers = [pool.submit(ask) for _ in range(callers)]
    assert all(answer.result() for answer in answers)
    assert endpoint.fetches == 1


def test_callers_queued_behind_a_failing_fetch_do_not_fetch_themselves() -> None:
    callers = 8
    endpoint = Endpoint()
    endpoint.kids = None
    everybody_is_here = threading.Barrier(callers)
    keys = endpoint.keys()

    def ask() -> None:
        everybody_is_here.wait(timeout=10)
        keys.key("a")

    with ThreadPoolExecutor(callers) as pool:
        answers = [pool.submit(ask) for _ in range(callers)]
    assert all(isinstance(answer.exception(), IdentityUnavailable) for answer in answers)
    assert endpoint.fetches == 1


def test_a_known_key_is_served_at_once_while_another_caller_refreshes() -> None:
    endpoint = Endpoint("a")
    fetch_began, may_answer = threading.Event(), threading.Event()
    keys = KeySet("https://issuer.example/jwks", clock=lambda: endpoint.now, fetch=endpoint.fetch)
    assert keys.key("a")

    def slow(_url: str) -> bytes:
        fetch_began.set()
        assert may_answer.wait(timeout=10)
        return document("a")

    keys._fetch = slow
    endpoint.now += 600
    with ThreadPoolExecutor(1) as pool:
        refreshing = pool.submit(keys.key, "a")
        assert fetch_began.wait(timeout=10)
        assert keys.key("a")
        assert not refreshing.done()
        may_answer.set()
        assert refreshing.result()


def test_only_rs256_signing_keys_of_2048_bits_with_a_kid_are_used() -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - too weak on purpose
    entries = [
        jwk("good"),
        {key: value for key, value in jwk("says no use").items() if key not in {"use", "alg"}},
        jwk("weak", weak),
        jwk("for encryption", use="enc"),
        jwk("another algorithm", alg="RS512"),
        jwk("with its private half", d="AQAB"),
        jwk("broken", n="!!"),
        jwk("no number", n=7),
        jwk(""),
        {"kty": "EC", "kid": "curve", "crv": "P-256"},
        {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"},
        {"kty": "RSA", "kid": "no modulus"},
        "no object",
    ]
    assert set(usable_keys(json.dumps({"keys": entries}).encode())) == {"good", "says no use"}


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"keys": {}}', b"null", b"[" * 100_000, b"\xff\xfe\x00"]
)
def test_a_document_that_is_no_key_set_is_no_answer(body: bytes) -> None:
    with pytest.raises(JwksError, match='"keys" array'):
        usable_keys(body)


@contextmanager
def serving(status: int, body: bytes, **headers: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    with in_a_thread(server):
        yield f"http://127.0.0.1:{server.server_port}/jwks.json"


def test_the_document_is_downloaded() -> None:
    with serving(200, document("a")) as url:
        assert set(usable_keys(download(url))) == {"a"}


def test_an_oversized_document_is_refused() -> None:
    with serving(200, b" " * (MAX_DOCUMENT_BYTES + 1)) as url, pytest.raises(JwksError, match="is over"):
        download(url)


@pytest.mark.parametrize("status", [302, 404, 500])
def test_another_status_is_no_answer_and_no_redirect_is_followed(status: int) -> None:
    answer = serving(status, document("a"), Location="http://127.0.0.1:1/")
    with answer as url, pytest.raises(JwksError, match=f"answers {status}"):
        download(url)


def test_an_endpoint_that_nobody_listens_at_is_no_answer() -> None:
    with serving(200, b"") as url:
        pass
    with pytest.raises(JwksError, match="does not answer"):
        download(url)

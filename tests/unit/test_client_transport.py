"""One request of the client: what it sends, what it makes of each answer, and when it tries again."""

import json
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import urllib3
from tests.serving import in_a_thread

from hub_cli import transport
from hub_cli.connections import within
from hub_cli.errors import ClientError, NotAuthenticated, Refused, Unavailable, UsageError
from hub_cli.target import Target
from hub_cli.transport import UNDER_WAY_SECONDS, NotThere, Transport
from provider_hub.actions.idempotency import LEASE

Answer = tuple[int, Mapping[str, str], bytes]

TOKEN = "secret-token"
OK: Answer = (200, {}, b'{"slug": "acme"}')
DOWN: Answer = (503, {"Retry-After": "3"}, b'{"detail": "the database is down"}')


@dataclass
class Api:
    """Gives its answers in order, the last again and again, and remembers what was asked."""

    answers: Sequence[Answer] = (OK,)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def next(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        self.asked.append((method, path, headers, body))
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, given, content = made.next(self.command, self.path, headers, body)
            self.send_response(status)
            for name, value in {**given, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = do_CONNECT = answer  # noqa: N815 - the names that the base class calls

        def log_message(self, *_: object) -> None:
            """Quiet: a test says what it found itself."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    with in_a_thread(server):
        yield made


@dataclass
class Pauses:
    """A clock that only its own sleeping moves."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


Connect = Callable[..., Transport]


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def connect(api: Api, pauses: Pauses) -> Connect:
    def made(token: str | None = TOKEN, patience: float = 30) -> Transport:
        return Transport(Target(api.url, token), clock=pauses, sleep=pauses.sleep, patience=patience)

    return made


def test_a_request_carries_the_token_and_json(api: Api, connect: Connect) -> None:
    assert connect().request("POST", "/x", query={"q": "a b", "tags": ["c", "d"], "none": ""}, body={"a": 1}) == {
        "slug": "acme"
    }
    ((method, path, headers, body),) = api.asked
    assert (method, path) == ("POST", "/x?q=a+b&tags=c&tags=d")
    assert headers["authorization"] == "Bearer secret-token"
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {"a": 1}


def test_an_anonymous_request_carries_no_token(api: Api, connect: Connect) -> None:
    connect().request("GET", "/providers", anonymous=True)
    assert "authorization" not in api.asked[0][2]


def test_without_a_token_nothing_is_sent(api: Api, connect: Connect) -> None:
    with pytest.raises(NotAuthenticated, match="HUB_TOKEN"):
        connect(token=None).request("GET", "/x")
    assert api.asked == []


def test_what_is_down_for_a_moment_is_asked_again_with_the_same_key(api: Api, connect: Connect, pauses: Pauses) -> None:
    api.answers = (DOWN, DOWN, OK)
    assert connect().request("POST", "/x", body={}) == {"slug": "acme"}
    keys = [headers["idempotency-key"] for _, _, headers, _ in api.asked]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert pauses.now == 6


def test_two_requests_have_two_keys(api: Api, connect: Connect) -> None:
    transport = connect()
    transport.request("POST", "/x", body={})
    transport.request("POST", "/x", body={})
    assert len({headers["idempotency-key"] for _, _, headers, _ in api.asked}) == 2


def test_what_stays_down_is_told_once_patience_is_over(api: Api, connect: Connect, pauses: Pauses) -> None:
    api.answers = (DOWN,)
    with pytest.raises(Unavailable, match="the database is down"):
        connect(patience=10).request("GET", "/x")
    assert len(api.asked) == 4
    assert pauses.now <= 10


def test_a_redirect_is_not_followed_and_the_token_stays_here(api: Api, connect: Connect) -> None:
    api.answers = ((302, {"Location": f"{api.url}/elsewhere"}, b""),)
    with pytest.raises(Refused, match="the API answered 302"):
        connect().request("GET", "/x")
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        ((401, {}, b'{"detail": "Not authenticated"}'), NotAuthenticated, "it may be expired"),
        ((403, {}, b'{"detail": "only its author may"}'), Refused, "^only its author may$"),
        ((404, {}, b'{"detail": "there is no provider a/b"}'), NotThere, "^there is no provider a/b$"),
        ((409, {}, b'{"detail": "taken"}'), Refused, "^taken$"),
        (
            (422, {}, b'{"detail": [{"loc": ["body", "config", "A"], "msg": "bad"}, {"loc": ["body"], "msg": "no"}]}'),
            Refused,
            r"^config\.A: bad; no$",
        ),
        ((500, {}, b"<html>"), Refused, "^the API answered 500$"),
        ((500, {}, b'{"detail": 7}'), Refused, "^the API answered 500$"),
        ((200, {}, b"<html>"), Refused, "is the URL right"),
    ],
)  # fmt: skip
def test_each_answer_has_its_sentence(
    api: Api, connect: Connect, answer: Answer, kind: type[ClientError], told: str
) -> None:
    api.answers = (answer,)
    with pytest.raises(kind, match=told) as refused:
        connect().request("GET", "/x")
    assert "secret-token" not in str(refused.value)


def test_no_content_is_none(api: Api, connect: Connect) -> None:
    api.answers = ((204, {}, b""),)
    assert connect().request("DELETE", "/x") is None


def test_a_connection_that_is_refused_is_unavailable(pauses: Pauses) -> None:
    transport = Transport(Target("http://127.0.0.1:9", "t"), clock=pauses, sleep=pauses.sleep, patience=3)
    with pytest.raises(Unavailable, match="the connection is refused"):
        transport.request("DELETE", "/x")
    assert 0 < pauses.now <= 3


def test_a_request_that_is_under_way_already_is_waited_for(connect: Connect, api: Api, pauses: Pauses) -> None:
    busy: Answer = (409, {"Retry-After": "1"}, b'{"detail": "the same request is under way"}')
    api.answers = (*[busy] * 40, OK)
    assert connect(patience=10).request("POST", "/provider-versions", body={"a": 1}) == {"slug": "acme"}
    assert len({headers["idempotency-key"] for _, _, headers, _ in api.asked}) == 1
    assert pauses.now > 40


def test_a_request_that_stays_under_way_is_given_up_after_its_reservation_has_lapsed(
    connect: Connect, api: Api, pauses: Pauses
) -> None:
    api.answers = [(409, {"Retry-After": "1"}, b'{"detail": "the same request is under way"}')]
    with pytest.raises(Refused, match="under way"):
        connect().request("POST", "/provider-versions", body={})
    assert LEASE.total_seconds() + 30 < pauses.now <= UNDER_WAY_SECONDS


def test_a_conflict_without_retry_after_is_a_refusal_at_once(connect: Connect, api: Api) -> None:
    api.answers = [(409, {}, b'{"detail": "published with other bytes"}')]
    with pytest.raises(Refused, match="other bytes"):
        connect().request("POST", "/provider-versions", body={})
    assert len(api.asked) == 1


def test_too_many_requests_is_waited_for_as_long_as_the_api_asks(connect: Connect, api: Api, pauses: Pauses) -> None:
    api.answers = [(429, {"Retry-After": "7"}, b'{"detail": "slow down"}'), OK]
    assert connect().request("GET", "/organizations/me") == {"slug": "acme"}
    assert pauses.now == 7


@pytest.fixture
def proxied(api: Api, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """A client of a host that only the proxy, which `api` plays, leads to."""
    for name in ("no_proxy", "NO_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", api.url)

    def made(url: str = "https://hub.invalid") -> Transport:
        return Transport(Target(url, TOKEN), patience=0.1)

    return made


def test_https_proxy_is_asked_for_a_tunnel_and_sees_no_token(proxied: Connect, api: Api) -> None:
    api.answers = [(407, {}, b"")]
    with pytest.raises(Unavailable, match=r"the proxy that the environment names does not lead there .*407"):
        proxied().request("GET", "/organizations/me")
    assert {(method, path) for method, path, _, _ in api.asked} == {("CONNECT", "hub.invalid:443")}
    assert TOKEN not in str(api.asked)


def test_a_proxys_password_is_sent_to_the_proxy_alone(
    proxied: Connect, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", api.url.replace("http://", "http://someone:pass%40word@"))
    api.answers = [(407, {}, b"")]
    with pytest.raises(Unavailable) as refused:
        proxied().request("GET", "/organizations/me")
    assert "pass" not in str(refused.value)
    [(_, _, headers, _), *_] = api.asked
    assert headers["proxy-authorization"] == "Basic " + b64encode(b"someone:pass@word").decode()


@pytest.mark.parametrize("excepted", ["hub.invalid", ".invalid", "*"])
def test_no_proxy_names_hosts_that_are_asked_directly(
    proxied: Connect, api: Api, monkeypatch: pytest.MonkeyPatch, excepted: str
) -> None:
    monkeypatch.setenv("NO_PROXY", excepted)
    with pytest.raises(Unavailable, match="its name does not resolve"):
        proxied().request("GET", "/organizations/me")
    assert api.asked == []


def test_this_machine_is_never_asked_through_a_proxy(
    connect: Connect, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert connect().request("GET", "/organizations/me") == {"slug": "acme"}


@pytest.mark.parametrize("proxy", ["socks5://proxy:1080", "http://", "http://proxy:x"])
def test_a_proxy_that_cannot_be_used_is_told_without_its_value(
    proxied: Connect, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(UsageError, match="write it as http://host:port"):
        proxied()


def test_work_that_does_not_end_is_given_up() -> None:
    never = threading.Event()
    try:
        with pytest.raises(urllib3.exceptions.TimeoutError):
            within(0.05, never.wait)
    finally:
        never.set()


def test_an_answer_without_an_end_is_given_up(connect: Connect, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_LONGEST_ANSWER_BYTES", 1000)
    api.answers = [(200, {}, b"x" * 2000)]
    with pytest.raises(Refused, match="bytes; is the URL right"):
        connect().request("GET", "/organizations/me")

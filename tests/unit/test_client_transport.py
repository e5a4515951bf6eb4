"""One request of the client: what it sends, what it makes of each answer, and when it tries again."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from hub_cli.errors import ClientError, NotAuthenticated, Refused, Unavailable
from hub_cli.target import Target
from hub_cli.transport import NotThere, Transport

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

        do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names that the base class calls

        def log_message(self, *_: object) -> None:
            """Quiet: a test says what it found itself."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


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

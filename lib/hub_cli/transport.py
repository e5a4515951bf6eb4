"""One request to the API over HTTPS: its token, its answer as JSON, and trying again where that is safe."""

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import urllib3

from hub_cli.connections import cause, pool, within
from hub_cli.errors import ClientError, NotAuthenticated, Refused, Unavailable
from hub_cli.target import Target
from provider_hub.domain.deadlines import LONGEST_REQUEST

# A publish answers once the API has fetched and verified the wheel, which takes up to two minutes, and locked its
# dependencies, which takes up to one.
READ_SECONDS = 240.0
# One try, however slowly the host sends; a longer answer than this is none of the API's.
TRY_SECONDS = READ_SECONDS + 30
_LONGEST_ANSWER_BYTES = 64 * 1024**2
PATIENCE_SECONDS = 10.0
# Longer than the API keeps the reservation of a try whose process died: a minute more than any request takes. The next
# try then carries the request out.
UNDER_WAY_SECONDS = LONGEST_REQUEST.total_seconds() + 120
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 8.0
_PASSING = frozenset({502, 503, 504})
_PASSING_IF_TIMED = frozenset({409, 429})
_LONGEST_DETAIL = 2000

Query = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer that was read to its end."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class NotThere(Refused):
    """404: unknown, or not visible."""


class Transport:
    """Requests to one target. Redirects are not followed: the token is for this host alone.

    One that is not answered, or with a passing failure, is made again for `patience` seconds. One that the API says is
    under way already (409 with Retry-After: an earlier try whose connection broke off) is asked about until it is done.
    """

    def __init__(
        self,
        target: Target,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        patience: float,
    ) -> None:
        self._target = target
        self._clock = clock
        self._sleep = sleep
        self._patience = patience
        self._pool = pool(target.api_url, target.ca_file, read_seconds=READ_SECONDS)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
        anonymous: bool = False,
    ) -> Any:
        """The answer's JSON, None for an empty one.

        Raises NotThere, another Refused, NotAuthenticated, or Unavailable once patience is over.
        """
        headers = self._headers("application/json", anonymous=anonymous)
        if body is not None:
            headers["Content-Type"] = "application/json"
        if method == "POST":
            # Of all tries of this one request: a lost answer is then given again, and nothing is done twice.
            headers["Idempotency-Key"] = uuid.uuid4().hex
        url = f"{self._target.api_url}{path}{_encoded(query)}"
        content = None if body is None else json.dumps(body).encode()
        return _result(self._patiently(method, url, headers, content))

    def text(self, path: str, *, anonymous: bool = False) -> str:
        """What a GET is answered with where that is text of another kind. Raises as `request` does."""
        headers = self._headers("*/*", anonymous=anonymous)
        response = self._patiently("GET", f"{self._target.api_url}{path}", headers, None)
        if response.status >= 300:
            _result(response)
        return response.data.decode(errors="replace")

    def _headers(self, accept: str, *, anonymous: bool) -> dict[str, str]:
        headers = {"Accept": accept, "User-Agent": "provider-hub"}
        if not anonymous:
            headers["Authorization"] = f"Bearer {self._target.require_token()}"
        return headers

    def _patiently(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> _Answer:
        began = self._clock()
        deadline = began + self._patience
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                response = within(TRY_SECONDS, lambda: self._once(method, url, headers, content))
            except urllib3.exceptions.HTTPError as error:
                if not _may_repeat(method, error) or self._clock() + pause > deadline:
                    raise Unavailable(f"{self._target.api_url} does not answer: {cause(error)}.") from error
            else:
                asked = _retry_after(response)
                until = began + UNDER_WAY_SECONDS if response.status == 409 else deadline
                if not _may_pass(response) or self._clock() + max(pause, asked) > until:
                    return response
                self._sleep(max(0.0, asked - pause))
            self._sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _once(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> _Answer:
        """One try, with the whole answer read."""
        response = self._pool.request(method, url, headers=headers, body=content, redirect=False, preload_content=False)
        with response:
            content_of_answer = response.read(_LONGEST_ANSWER_BYTES + 1)
        if len(content_of_answer) > _LONGEST_ANSWER_BYTES:
            raise Refused(f"the server is not the API: it sent over {_LONGEST_ANSWER_BYTES} bytes; is the URL right?")
        return _Answer(response.status, response.headers, content_of_answer)


def _may_pass(response: _Answer) -> bool:
    """Whether the same request may be answered otherwise in a while."""
    return response.status in _PASSING or (response.status in _PASSING_IF_TIMED and "Retry-After" in response.headers)


def _may_repeat(method: str, error: urllib3.exceptions.HTTPError) -> bool:
    """A certificate stays wrong; a request that may have been carried out is repeated where that does no harm."""
    if isinstance(error, urllib3.exceptions.SSLError):
        return False
    never_sent = isinstance(
        error,
        urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError | urllib3.exceptions.ProxyError,
    )
    return never_sent or method in ("GET", "POST")


def _retry_after(response: _Answer) -> float:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else 0.0


def _encoded(query: Query | None) -> str:
    given = {name: value for name, value in (query or {}).items() if value}
    return "?" + urlencode(given, doseq=True) if given else ""


def _result(response: _Answer) -> Any:
    content = _parsed(response)
    if response.status < 300:
        return content
    raise _error(response.status, _sentence(content) or f"the API answered {response.status}")


def _parsed(response: _Answer) -> Any:
    if not response.data:
        return None
    try:
        return json.loads(response.data)
    except ValueError:
        if response.status < 300:
            raise Refused("the server is not the API: its answer is no JSON; is the URL right?") from None
        return None


def _error(status: int, sentence: str) -> ClientError:
    if status == 401:
        why = "it may be expired, or of the other realm; get a new one"
        return NotAuthenticated(f"the token is not accepted ({sentence}): {why}.")
    if status == 404:
        return NotThere(sentence)
    if status in _PASSING:
        return Unavailable(sentence)
    return Refused(sentence)


def _sentence(content: Any) -> str:
    """The human part of an error body; of a failed validation, each problem with its place."""
    detail = content.get("detail") if isinstance(content, dict) else None
    if isinstance(detail, list):
        detail = "; ".join(_problem(item) for item in detail if isinstance(item, dict))
    return detail[:_LONGEST_DETAIL] if isinstance(detail, str) else ""


def _problem(item: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in item.get("loc", ())[1:])
    return f"{place}: {item.get('msg')}" if place else str(item.get("msg"))

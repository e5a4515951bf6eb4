"""The HTTPS API as the demo and chaos use it: one request, one answer, no second try."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import urllib3

Json = dict[str, Any]

_ANSWER_SECONDS = 40.0


class UnexpectedAnswer(Exception):
    """The API answered with another status than the caller expects; the message has the API's own `detail`."""


@dataclass
class ApiClient:
    """Calls `api_url` with one bearer token, which is not followed through redirects."""

    api_url: str
    token: str
    http: urllib3.PoolManager = field(default_factory=urllib3.PoolManager)

    def send(self, method: str, path: str, body: Json | None = None) -> tuple[int, Json]:
        """The status and the JSON of the answer, `{}` for an empty one. `path` is with its query.

        Raises urllib3's HTTPError where the connection breaks, ValueError for an answer that is not JSON.
        """
        response = self.http.request(
            method,
            self.api_url + path,
            json=body,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=_ANSWER_SECONDS,
            retries=False,
        )
        answer: Json = response.json() if response.data else {}
        return response.status, answer

    def call(self, method: str, path: str, body: Json | None = None, *, expect: Sequence[int]) -> Json:
        """The JSON of the answer. Raises UnexpectedAnswer for a status that `expect` does not name, else as `send`."""
        status, answer = self.send(method, path, body)
        if status not in expect:
            raise UnexpectedAnswer(f"{method} {path} was answered with {status}: {answer.get('detail')}")
        return answer

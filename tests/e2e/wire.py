"""Requests over the running stack's own port, as they are written: no client in between tidies a path or a body."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from tests.contract_checker import check_answer


@dataclass(frozen=True)
class Answer:
    """What came back; `headers` by their lower-case names."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.content)


def request(
    url: str,
    method: str,
    path: str,
    token: str | None = None,
    *,
    body: Any = None,
    raw: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The answer to one request, which must be one that the description has; `raw` is sent instead of `body`."""
    content = raw if raw is not None else b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    given = {"Content-Type": "application/json"} if body is not None else {}
    given |= {"Authorization": f"Bearer {token}"} if token is not None else {}
    connection = HTTPConnection(urlsplit(url).netloc, timeout=40)
    try:
        connection.request(method, path, content or None, {**given, **(headers or {})})
        response = connection.getresponse()
        told = {name.lower(): value for name, value in response.getheaders()}
        answer = Answer(response.status, told, response.read())
    finally:
        connection.close()
    check_answer(method, path, answer.status, answer.headers, answer.content)
    return answer

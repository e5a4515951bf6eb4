"""What a hostile input is, and the ground that it is tried on."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local_stack.stack_file import wheels_dir
from tests.integration.tenants import Tenants

# A connection that is closed without an answer: the server did not even speak to the caller.
CLOSED = 0
REFUSED = frozenset({CLOSED, *range(400, 500)})
METADATA = {"display_name": "Hostile", "description": "A provider that means harm"}


@dataclass(frozen=True)
class Ground:
    """A furnished stack, seen by an attacker: their tokens, wheels that they host, and the hub's own ports."""

    tenants: Tenants
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def stack(self) -> Any:
        return self.tenants.deployed.stack

    def send(
        self,
        method: str,
        path: str,
        token: str | None = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> int:
        """The status of the answer, CLOSED where the connection ended without one."""
        given = {"Authorization": f"Bearer {token}"} if token is not None else {}
        connection = HTTPConnection(urlsplit(self.stack.info.api_url).netloc, timeout=60)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in {"Content-Type": "application/json", **given, **(headers or {})}.items():
                connection.putheader(name, value.encode("utf-8", "surrogateescape"))
            if raw is not None and "Transfer-Encoding" not in (headers or {}):
                connection.putheader("Content-Length", str(len(raw)))
            connection.endheaders(raw)
            response = connection.getresponse()
            response.read()
        except (HTTPException, OSError):
            return CLOSED
        else:
            return response.status
        finally:
            connection.close()

    def publish(self, wheel_url: str | None = None, **fields: Any) -> int:
        """A new version of a provider of the attacker's own."""
        version = f"1.0.{next(self._numbers)}"
        body = {"name": "acme/hostile", "version": version, "metadata": METADATA, "wheel_url": wheel_url or NOWHERE}
        return self.send("POST", "/provider-versions", self.tenants.machine, raw=encoded({**body, **fields}))

    def install(self, **fields: Any) -> int:
        body = {"provider_name": "acme/radio", "version": "1.0.0", **fields}
        return self.send("POST", "/providers/install", self.tenants.user, raw=encoded(body))

    def host(self, content: bytes, file_name: str) -> str:
        """The URL of these bytes on a host that the hub may fetch from."""
        folder = wheels_dir(Path(self.stack.state_dir))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file_name).write_bytes(content)
        return f"{self.stack.info.wheels_url}/{file_name}"


NOWHERE = "https://wheels.invalid/hostile-1.0.0-py3-none-any.whl"


@dataclass(frozen=True)
class Hostile:
    """One input: `attempt` sends it and returns a status, which must be one of `expected`."""

    family: str
    name: str
    function: str
    attempt: Callable[[Ground], int]
    expected: frozenset[int] = REFUSED

    def __str__(self) -> str:
        return f"{self.family}-{self.name}"


def encoded(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=True).encode()

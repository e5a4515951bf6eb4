"""One tenant does its worst, and how long another's requests take meanwhile."""

import json
import math
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from local_stack.stack_file import keys_dir
from provider_hub.domain.installation import Installation
from provider_hub.domain.messages import check_in_token
from provider_hub.domain.names import ProviderName
from tests.builders import CLOUD, version
from tests.hostile.artifacts import FILE, slow_wheel
from tests.hostile.inputs import Ground, encoded

# Cloud Armor lets one address make as many requests a minute (terraform/gateway.tf).
A_SECOND = 600 / 60
FLOOD = 12
SLOW = ProviderName("acme", "radio")
# Each `anyOf` doubles the work of the one before it.
DOUBLING = {
    "$defs": {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(24)} | {"d24": False},
    "anyOf": [{"$ref": "#/$defs/d0"}],
}


class Api:
    """One caller's connection, which is kept."""

    def __init__(self, ground: Ground, token: str) -> None:
        self._connection = HTTPConnection(urlsplit(ground.stack.info.api_url).netloc, timeout=60)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        self._connection.request(method, path, None if body is None else encoded(body), self._headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        self._connection.close()


def check_in(ground: Ground, row: Installation, **fields: Any) -> bytes:
    """A genuine check-in of a pod of that installation."""
    key = (keys_dir(ground.stack.state_dir) / "check-in").read_bytes()
    said = {
        "organization_id": row.organization_id,
        "installation_id": row.installation_id,
        "provider": row.canonical,
        "version": row.revision.version,
        "generation": row.generation,
        "token": check_in_token(key, row.organization_id, row.installation_id, row.generation),
        "sent_at": datetime.now(UTC).isoformat(),
    }
    return json.dumps(said | fields).encode()


def publish_check_ins(ground: Ground, payloads: list[bytes]) -> None:
    connection = HTTPConnection(ground.stack.info.pubsub_emulator_host, timeout=60)
    try:
        body = json.dumps({"messages": [{"data": b64encode(payload).decode()} for payload in payloads]})
        path = f"/v1/projects/{ground.stack.info.project}/topics/runtime-check-ins:publish"
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        assert connection.getresponse().status == 200
    finally:
        connection.close()


@dataclass
class Crowd:
    """What one tenant does at once: bodies that never end, dear wheels and configs, check-ins, and all that may be
    read, as often as an address may call."""

    ground: Ground
    row: Installation
    over: threading.Event = field(default_factory=threading.Event)
    answers: set[int] = field(default_factory=set)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        self.over.clear()
        self.ground.host(slow_wheel(), FILE)
        deeds = (self._publish, self._configure, self._configure, self._flood, self._read)
        threads = [threading.Thread(target=self._repeat, args=(deed,)) for deed in deeds]
        with ExitStack() as begun:
            for path in ("/provider-versions", "/providers/install", "/upload/", "/_/oidc/mint-token"):
                for _ in range(FLOOD // 4):
                    begun.callback(self._unfinished(path).close)
            for _ in range(FLOOD):
                begun.enter_context(self._half_a_head())
            for thread in threads:
                thread.start()
            try:
                yield
            finally:
                self.over.set()
                for thread in threads:
                    thread.join()

    def _unfinished(self, path: str) -> HTTPConnection:
        """A request whose body is announced; the gateway passes on what is over 64 KiB as it comes."""
        connection = HTTPConnection(urlsplit(self.ground.stack.info.api_url).netloc, timeout=60)
        connection.putrequest("POST", path)
        for name, value in {
            "Authorization": f"Bearer {self.ground.tenants.machine}",
            "Content-Length": "100000",
            "Content-Type": "multipart/form-data; boundary=x",
        }.items():
            connection.putheader(name, value)
        connection.endheaders(b"{")
        return connection

    def _half_a_head(self) -> socket.socket:
        """A request whose headers never end."""
        api = urlsplit(self.ground.stack.info.api_url)
        connection = socket.create_connection((api.hostname, api.port))
        connection.sendall(b"GET /providers HTTP/1.1\r\nHost: localhost\r\nX-")
        return connection

    def _repeat(self, deed: Callable[[Api], None]) -> None:
        api = Api(self.ground, self.ground.tenants.user)
        while not self.over.is_set():
            try:
                deed(api)
            except (HTTPException, OSError):
                api.close()
            self.over.wait(1 / A_SECOND)
        api.close()

    def _publish(self, _api: Api) -> None:
        self.answers.add(self.ground.publish(f"{self.ground.stack.info.wheels_url}/{FILE}"))

    def _configure(self, api: Api) -> None:
        body = {"provider_name": str(SLOW), "version": "9.0.0", "config": {"A": "x"}}
        self.answers.add(api.call("POST", "/providers/install", body)[0])

    def _flood(self, _api: Api) -> None:
        publish_check_ins(self.ground, [check_in(self.ground, self.row, message="token" + " " * 60_000)] * FLOOD)
        self.over.wait(1)

    def _read(self, api: Api) -> None:
        for path in ("/providers/installed", "/providers?q=tells", f"/providers/installed/{self.row.canonical}/logs"):
            self.answers.add(api.call("GET", path)[0])


@dataclass
class Neighbour:
    """Another tenant, that reads, installs and is checked in; `alone` and `crowded` are the seconds that each took."""

    ground: Ground
    row: Installation
    api: Api
    requests: dict[str, list[float]] = field(default_factory=lambda: {"alone": [], "crowded": []})
    check_ins: dict[str, list[float]] = field(default_factory=lambda: {"alone": [], "crowded": []})
    _numbers: Iterator[int] = field(default_factory=count)

    def live(self, phase: str, seconds: float) -> None:
        """Do all of it, again and again, for so long."""
        end = time.monotonic() + seconds
        self._be_checked_in(phase)
        while time.monotonic() < end:
            self._timed(phase, 200, "GET", f"/providers/installed/{CLOUD}")
            self._timed(phase, 200, "GET", f"/providers/{CLOUD}")
            self._timed(phase, 409, "POST", "/providers/install", {"provider_name": str(CLOUD)})

    def _timed(self, phase: str, expected: int, method: str, path: str, body: Any = None) -> None:
        began = time.perf_counter()
        status, answer = self.api.call(method, path, body)
        self.requests[phase].append(time.perf_counter() - began)
        assert status == expected, answer

    def _be_checked_in(self, phase: str) -> None:
        """Until the row shows what the pod said."""
        said = f"word {next(self._numbers)}"
        began = time.perf_counter()
        publish_check_ins(self.ground, [check_in(self.ground, self.row, health="degraded", message=said)])
        while json.loads(self.api.call("GET", f"/providers/installed/{CLOUD}")[1])["health_message"] != said:
            assert time.perf_counter() - began < 60, "the check-in is not taken"
            time.sleep(0.005)
        self.check_ins[phase].append(time.perf_counter() - began)


@dataclass(frozen=True)
class Figures:
    """99 in 100 requests were answered, and the median check-in was taken, within these seconds."""

    requests: float
    check_ins: float

    @classmethod
    def of(cls, neighbour: Neighbour, phase: str) -> "Figures":
        ordered, taken = sorted(neighbour.requests[phase]), sorted(neighbour.check_ins[phase])
        return cls(ordered[math.ceil(len(ordered) * 0.99) - 1], taken[len(taken) // 2])


@contextmanager
def neighbours(ground: Ground) -> Iterator[tuple[Neighbour, Crowd]]:
    """A tenant that lives quietly, and one that does its worst when it is told to."""
    tenants = ground.tenants
    tenants.release(version("9.0.0", SLOW, config_schema=json.dumps(DOUBLING)))
    row = tenants.install(ProviderName("acme", "weather"), "1.1.0")
    quiet = tenants.install(CLOUD, "1.0.0", organization_id="org_quiet", organization_slug="quiet")
    neighbour = Neighbour(ground, quiet, Api(ground, tenants.issuer.user("quiet")))
    try:
        yield neighbour, Crowd(ground, row)
    finally:
        neighbour.api.close()

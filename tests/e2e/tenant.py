"""A tenant and its CI, as clients of the HTTPS API."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

from local_stack.running import Stack

Json = dict[str, Any]
# Of a deploy on the stack that the tests share: short enough to be waited for.
DEADLINE_SECONDS = 25
METADATA = {"display_name": "Weather", "description": "Readings of weather stations"}


@dataclass
class Tenant:
    stack: Stack
    slug: str
    http: urllib3.PoolManager = field(default_factory=urllib3.PoolManager)

    def call(self, method: str, path: str, body: Any = None, *, expect: int = 200, patient: bool = False) -> Any:
        """The answer's JSON; fails the test on another status than expected.

        With `patient`, a 503 is asked again after the time that it names, as a client does while a function restarts.
        """
        headers = {"Authorization": f"Bearer {self.stack.tokens.machine(self.slug)}"}
        url = self.stack.info.api_url + path
        response = self.http.request(method, url, json=body, headers=headers, timeout=40, retries=False)
        if patient and response.status == 503:
            time.sleep(int(response.headers["Retry-After"]))
            return self.call(method, path, body, expect=expect, patient=patient)
        assert response.status == expect, f"{method} {path}: {response.status} {response.data.decode()}"
        return response.json() if response.data else None

    def publish(self, name: str, version: str, wheel: Path, *, expect: int = 201, **fields: Any) -> Json:
        added = self.stack.add_wheel(wheel)
        body = {
            "name": f"{self.slug}/{name}",
            "version": version,
            "wheel_url": added.url,
            "sha256": added.sha256,
            "metadata": METADATA,
            **fields,
        }
        published: Json = self.call("POST", "/provider-versions", body, expect=expect)
        return published

    def install(self, name: str, **fields: Any) -> Json:
        wish = {"provider_name": f"{self.slug}/{name}", **fields}
        row: Json = self.call("POST", "/providers/install", wish, expect=201)
        return row

    def path(self, name: str, rest: str = "") -> str:
        return f"/providers/installed/{self.slug}/{name}{rest}"

    def row(self, name: str) -> Json:
        found: Json = self.call("GET", self.path(name))
        return found

    def until(self, name: str, reached: Callable[[Json], bool], seconds: float = 60, rest: str = "") -> Json:
        """The row (or what is under it at `rest`) once `reached`; fails with the last one when the time is up."""
        deadline = time.monotonic() + seconds
        while not reached(found := self.call("GET", self.path(name, rest), patient=True)):
            assert time.monotonic() < deadline, f"after {seconds} s: {found}"
            time.sleep(0.1)
        return found

    def until_ready(self, path: str, version: str, seconds: float = 60) -> Json:
        """The row at `path` once that version's runtime has checked in."""
        deadline = time.monotonic() + seconds
        while (row := self.call("GET", path, patient=True))["current_version"] != version or row[
            "lifecycle_state"
        ] != "ready":
            assert time.monotonic() < deadline, f"after {seconds} s: {row}"
            time.sleep(0.1)
        return dict(row)

    def until_state(self, name: str, state: str, seconds: float = 60) -> Json:
        return self.until(name, lambda row: row["lifecycle_state"] == state, seconds)

    def until_available(self, name: str) -> Json:
        """The deployment's status: the cluster counts a replica as ready a moment after its check-in."""
        return self.until(name, lambda status: status["status"] == "available", rest="/deployment")

    def until_gone(self, name: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while any(row["name"] == name for row in self.call("GET", "/providers/installed", patient=True)):
            assert time.monotonic() < deadline, f"{name} is still there after {seconds} s"
            time.sleep(0.1)

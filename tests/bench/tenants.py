"""A running stack as tenants use it: published versions, installs and the wait for what comes of them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

from local_stack.running import Stack
from local_stack.sample_wheels import build_wheel
from local_stack.wheelhost import AddedWheel

PROVIDER = "platform/weather"
_METADATA = {"display_name": "Weather", "description": "Readings of weather stations"}


@dataclass
class Platform:
    """The platform's release CI and any number of tenants."""

    stack: Stack
    http: urllib3.PoolManager = field(default_factory=urllib3.PoolManager)

    def publish(self, version: str, folder: Path) -> None:
        self.publish_wheel(PROVIDER, version, self.stack.add_wheel(build_wheel(version, folder)))

    def publish_wheel(self, provider: str, version: str, added: AddedWheel) -> None:
        body = {
            "name": provider,
            "version": version,
            "wheel_url": added.url,
            "sha256": added.sha256,
            "metadata": _METADATA,
        }
        self.call(self.stack.tokens.console_machine(), "POST", "/console/provider-versions", body)

    def install(self, slug: str, version: str, provider: str = PROVIDER) -> None:
        self.of(slug, "POST", "/providers/install", {"provider_name": provider, "version": version})

    def text(self, path: str) -> str:
        """What anybody may read, as it is."""
        response = self.http.request("GET", self.stack.info.api_url + path, timeout=60)
        if response.status != 200:
            raise AssertionError(f"GET {path} was answered with {response.status}: {response.data!r}")
        return response.data.decode()

    def of(self, slug: str, method: str, path: str, body: Any = None) -> Any:
        return self.call(self.stack.tokens.user(slug), method, path, body)

    def call(self, token: str, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON. Raises AssertionError for a refusal."""
        headers = {"Authorization": f"Bearer {token}"}
        response = self.http.request(method, self.stack.info.api_url + path, json=body, headers=headers, timeout=60)
        if response.status >= 400:
            raise AssertionError(f"{method} {path} was answered with {response.status}: {response.data!r}")
        return response.json() if response.data else None

"""Proves a deployment with its main job: publishes the sample provider, installs it, waits READY, uninstalls it.

    python -m terraform.tools.smoke --url https://hub.example.com --version 1.0.0 --wheel-url https://… --sha256 …

It speaks HTTPS alone, as a tenant's CI would. The token of the customer realm comes from HUB_TOKEN, or, where tokens
live shorter than a first deployment takes, from the command in HUB_TOKEN_COMMAND, which is run for every request.
Exit status: 0 all of it worked, 1 a step did not; the last line says which.
"""

import argparse
import json
import os
import shlex
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

NAME = "smoke-weather"
_CALL_SECONDS = 200.0
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_NOT_YET = frozenset({404, 502, 503})  # what a load balancer says while it learns of its backends


class SmokeFailed(Exception):
    """A step did not come out as it should; the message says which and what came instead."""


@dataclass(frozen=True)
class Waits:
    """Limits in seconds: until the load balancer answers, until READY, until removed; and between two looks."""

    reachable: float = 3600
    ready: float = 600
    gone: float = 300
    poll: float = 5


@dataclass(frozen=True)
class Sample:
    """The published wheel of the sample provider."""

    version: str
    wheel_url: str
    sha256: str


class Api:
    """The deployed API; `token` gives a fresh bearer token."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise SmokeFailed(f"{url} is not https: a token is not sent over it")
        self._url = url.rstrip("/")
        self._token = token
        self._opener = build_opener(_NoRedirects, HTTPSHandler(context=ssl.create_default_context()))

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Status and decoded answer. Raises URLError where nothing answers."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token()}"}
        request = Request(self._url + path, data, headers, method=method)  # noqa: S310 - https, see above
        try:
            with self._opener.open(request, timeout=_CALL_SECONDS) as response:
                return response.status, _decoded(response.read())
        except HTTPError as error:
            with error:
                return error.code, _decoded(error.read())

    def expect(self, wanted: int, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer, whose status must be `wanted`. Raises SmokeFailed."""
        try:
            status, answer = self.call(method, path, body)
        except OSError as error:
            raise SmokeFailed(f"{method} {path}: {error}") from error
        if status != wanted:
            raise SmokeFailed(f"{method} {path} answered {status} instead of {wanted}: {str(answer)[:500]}")
        return answer

    def answers(self) -> bool:
        """Whether /health is reached through a valid certificate."""
        try:
            status, _ = self.call("GET", "/health")
        except URLError:
            return False
        if status == 200:
            return True
        if status not in _NOT_YET:
            raise SmokeFailed(f"GET /health answered {status}")
        return False


def run(api: Api, sample: Sample, waits: Waits, say: Callable[[str], None] = print) -> None:
    """Go through the main job. Raises SmokeFailed."""
    say("waiting for the API, whose certificate may take an hour the first time")
    _wait(api.answers, "the API answers over HTTPS", waits.reachable, waits.poll)
    slug = api.expect(200, "GET", "/organizations/me")["slug"]
    path = f"/providers/installed/{slug}/{NAME}"
    _remove(api, path, waits, say)
    say(f"publishing {slug}/{NAME} {sample.version}")
    api.expect(201, "POST", "/provider-versions", publication(slug, sample))
    say("installing it")
    # A secret value is sealed by one function and opened by another: both have to reach the key.
    config = {"SMOKE_TEST": {"secret": sample.version}}
    wish = {"provider_name": f"{slug}/{NAME}", "resource_tier": "free", "config": config}
    api.expect(201, "POST", "/providers/install", wish)
    started = time.monotonic()
    _wait(lambda: _is_ready(api, path), "READY", waits.ready, waits.poll)
    say(f"READY after {time.monotonic() - started:.0f} s")
    _remove(api, path, waits, say)


def publication(slug: str, sample: Sample) -> Mapping[str, Any]:
    """What publishing the sample sends, for the organization with this slug."""
    return {
        "name": f"{slug}/{NAME}",
        "version": sample.version,
        "wheel_url": sample.wheel_url,
        "sha256": sample.sha256,
        "package_name": "weather_provider",
        "metadata": {"display_name": "Smoke test", "description": "The sample provider, published by the smoke test."},
    }


def _is_ready(api: Api, path: str) -> bool:
    row = api.expect(200, "GET", path)
    if row["lifecycle_state"] == "failed":
        raise SmokeFailed(f"the installation failed: {row.get('failure_message')}")
    return bool(row["lifecycle_state"] == "ready" and row["health"] == "healthy")


def _remove(api: Api, path: str, waits: Waits, say: Callable[[str], None]) -> None:
    """Uninstall what is installed, also what a run before this one left behind."""
    status, _ = api.call("GET", path)
    if status == 404:
        return
    say("uninstalling it")
    api.call("DELETE", f"{path}?cascade=true")
    _wait(lambda: api.call("GET", path)[0] == 404, "the installation is gone", waits.gone, waits.poll)


def _wait(condition: Callable[[], bool], what: str, limit: float, poll: float) -> None:
    ends_at = time.monotonic() + limit
    while not condition():
        if time.monotonic() >= ends_at:
            raise SmokeFailed(f"not within {limit:g} s: {what}")
        time.sleep(poll)


def token_source(environment: Mapping[str, str]) -> Callable[[], str]:
    """How to get a token, from the environment. Raises SmokeFailed when it says nothing."""
    command = environment.get("HUB_TOKEN_COMMAND")
    if command:
        return lambda: _token_of(shlex.split(command))
    token = environment.get("HUB_TOKEN")
    if not token:
        raise SmokeFailed("set HUB_TOKEN_COMMAND to a command that prints a customer token, or HUB_TOKEN to one")
    return lambda: token


def _token_of(command: list[str]) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the operator's own command
    lines = ran.stdout.split()
    if ran.returncode or not lines:
        raise SmokeFailed(f"HUB_TOKEN_COMMAND ended with {ran.returncode} and printed no token: {ran.stderr[-300:]}")
    return lines[-1]


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")


class _NoRedirects(HTTPRedirectHandler):
    """A redirect would take the token along."""

    def redirect_request(self, *_: Any) -> None:
        return None


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Publish, install and uninstall the sample provider.")
    for option in ("--url", "--version", "--wheel-url", "--sha256"):
        parser.add_argument(option, required=True)
    given = parser.parse_args(arguments)
    try:
        api = Api(given.url, token_source(os.environ))
        run(api, Sample(given.version, given.wheel_url, given.sha256), Waits())
    except SmokeFailed as failure:
        print(f"smoke test failed: {failure}", file=sys.stderr)
        return 1
    print("smoke test passed")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

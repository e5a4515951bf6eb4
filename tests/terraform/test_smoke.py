"""The smoke test goes through the main job, leaves nothing behind, and says where it stopped."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from terraform.tools.smoke import NAME, Api, Sample, SmokeFailed, Waits, run, token_source
from tests.serving import in_a_thread

SAMPLE = Sample("1.0.7", "https://wheels.example/weather_provider-1.0.7-py3-none-any.whl", "0" * 64)
SOON = Waits(reachable=5, ready=5, gone=5, poll=0.01)
ROW = f"/providers/installed/acme/{NAME}"


@dataclass
class Hub:
    """A hub with one installation at most, which is READY at the third look, and gone at the second after removal."""

    calls: list[tuple[str, str]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    published: dict[str, Any] = field(default_factory=dict)
    looks: int = -1  # below zero: not installed
    looks_left: int = -1  # before it is gone
    fails_with: str | None = None
    unavailable: int = 0

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        self.calls.append((method, path))
        if self.unavailable > 0:
            self.unavailable -= 1
            return 503, "no healthy upstream"
        answers = {
            ("GET", "/health"): lambda: (200, {"status": "ok"}),
            ("GET", "/organizations/me"): lambda: (200, {"slug": "acme"}),
            ("POST", "/provider-versions"): lambda: self._publish(body),
            ("POST", "/providers/install"): self._install,
            ("GET", ROW): self._look,
            ("DELETE", f"{ROW}?cascade=true"): self._remove,
        }
        return answers[(method, path)]()

    def _publish(self, body: dict[str, Any]) -> tuple[int, Any]:
        self.published = body
        return 201, body

    def _install(self) -> tuple[int, Any]:
        self.looks = 0
        return 201, {}

    def _look(self) -> tuple[int, Any]:
        if self.looks_left == 0:
            self.looks, self.looks_left = -1, -1
        if self.looks < 0:
            return 404, {"detail": "not installed"}
        self.looks += 1
        self.looks_left -= 1
        state = "failed" if self.fails_with else "ready" if self.looks >= 3 else "processing"
        return 200, {"lifecycle_state": state, "health": "healthy", "failure_message": self.fails_with}

    def _remove(self) -> tuple[int, Any]:
        self.looks_left = 1
        return 202, {}


@contextmanager
def serving(hub: Hub) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def _respond(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            hub.tokens.add(str(self.headers["Authorization"]))
            status, answer = hub.answer(self.command, self.path, body)
            payload = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_DELETE = _respond  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with in_a_thread(server):
        yield f"http://127.0.0.1:{server.server_port}"


def smoke(hub: Hub) -> list[str]:
    said: list[str] = []
    with serving(hub) as url:
        run(Api(url, lambda: "token"), SAMPLE, SOON, said.append)
    return said


def test_it_publishes_installs_waits_for_ready_and_uninstalls() -> None:
    hub = Hub()
    said = smoke(hub)
    changes = [call for call in hub.calls if call[0] != "GET"]
    assert changes == [
        ("POST", "/provider-versions"),
        ("POST", "/providers/install"),
        ("DELETE", f"{ROW}?cascade=true"),
    ]
    assert (hub.published["name"], hub.published["version"]) == (f"acme/{NAME}", "1.0.7")
    assert hub.published["metadata"]["display_name"], "a provider's first version needs it"
    assert hub.looks == -1, "nothing is left installed"
    assert any(line.startswith("READY after") for line in said)


def test_what_a_run_before_left_installed_is_removed_first() -> None:
    hub = Hub(looks=5)
    smoke(hub)
    assert [call for call in hub.calls if call[0] == "DELETE"] == [("DELETE", f"{ROW}?cascade=true")] * 2


def test_it_waits_while_the_load_balancer_knows_no_backend() -> None:
    hub = Hub(unavailable=3)
    smoke(hub)
    assert hub.calls[:4] == [("GET", "/health")] * 4


def test_a_failed_installation_ends_it_with_the_reason() -> None:
    with pytest.raises(SmokeFailed, match="the installation failed: ImportError: no module named rain"):
        smoke(Hub(fails_with="ImportError: no module named rain"))


def test_a_token_is_not_sent_without_tls() -> None:
    with pytest.raises(SmokeFailed, match=r"http://hub\.example\.com is not https"):
        Api("http://hub.example.com", lambda: "token")


def test_a_token_comes_from_a_command_or_a_variable() -> None:
    assert token_source({"HUB_TOKEN": "plain"})() == "plain"
    assert token_source({"HUB_TOKEN_COMMAND": "printf 'signing in\\nfresh\\n'", "HUB_TOKEN": "plain"})() == "fresh"


def test_without_a_token_it_says_how_to_give_one() -> None:
    with pytest.raises(SmokeFailed, match="set HUB_TOKEN_COMMAND"):
        token_source({})


def test_a_token_command_that_fails_is_told_without_its_output() -> None:
    with pytest.raises(SmokeFailed, match="ended with 1 and printed no token"):
        token_source({"HUB_TOKEN_COMMAND": "false"})()

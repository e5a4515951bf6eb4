"""Keeps Terraform's states in memory for its backend `http`.

The backend `local` writes the whole state after each resource, which is more than half of an apply's time. This one
gets it at the end, as the bucket of a real deployment does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.serving import in_a_thread


@dataclass
class StateServer:
    """The text of each state by its path, and the address below which the paths are."""

    url: str = ""
    states: dict[str, bytes] = field(default_factory=dict)


@contextmanager
def state_server() -> Iterator[StateServer]:
    """Serve on a free port for as long as the block lasts."""
    kept = StateServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state = kept.states.get(self.path)
            self._answer(404 if state is None else 200, state or b"")

        def do_POST(self) -> None:
            kept.states[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(200)

        def _answer(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}"
    with in_a_thread(server):
        yield kept

"""The two addresses that Kubernetes probes: `/healthz` and `/readyz`."""

import socketserver
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6
from types import TracebackType
from typing import Any, Self

from pragma_runtime.errors import SettingsError


class Readiness:
    """How far the runtime is. Plain attributes, because a signal handler sets them and must not wait for a lock."""

    def __init__(self) -> None:
        self.phase = "starting"
        self.ready = False
        self.stopping = False

    def answer(self) -> tuple[HTTPStatus, str]:
        """Status and body of `/readyz`: 200 once ready and until stopping, else 503 with the phase."""
        if self.stopping:
            return HTTPStatus.SERVICE_UNAVAILABLE, "stopping"
        if not self.ready:
            return HTTPStatus.SERVICE_UNAVAILABLE, self.phase
        return HTTPStatus.OK, "ready"


class HealthServer:
    """Serves a Readiness from a thread of its own, for as long as the `with` block lasts."""

    def __init__(self, address: str, port: int, readiness: Readiness) -> None:
        """Listens at once; raises SettingsError where it cannot."""

        class Handler(_Handler):
            state = readiness

        class Server(_Server):
            address_family = AF_INET6 if ":" in address else AF_INET

        try:
            self._server = Server((address, port), Handler)
        except OSError as error:
            raise SettingsError(
                f"Cannot listen on PRAGMA_LISTEN_ADDRESS {address}, PRAGMA_PORT {port}: {error.strerror}."
            ) from None
        self._thread = threading.Thread(target=self._serve, name="health server", daemon=True)

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.1)  # how long the end of the process waits for it

    @property
    def port(self) -> int:
        """The port that it listens on, which the system chose where 0 was asked for."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    def server_bind(self) -> None:
        # HTTPServer's own looks up the address's name, which takes seconds where DNS does not answer.
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A prober that hangs up is no event, and its traceback would bury what the log is read for.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    state: Readiness
    protocol_version = "HTTP/1.1"
    server_version = "pragma-runtime"
    sys_version = ""
    timeout = 10  # seconds for a caller to send its request, or its next one

    def do_GET(self) -> None:
        status, text = self._answer()
        body = f"{text}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name http.server calls

    def _answer(self) -> tuple[HTTPStatus, str]:
        path = self.path.partition("?")[0]
        if path == "/healthz":
            return HTTPStatus.OK, "ok"
        if path == "/readyz":
            return self.state.answer()
        return HTTPStatus.NOT_FOUND, "not found; there are /healthz and /readyz"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature of http.server
        """Says nothing: probes come every few seconds."""

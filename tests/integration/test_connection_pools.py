"""A client that all threads of a process share keeps a connection for each of them."""

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import google.auth
import pytest
from google.auth import iam
from google.auth.credentials import Credentials
from kubernetes import client
from tests.serving import in_a_thread

from provider_hub.actions.read_logs import ArchiveQuery
from provider_hub.adapters import cloud_logging
from provider_hub.adapters.artifacts.signers import IamSigner
from provider_hub.adapters.kubernetes.api import APPLIED_AT_ONCE, KubernetesApi
from provider_hub.adapters.sealing.cloud_kms import CloudKms
from provider_hub.settings.logs import Logs

THREADS = 24
_QUERY = ArchiveQuery("org-acme", "01A", datetime(2020, 1, 1, tzinfo=UTC), (), 10, newest=False)
_ANSWER = json.dumps({"entries": [], "metadata": {}, "ciphertext": "eA==", "signedBlob": "eA=="}).encode()

Call = Callable[[], object]


class Server(ThreadingHTTPServer):
    """Answers once `together` requests are there, and counts the connections that they came by."""

    request_queue_size = 2 * THREADS
    together = threading.Barrier(1)
    # Waits at its end until every connection is closed, and so leaves none to a later test.
    daemon_threads = False

    def server_activate(self) -> None:
        super().server_activate()
        self.connections: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.append(request)
        super().process_request(request, client_address)

    def server_close(self) -> None:
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.together.wait(10)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(_ANSWER)))
        self.end_headers()
        self.wfile.write(_ANSWER)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_args: object) -> None:
        """Requests are not news."""


class OfNoUseTwice(Credentials):
    """Each call needs another token, which the same server gives."""

    service_account_email = "hub@p.iam.gserviceaccount.com"

    def __init__(self, url: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.token = "t"
        self._url = url

    def refresh(self, request: Callable[..., object]) -> None:
        request(url=f"{self._url}/token", method="GET")

    def before_request(self, request: Callable[..., object], *_: object) -> None:
        self.refresh(request)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    with in_a_thread(server):
        yield server


def cluster(server: Server) -> Call:
    api = KubernetesApi(client.Configuration(host=server.url))
    return lambda: api.get("Pod", "org-acme", "p")


def logs(server: Server) -> Call:
    archive = cloud_logging.connect(Logs(logs_view="v", logs_endpoint=server.url), "")
    assert archive is not None
    return lambda: archive.read(_QUERY)


def key_service(server: Server) -> Call:
    kms = CloudKms("projects/p", endpoint=server.url)
    return lambda: kms.wrap(b"key")


def signer(_server: Server) -> Call:
    iam_signer = IamSigner()
    return lambda: iam_signer.sign(b"url")


@pytest.mark.parametrize(
    ("connect", "callers", "pools"),
    [
        (cluster, THREADS + APPLIED_AT_ONCE, 1),
        (logs, THREADS, 1),
        (key_service, THREADS, 2),
        (signer, THREADS, 1),
    ],
    ids=["cluster", "logs", "key service", "signer"],
)
def test_no_thread_opens_a_connection_that_is_thrown_away(
    connect: Callable[[Server], Call],
    callers: int,
    pools: int,
    server: Server,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("THREADS", str(THREADS))
    monkeypatch.setattr(google.auth, "default", lambda **_: (OfNoUseTwice(server.url), "p"))
    monkeypatch.setattr(iam, "_IAM_SIGN_ENDPOINT", f"{server.url}/{{}}:signBlob")
    call = connect(server)
    server.together = threading.Barrier(callers)
    with caplog.at_level(logging.WARNING, "urllib3"), ThreadPoolExecutor(callers) as pool:
        for _ in range(2):
            for done in [pool.submit(call) for _ in range(callers)]:
                done.result()
    assert [record.getMessage() for record in caplog.records] == []
    assert len(server.connections) == callers * pools

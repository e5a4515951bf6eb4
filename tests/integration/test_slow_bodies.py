"""Whoever sends or reads drop by drop holds a thread for so long and no longer, and never all of a function's."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest
from tests.hostile import meter
from tests.integration.slow_function.main import BODY_SECONDS, THREADS
from tests.runtime_harness import eventually

from local_stack.ports import ReservedPort

SOURCE = Path(__file__).with_name("slow_function") / "main.py"
# Far less than what a thread would be held for, and enough for a busy machine.
SOON = 5.0


@dataclass(frozen=True)
class Served:
    port: int
    pid: int

    def call(self, method: str, path: str, body: bytes | None = None, sender: str = "other") -> int:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=SOON)
        try:
            connection.request(method, path, body, {"Authorization": f"Bearer {sender}"})
            return connection.getresponse().status
        finally:
            connection.close()

    @contextmanager
    def begun(self, head: str, sent: bytes = b"") -> Iterator[socket.socket]:
        """A connection that has sent the head of a request, and these bytes of its body."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=SOON) as connection:
            connection.sendall(head.replace("\n", "\r\n").encode() + sent)
            yield connection


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with ReservedPort() as port:
        command = [sys.executable, "-m", "local_stack.serve_function", str(SOURCE), "slow", str(port.number)]
        with subprocess.Popen(command, env={**os.environ, "THREADS": str(THREADS)}) as process:
            try:
                eventually(lambda: _listens(port.number), "the function", 60)
                yield Served(port.number, process.pid)
            finally:
                process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def head(path: str, *headers: str, method: str = "POST", sender: str = "acme") -> str:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {sender}", *headers]
    return "\n".join([*lines, "", ""])


def status_of(connection: socket.socket) -> int:
    return int(connection.recv(4096).split(b" ", 2)[1])


FORM = "Content-Type: multipart/form-data; boundary=x"


@pytest.mark.parametrize(
    ("request_head", "first", "drop"),
    [
        (head("/own", "Content-Length: 100"), b"", b""),
        (head("/own", "Content-Length: 100"), b'{"text": "', b"x"),
        (head("/own", "Transfer-Encoding: chunked"), b"", b"1\r\nx\r\n"),
        (head("/own", "Transfer-Encoding: chunked"), b"9", b""),
        (head("/form", "Content-Length: 5000", FORM), b"--x\r\n", b""),
        (head("/anyone", "Content-Length: 100"), b"", b"x"),
    ],
    ids=["nothing", "drops", "chunked", "half a chunk's size", "form", "anonymous"],
)
def test_a_body_that_takes_too_long_is_408(served: Served, request_head: str, first: bytes, drop: bytes) -> None:
    ended = threading.Event()
    with served.begun(request_head, first) as connection:

        def drip() -> None:
            while drop and not ended.wait(BODY_SECONDS / 10):
                try:
                    connection.sendall(drop)
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        began = time.monotonic()
        try:
            assert status_of(connection) == 408
            assert time.monotonic() - began >= BODY_SECONDS * 0.9
        finally:
            ended.set()
            dripping.join()


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (head("/nothing", "Content-Length: 1000", method="GET"), 200),
        (head("/own", "Content-Length: 1000", sender="bad"), 401),
        (head("/unknown", "Content-Length: 1000"), 404),
        (head("/own", "Content-Length: 9999999"), 413),
        (head("/own", "Transfer-Encoding: chunked", sender="bad"), 401),
        (head("/ow%0an", "Content-Length: 1000"), 404),
    ],
    ids=["no body read", "no token", "no route", "too large", "chunked", "not routed"],
)
def test_a_body_that_no_route_reads_holds_no_thread(served: Served, request_head: str, status: int) -> None:
    with ExitStack() as begun:
        held = [begun.enter_context(served.begun(request_head)) for _ in range(2 * THREADS)]
        began = time.monotonic()
        assert served.call("POST", "/own", b"{}") == 200
        assert time.monotonic() - began < SOON
        assert {status_of(connection) for connection in held} == {status}


def test_an_organization_that_sends_slowly_leaves_threads_to_the_others(served: Served) -> None:
    with ExitStack() as begun:
        slow = head("/own", "Content-Length: 100")
        held = [begun.enter_context(served.begun(slow)) for _ in range(3 * THREADS)]
        began = time.monotonic()
        assert served.call("POST", "/own", b'{"text": "x"}', sender="other") == 200
        assert time.monotonic() - began < BODY_SECONDS * 0.9
        assert {status_of(connection) for connection in held} == {408, 429}


def test_a_caller_who_does_not_read_the_answer_is_let_go(served: Served) -> None:
    with ExitStack() as begun:
        for _ in range(THREADS):
            connection = begun.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", served.port))
            connection.sendall(head("/large", method="GET").replace("\n", "\r\n").encode())
        assert served.call("POST", "/own", b"{}") == 200


def test_what_is_refused_is_not_read_into_memory(served: Served) -> None:
    worker = meter.worker_of(served.pid)
    before = meter.read(worker)
    for _ in range(2):
        # A machine that is busy may not take in all of it in time: the connection is cut then.
        with suppress(ConnectionError):
            assert served.call("POST", "/own", bytes(30 * 1024**2), sender="bad") == 401
    assert meter.read(worker).resident - before.resident < 16 * 1024**2


@pytest.mark.parametrize("chunk", [b"zz\r\n", b"5\r\nab\r\n0\r\n\r\n", b"-1\r\n"])
def test_a_body_that_cannot_be_decoded_is_the_callers_fault(served: Served, chunk: bytes) -> None:
    with served.begun(head("/own", "Transfer-Encoding: chunked"), chunk) as connection:
        assert status_of(connection) == 422

"""Every Pub/Sub message three times: a server between the emulator's push subscriptions and the functions.

The first copy's answer is what the emulator hears. The second is sent at the same time, the third some seconds
later, when whatever the message asked for is long done, undone or superseded.
"""

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import urllib3

LATEST_COPY_SECONDS = 8.0
_COPIES_AT_ONCE = 16
_PUSH_SECONDS = 60.0


class Thrice(ThreadingHTTPServer):
    """Passes each push on to the function that its path begins with, by port: `/8123/projects/…`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.http = urllib3.PoolManager(maxsize=_COPIES_AT_ONCE * 2)
        self.copies = ThreadPoolExecutor(_COPIES_AT_ONCE, thread_name_prefix="copies")
        self.ended = threading.Event()
        self.messages = 0

    def endpoint(self, port: int, path: str) -> str:
        """The address under which a push to a function at that port arrives three times."""
        return f"http://127.0.0.1:{self.server_port}/{port}{path}"

    def send(self, port: str, path: str, body: bytes) -> int:
        """The function's status; 503 where it does not answer."""
        headers = {"Content-Type": "application/json"}
        try:
            url = f"http://127.0.0.1:{port}{path}"
            response = self.http.request("POST", url, body=body, headers=headers, timeout=_PUSH_SECONDS, retries=False)
        except urllib3.exceptions.HTTPError:
            return 503
        return response.status

    def send_later(self, seconds: float, port: str, path: str, body: bytes) -> None:
        if not self.ended.wait(seconds):
            self.send(port, path, body)


class _Handler(BaseHTTPRequestHandler):
    server: Thrice

    def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        _, port, rest = self.path.split("/", 2)
        self.server.messages += 1
        for seconds in (0.0, random.uniform(1.0, LATEST_COPY_SECONDS)):  # noqa: S311 - no secret
            self.server.copies.submit(self.server.send_later, seconds, port, f"/{rest}", body)
        self.send_response(self.server.send(port, f"/{rest}", body))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's own name
        """Nothing: the report counts."""


@contextmanager
def delivering_thrice(pubsub: str, project: str) -> Iterator[Thrice]:
    """Turn every push subscription of the emulator at `host:port` towards a server that lasts as long as the block."""
    server = Thrice()
    thread = threading.Thread(target=server.serve_forever, name="deliveries", daemon=True)
    thread.start()
    base = f"http://{pubsub}/v1/projects/{project}/subscriptions"
    try:
        original = _endpoints(server.http, base)
        for name, endpoint in original.items():
            target = urllib3.util.parse_url(endpoint)
            _turn(server.http, pubsub, name, server.endpoint(int(target.port or 80), target.path or "/"))
        try:
            yield server
        finally:
            for name, endpoint in original.items():
                _turn(server.http, pubsub, name, endpoint)
    finally:
        server.ended.set()
        server.copies.shutdown()
        server.shutdown()
        thread.join()
        server.server_close()
        server.http.clear()


def _endpoints(http: urllib3.PoolManager, base: str) -> dict[str, str]:
    found = http.request("GET", base).json()["subscriptions"]
    return {item["name"]: item["pushConfig"]["pushEndpoint"] for item in found if "pushConfig" in item}


def _turn(http: urllib3.PoolManager, pubsub: str, subscription: str, endpoint: str) -> None:
    body = {"pushConfig": {"pushEndpoint": endpoint}}
    http.request("POST", f"http://{pubsub}/v1/{subscription}:modifyPushConfig", json=body)

"""The ground that both sides stand on: the same emulators and cluster, each function a process of its own.

Nothing consumes what the functions publish here, so that a request is measured alone on the machine.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from cryptography.hazmat.primitives import serialization

from local_stack.callers import PUSH_ACCOUNT, SCHEDULER_ACCOUNT, TASKS_ACCOUNT
from local_stack.emulators import emulators
from local_stack.function_list import FUNCTIONS_DIR
from local_stack.issuer import Realm, TokenIssuer
from local_stack.ports import LOOPBACK, ReservedPort
from local_stack.processes import bound_to_parent
from provider_hub.domain.records import Queue, Topic
from tests.serving import in_a_thread

PROJECT = "bench"
FLOORS_DIR = Path(__file__).parent / "floors"
EVENTS_TOPIC = Topic.INSTALLATION_EVENTS.value
CALLER_AUDIENCE = "http://functions.invalid"
CHECK_IN_KEY = "a key for benchmarks alone"
_DEADLINE_SECONDS = 60.0
_POLL_SECONDS = 0.02
_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class Ground:
    """Where everything is, and the environment in which functions start."""

    environment: Mapping[str, str]
    issuer: TokenIssuer
    kubeconfig: Path
    folder: Path
    exits: ExitStack = field(repr=False)

    def token(self, slug: str) -> str:
        return self.issuer.machine(slug)

    def push_token(self) -> str:
        """What Pub/Sub's pushes carry."""
        return self.issuer.service_account(PUSH_ACCOUNT, CALLER_AUDIENCE)

    def function(self, name: str) -> "Served":
        """One of the system's functions, serving until the ground is left."""
        source = FUNCTIONS_DIR / name / "main.py"
        return self.exits.enter_context(_serving(source, name, self.environment, self.folder))

    def floor(self, module: str, target: str) -> "Served":
        """One of the floors, likewise."""
        return self.exits.enter_context(serve_floor(module, target, self.environment, self.folder))


@dataclass(frozen=True)
class Served:
    """A function on a loopback port, and the process that serves it, or whose child does."""

    port: int
    pid: int

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(LOOPBACK, self.port, timeout=60)

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((LOOPBACK, self.port)) == 0

    def answers(self) -> bool:
        connection = self.connect()
        try:
            connection.request("GET", "/robots.txt")  # the framework answers this one itself
            return connection.getresponse().status == 404
        except OSError:
            return False
        finally:
            connection.close()


@contextmanager
def serve_floor(module: str, target: str, environment: Mapping[str, str], folder: Path) -> Iterator[Served]:
    """The floor `module` as the stack serves functions, for as long as the block lasts."""
    with _serving(FLOORS_DIR / f"{module}.py", target, environment, folder) as served:
        yield served


@contextmanager
def _serving(source: Path, target: str, environment: Mapping[str, str], folder: Path) -> Iterator[Served]:
    with ReservedPort() as port:
        serve = ("-m", "local_stack.serve_function", str(source), target, str(port.number))
        with process((sys.executable, *serve), environment, folder / target) as server:
            served = Served(port.number, server.pid)
            wait_until(served.answers, f"{source} does not serve: see {folder / target}.log")
            yield served


@contextmanager
def begun_as_deployed(source: Path, target: str, environment: Mapping[str, str], folder: Path) -> Iterator[Served]:
    """A function by functions-framework's own command and with Cloud Run's variables; it may not listen yet."""
    with ReservedPort() as port:
        cloud = {
            "PORT": str(port.number),
            "K_SERVICE": target,
            "K_REVISION": f"{target}-00001",
            "K_CONFIGURATION": target,
        }
        options = ("--target", target, "--source", str(source), "--host", LOOPBACK)
        command = (sys.executable, "-m", "functions_framework", *options)
        with process(command, {**environment, **cloud}, folder / target) as server:
            yield Served(port.number, server.pid)


@contextmanager
def ground() -> Iterator[Ground]:
    """Emulators, cluster and token issuer, for as long as the block lasts."""
    with ExitStack() as exits:
        folder = Path(exits.enter_context(TemporaryDirectory(prefix="provider-hub-bench-")))
        hosts = exits.enter_context(emulators())
        issuer = exits.enter_context(_issuer(folder / "keys"))
        kubeconfig = exits.enter_context(_cluster(folder))
        environment = {
            **os.environ,
            **hosts.environment,
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "BENCH_PUBLIC_KEY": _public_key(issuer),
            "BENCH_EVENTS_TOPIC": EVENTS_TOPIC,
            "HUB_CUSTOMER_ISSUER": issuer.issuer(Realm.CUSTOMER),
            "HUB_CUSTOMER_JWKS_URL": issuer.jwks_url(Realm.CUSTOMER),
            "HUB_CONSOLE_ISSUER": issuer.issuer(Realm.CONSOLE),
            "HUB_CONSOLE_JWKS_URL": issuer.jwks_url(Realm.CONSOLE),
            "HUB_CHECK_IN_KEYS": CHECK_IN_KEY,
            "HUB_CALLER_ISSUER": issuer.issuer(Realm.GOOGLE),
            "HUB_CALLER_JWKS_URL": issuer.jwks_url(Realm.GOOGLE),
            "HUB_CALLER_AUDIENCE": CALLER_AUDIENCE,
            "HUB_PUSH_SERVICE_ACCOUNT": PUSH_ACCOUNT,
            "HUB_TASKS_SERVICE_ACCOUNT": TASKS_ACCOUNT,
            "HUB_SCHEDULER_SERVICE_ACCOUNT": SCHEDULER_ACCOUNT,
            "HUB_KUBECONFIG": str(kubeconfig),
            "HUB_ARTIFACTS_BUCKET": "artifacts",
            "HUB_QUEUE_URLS": ",".join(f"{queue}=http://{queue}.invalid" for queue in Queue),
            "HUB_TASKS_ENDPOINT": f"{LOOPBACK}:9",
            "no_proxy": f"localhost,{LOOPBACK}",
            "NO_PROXY": f"localhost,{LOOPBACK}",
        }
        for topic in Topic:
            put(hosts.pubsub, f"projects/{PROJECT}/topics/{topic}", {})
        yield Ground(environment, issuer, kubeconfig, folder, exits)


@contextmanager
def process(command: tuple[str, ...], environment: Mapping[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The command for as long as the block lasts; what it prints is added to `log`, whose name then ends in `.log`."""
    with log.with_suffix(".log").open("ab") as output:
        started = subprocess.Popen(
            bound_to_parent(command), env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


@contextmanager
def _cluster(folder: Path) -> Iterator[Path]:
    kubeconfig = folder / "kubeconfig"
    command = (sys.executable, "-m", "local_kubernetes.cluster", "--kubeconfig", str(kubeconfig))
    with process(command, os.environ, folder / "cluster"):
        wait_until(kubeconfig.exists, "the embedded cluster did not start")
        yield kubeconfig


@contextmanager
def _issuer(keys: Path) -> Iterator[TokenIssuer]:
    keys.mkdir()

    class Handler(BaseHTTPRequestHandler):
        issuer: ClassVar[TokenIssuer]

        def do_GET(self) -> None:
            realm = Realm(self.path.split("/")[1])
            body = json.dumps(self.issuer.jwks(realm)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Requests are not news."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    Handler.issuer = TokenIssuer(f"http://{LOOPBACK}:{server.server_port}", keys)
    with in_a_thread(server):
        yield Handler.issuer


def _public_key(issuer: TokenIssuer) -> str:
    issuer.jwks(Realm.CUSTOMER)  # makes the key file
    private = serialization.load_pem_private_key((issuer.keys_dir / "customer.pem").read_bytes(), password=None)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public.decode()


def put(emulator: str, name: str, body: Mapping[str, Any]) -> None:
    """Create a topic or subscription of that full name on the Pub/Sub emulator."""
    request = urllib.request.Request(
        f"http://{emulator}/v1/{name}",
        data=json.dumps(body).encode(),
        method="PUT",
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - a loopback address of ours


def wait_until(reached: Callable[[], bool], otherwise: str) -> None:
    """Raises TimeoutError with `otherwise` when the time is up."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError(otherwise)
        time.sleep(_POLL_SECONDS)

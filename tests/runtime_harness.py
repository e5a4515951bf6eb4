"""What the tests of the runtime surround it with: a wheel host, a Pub/Sub, wheels made by hand, the process itself."""

import base64
import datetime
import hashlib
import ipaddress
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pragma_runtime.environment import ProviderEnvironment

TOKEN = "check-in-token-7Q2-that-nobody-else-may-see"
_T = TypeVar("_T")


def eventually(condition: Callable[[], _T | None], what: str, seconds: float = 20) -> _T:
    """The first true answer of `condition`; fails with `what` where there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds} s")


def packages_of(work_dir: Path) -> Path:
    """Where a runtime with that work directory installs to."""
    return ProviderEnvironment(work_dir / "site").packages


def make_wheel(
    into: Path,
    files: Mapping[str, str],
    *,
    name: str = "sample",
    version: str = "1.0.0",
    metadata: Sequence[str] = (),
    top_level: str | None = None,
    pure: str = "true",
) -> Path:
    """A wheel with these files (path in the archive → text) and further METADATA lines.

    `pure` "false" is a wheel with compiled parts, as far as pip looks.
    """
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    content = {
        **files,
        f"{info}/METADATA": "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *metadata, ""]),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: {pure}\nTag: py3-none-any\n",
    }
    if top_level is not None:
        content[f"{info}/top_level.txt"] = top_level
    content[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*content, f"{info}/RECORD"])
    path = into / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in content.items():
            archive.writestr(member, text)
    return path


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    answer: Callable[[str, str, Mapping[str, str], bytes], Answer]

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # a client that hung up, or took the certificate for untrusted
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.server.answer(self.command, self.path, dict(self.headers), body)
        self.send_response(answer.status)
        headers = {"Content-Length": str(len(answer.body)), **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = _answer  # noqa: N815 - the names http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def serving(
    answer: Callable[[str, str, Mapping[str, str], bytes], Answer], context: ssl.SSLContext | None = None
) -> Iterator[str]:
    """The base URL of a server on a free port that answers (method, path, headers, body)."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.answer = answer
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class WheelHost:
    """Serves files, or any other answer, by path; counts what was asked for."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: dict[str, Answer | list[Answer]] = {}
        self.requests: list[str] = []
        self.authorizations: list[str | None] = []

    def add(self, wheel: Path) -> str:
        """The URL of `wheel`, with a query as a signed one has."""
        self.answers[f"/{wheel.name}"] = Answer(body=wheel.read_bytes())
        return f"{self.url}/{wheel.name}?signature=S3CRET"

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        path = path.partition("?")[0]
        self.requests.append(path)
        self.authorizations.append(headers.get("Authorization"))
        answer = self.answers.get(path, Answer(404))
        if isinstance(answer, list):
            return answer.pop(0) if len(answer) > 1 else answer[0]
        return answer


class PubSubReceiver:
    """The publish method of Pub/Sub's REST API; keeps what it was given."""

    def __init__(self) -> None:
        self.url = ""
        self.refusals: list[Answer] = []  # given out first, one by one
        self.messages: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.paths: list[str] = []

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.paths.append(f"{method} {path}")
        self.headers.append(headers)
        if self.refusals:
            return self.refusals.pop(0)
        self.messages.extend(json.loads(body)["messages"])
        return Answer(body=b'{"messageIds": ["1"]}')

    @property
    def check_ins(self) -> list[dict[str, Any]]:
        return [json.loads(base64.b64decode(message["data"])) for message in self.messages]

    def wait_for(self, **fields: object) -> dict[str, Any]:
        """The first check-in with these fields."""

        def find() -> dict[str, Any] | None:
            return next((c for c in self.check_ins if all(c[name] == value for name, value in fields.items())), None)

        return eventually(find, f"a check-in with {fields} among {self.check_ins}")


@dataclass(frozen=True)
class Authority:
    """A certificate authority of this test run, and a server's TLS context by it."""

    ca_file: Path
    context: ssl.SSLContext


def make_authority(directory: Path) -> Authority:
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
    ca_may = x509.BasicConstraints(ca=True, path_length=0)
    ca = _certificate(ca_name, ca_name, ca_key.public_key(), ca_key, ca_may, _signs_certificates())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wheels")])
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = _certificate(name, ca_name, key.public_key(), ca_key, host)
    ca_file, chain = directory / "ca.pem", directory / "server.pem"
    ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    chain.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return Authority(ca_file, context)


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePrivateKey,
    *extensions: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        # Python 3.13 verifies strictly, and takes no certificate without these two.
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    for extension in extensions:
        critical = isinstance(extension, x509.BasicConstraints | x509.KeyUsage)
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signer, hashes.SHA256())


def _signs_certificates() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def _package_in(wheel: Path) -> str:
    """The first package or module in `wheel`, which is the provider in every wheel of these tests."""
    with zipfile.ZipFile(wheel) as archive:
        first = archive.namelist()[0].partition("/")[0]
    return "" if first.endswith(".dist-info") else first.removesuffix(".py")


class RuntimeProcess:
    """One run of `python -m pragma_runtime.entrypoint`."""

    def __init__(
        self,
        environment: Mapping[str, str],
        log: Path,
        interpreter: str = sys.executable,
        arguments: Sequence[str] = (),
    ) -> None:
        self._log = log
        self.started_at = time.monotonic()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [interpreter, "-m", "pragma_runtime.entrypoint", *arguments],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.pid = self._process.pid

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def last_line(self) -> str:
        return self.log.strip().splitlines()[-1]

    @property
    def port(self) -> int:
        found = eventually(lambda: re.search(r"on port (\d+)\.", self.log), "the port in the log")
        return int(found[1])

    def get(self, path: str) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode().strip()
        finally:
            connection.close()

    def wait_ready(self, seconds: float = 20) -> None:
        def ready() -> bool:
            assert self._process.poll() is None, self.log
            with suppress(OSError):  # it ended just now: the next look tells
                return self.get("/readyz")[0] == 200
            return False

        eventually(ready, "ready", seconds)

    def terminate(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float = 30) -> int:
        """The exit code."""
        return self._process.wait(seconds)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


class Runtimes:
    """Starts runtimes against one wheel host and one Pub/Sub; each in a work directory of its own unless given."""

    def __init__(self, directory: Path, host: WheelHost, pubsub: PubSubReceiver, ca_file: Path) -> None:
        self.host = host
        self.pubsub = pubsub
        self.interpreter = sys.executable
        self.work_dir = directory / "work"
        self.work_dir.mkdir()
        self._log = directory / "log"
        self._ca_file = ca_file
        self._started: list[RuntimeProcess] = []

    def environment(self, wheel: Path, **changes: str | None) -> dict[str, str]:
        """The whole environment of a process; `changes` are further variables, None takes one away."""
        settings: dict[str, str | None] = {
            **os.environ,
            "PRAGMA_ORGANIZATION_ID": "org_acme",
            "PRAGMA_PROVIDER": "acme/weather",
            "PRAGMA_VERSION": "1.0.0",
            "PRAGMA_INSTALLATION_ID": "01JTESTINSTALLATION",
            "PRAGMA_GENERATION": "3",
            "PRAGMA_INSTANCE_ID": "weather-7c9f-x2x1z",
            "PRAGMA_WHEEL_URL": self.host.add(wheel),
            "PRAGMA_WHEEL_SHA256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
            "PRAGMA_PACKAGE_NAME": _package_in(wheel),
            "PRAGMA_CHECK_IN_TOPIC": "projects/test/topics/runtime-check-ins",
            "PRAGMA_PUBSUB_ENDPOINT": self.pubsub.url,
            "PRAGMA_CHECK_IN_TOKEN": TOKEN,
            "PRAGMA_HEALTH_SECONDS": "0.2",
            "PRAGMA_LISTEN_ADDRESS": "127.0.0.1",
            "PRAGMA_PORT": "0",
            "PRAGMA_WORK_DIR": str(self.work_dir),
            "PRAGMA_CA_FILE": str(self._ca_file),
            **changes,
        }
        return {name: value for name, value in settings.items() if value is not None}

    def start(self, wheel: Path, **changes: str | None) -> RuntimeProcess:
        return self.start_in(self.environment(wheel, **changes))

    def start_in(self, environment: Mapping[str, str], *arguments: str) -> RuntimeProcess:
        log = self._log.with_suffix(f".{len(self._started)}")
        runtime = RuntimeProcess(environment, log, self.interpreter, arguments)
        self._started.append(runtime)
        return runtime

    def end(self) -> None:
        for runtime in self._started:
            runtime.end()


@contextmanager
def runtimes(directory: Path, authority: Authority) -> Iterator[Runtimes]:
    host, pubsub = WheelHost(), PubSubReceiver()
    with serving(host.answer, authority.context) as host.url, serving(pubsub.answer) as pubsub.url:
        started = Runtimes(directory, host, pubsub, authority.ca_file)
        try:
            yield started
        finally:
            started.end()

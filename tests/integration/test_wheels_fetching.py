"""A wheel is fetched from the public internet, whole and verified, and from nowhere else.

The internet here is one TLS server on the loopback: names resolve as each test says, and the dialled address
is recorded before the connection is led to the server.
"""

import datetime
import gzip
import hashlib
import io
import socket
import ssl
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from provider_hub.adapters.wheels import (
    FetchedWheel,
    FetchPolicy,
    fetch_wheel,
)
from provider_hub.adapters.wheels.connection import CheckedAddress, dial
from provider_hub.domain.wheels import (
    DigestMismatch,
    Packages,
    WheelContents,
    WheelInvalid,
    WheelRefused,
    WheelUnreachable,
    parse_wheel_url,
)
from provider_hub.settings.everything import SettingsError, Wheels

FILE = "acme-1.2.0-py3-none-any.whl"
URL = f"https://files.example/{FILE}"
PUBLIC = "93.184.216.34"
NAMES = ("files.example", "cdn.example", "localhost")

Reply = Iterable[bytes]


def make_wheel() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("acme/__init__.py", "")
        archive.writestr("acme-1.2.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: acme\nVersion: 1.2.0\n")
        archive.writestr("acme-1.2.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        archive.writestr("acme-1.2.0.dist-info/RECORD", "")
    return buffer.getvalue()


WHEEL = make_wheel()
SHA256 = hashlib.sha256(WHEEL).hexdigest()


def reply(body: bytes = WHEEL, status: str = "200 OK", **headers: str) -> list[bytes]:
    given = {"Content_Length": str(len(body)), **headers}
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in given.items() if value)]
    return ["\r\n".join([*lines, "", ""]).encode(), body]


def redirect(location: str, status: str = "302 Found") -> list[bytes]:
    return reply(b"", status, Location=location)


class Certificates:
    """A certificate authority in a folder, and what it vouches for."""

    def __init__(self, folder: Path) -> None:
        self.ca_file = folder / "ca.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        authority = (
            self._builder(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_CERTIFICATE_SIGNING, critical=True)
        )
        self.ca_file.write_bytes(authority.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        self._folder = folder

    def server_context(self, names: Iterable[str]) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a host")])
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        leaf = self._builder(subject, key).add_extension(alternatives, critical=False).sign(self._key, hashes.SHA256())
        file = self._folder / "leaf.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + leaf.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        day = datetime.timedelta(days=1)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day)
            .not_valid_after(now + day)
            # Python 3.13 takes no certificate without these two.
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )


_CERTIFICATE_SIGNING = x509.KeyUsage(
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


class Internet:
    """One TLS server behind every name, its replies by path, and what was asked of it."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.replies: dict[str, Reply] = {f"/{FILE}": reply()}
        self.addresses: dict[str, list[list[str]]] = {}
        self.resolved: list[str] = []
        self.dialled: list[str] = []
        self.requests: list[str] = []
        self.closing = threading.Event()
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def resolve(self, host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        """The next answer for `host`: the last one stays, and by default every name is public."""
        self.resolved.append(host)
        answers = self.addresses.get(host, [[PUBLIC]])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answer]

    def dial(self, target: CheckedAddress, *, timeout: float) -> socket.socket:
        self.dialled.append(str(target.address[0]))
        return dial(CheckedAddress(socket.AF_INET, ("127.0.0.1", self.port)), timeout=timeout)

    def close(self) -> None:
        self.closing.set()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self.closing.is_set():
            try:
                plain, _ = self._listener.accept()
            except TimeoutError:
                continue
            with plain:
                self._answer(plain)

    def _answer(self, plain: socket.socket) -> None:
        plain.settimeout(5)
        try:
            with self._context.wrap_socket(plain, server_side=True) as connection:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += connection.recv(4096)
                self.requests.append(request.decode())
                for piece in self.replies.get(request.split()[1].decode(), reply(b"", "404 Not Found")):
                    connection.sendall(piece)
        except OSError:
            return  # The client went away, as it should where it refuses what it gets.


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def internet(certificates: Certificates) -> Iterator[Internet]:
    made = Internet(certificates.server_context(NAMES))
    try:
        yield made
    finally:
        made.close()


@dataclass
class Fetcher:
    """Fetches over the internet of the test, with the policy's fields as the test changes them."""

    internet: Internet
    certificates: Certificates
    changes: dict[str, Any] = field(default_factory=dict)

    def __call__(self, url: str = URL, *, sha256: str | None = None, **changes: Any) -> FetchedWheel:
        given: dict[str, Any] = {
            "ca_file": str(self.certificates.ca_file),
            "resolve": self.internet.resolve,
            "dial": self.internet.dial,
            **changes,
        }
        with TemporaryFile() as spool:
            return fetch_wheel(parse_wheel_url(url), spool, expected_sha256=sha256, policy=FetchPolicy(**given))


@pytest.fixture
def fetch(internet: Internet, certificates: Certificates) -> Fetcher:
    return Fetcher(internet, certificates)


def test_a_wheel_is_fetched_digested_and_read(fetch: Fetcher, internet: Internet) -> None:
    fetched = fetch(sha256=SHA256)
    text = b"Metadata-Version: 2.1\nName: acme\nVersion: 1.2.0\n"
    contents = WheelContents("acme", "1.2.0", Packages.only("acme"), requires_python=None, summary=None, metadata=text)
    assert fetched == FetchedWheel(contents, sha256=SHA256, size=len(WHEEL))
    [request] = internet.requests
    assert request.startswith(f"GET /{FILE} HTTP/1.1\r\n")
    assert "\r\nHost: files.example\r\n" in request
    assert "\r\nAccept-Encoding: identity\r\n" in request


def test_the_digest_is_told_where_none_was_given(fetch: Fetcher) -> None:
    assert fetch().sha256 == SHA256


def test_another_digest_is_a_mismatch_that_names_both(fetch: Fetcher) -> None:
    with pytest.raises(DigestMismatch, match=f"{SHA256}, not the {'0' * 64}"):
        fetch(sha256="0" * 64)


def test_a_signed_query_goes_out_byte_by_byte(fetch: Fetcher, internet: Internet) -> None:
    query = "?X-Sig=a%2fb%2B+c/d==&x[]=1"
    internet.replies[f"/{FILE}{query}"] = reply()
    assert fetch(URL + query).sha256 == SHA256


def test_a_chunked_body_and_one_without_a_length_are_read_to_their_end(fetch: Fetcher, internet: Internet) -> None:
    chunks = [f"{len(WHEEL):x}\r\n".encode(), WHEEL, b"\r\n0\r\n\r\n"]
    internet.replies[f"/{FILE}"] = [reply(b"", Content_Length="", Transfer_Encoding="chunked")[0], *chunks]
    assert fetch().sha256 == SHA256
    internet.replies[f"/{FILE}"] = reply(Content_Length="")
    assert fetch().sha256 == SHA256


@pytest.mark.parametrize(
    "answer",
    [
        ["10.0.0.1"],
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["100.64.0.1"],
        ["::1"],
        ["fd00:ec2::254"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::a9fe:a9fe"],
        [PUBLIC, "10.0.0.1"],
        ["10.0.0.1", PUBLIC],
    ],
)
def test_a_host_with_any_address_that_is_not_public_is_refused_unconnected(
    fetch: Fetcher, internet: Internet, answer: list[str]
) -> None:
    internet.addresses["files.example"] = [answer]
    with pytest.raises(WheelRefused, match=r"files\.example resolves to an address that is not public") as caught:
        fetch()
    assert not any(address in str(caught.value) for address in answer if address != PUBLIC)
    assert internet.dialled == []


@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "[fd00:ec2::254]"])
def test_an_address_that_is_not_public_is_refused_in_the_url_itself(host: str) -> None:
    with pytest.raises(WheelRefused, match="not public"):
        fetch_wheel(parse_wheel_url(f"https://{host}/{FILE}"), io.BytesIO(), expected_sha256=None, policy=FetchPolicy())


@pytest.mark.parametrize("host", ["localhost", "metadata.google.internal", "METADATA.google.internal."])
def test_names_of_this_machine_and_its_metadata_are_refused_whatever_they_resolve_to(
    fetch: Fetcher, internet: Internet, host: str
) -> None:
    with pytest.raises(WheelRefused, match="not public"):
        fetch(f"https://{host}/{FILE}")
    assert internet.dialled == []


def test_a_name_that_resolves_otherwise_the_second_time_is_resolved_once(fetch: Fetcher, internet: Internet) -> None:
    internet.addresses["files.example"] = [[PUBLIC], ["127.0.0.1"]]
    assert fetch().sha256 == SHA256
    assert internet.resolved == ["files.example"]
    assert internet.dialled == [PUBLIC]


def test_the_next_address_is_tried_where_the_first_does_not_answer(fetch: Fetcher, internet: Internet) -> None:
    internet.addresses["files.example"] = [["93.184.216.35", PUBLIC]]

    def first_is_down(target: CheckedAddress, *, timeout: float) -> socket.socket:
        if target.address[0] == "93.184.216.35":
            raise ConnectionRefusedError
        return internet.dial(target, timeout=timeout)

    assert fetch(dial=first_is_down).sha256 == SHA256


def test_a_private_host_is_fetched_from_only_with_the_port_that_is_exempt(internet: Internet, fetch: Fetcher) -> None:
    url = f"https://localhost:{internet.port}/{FILE}"
    real: dict[str, Any] = {"resolve": socket.getaddrinfo, "dial": dial}
    assert fetch(url, private_hosts=frozenset({f"localhost:{internet.port}"}), **real).sha256 == SHA256
    for exempt in ("localhost", "localhost:443", f"files.example:{internet.port}"):
        with pytest.raises(WheelRefused, match="not public"):
            fetch(url, private_hosts=frozenset({exempt}), **real)


def test_the_policy_comes_from_the_settings() -> None:
    settings = Wheels(wheel_private_hosts=("LOCALHOST:8443",), wheel_ca_file="/ca.pem")
    policy = FetchPolicy.from_settings(settings)
    assert (policy.private_hosts, policy.ca_file) == (frozenset({"localhost:8443"}), "/ca.pem")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_followed_to_a_path_of_any_name(fetch: Fetcher, internet: Internet, status: str) -> None:
    internet.replies[f"/{FILE}"] = redirect("https://cdn.example/blobs/1?sig=%2f", status)
    internet.replies["/blobs/1?sig=%2f"] = reply()
    assert fetch().contents.version == "1.2.0"
    assert internet.resolved == ["files.example", "cdn.example"]


def test_a_chain_of_redirects_that_ends_at_a_private_address_is_refused_there(
    fetch: Fetcher, internet: Internet
) -> None:
    internet.replies[f"/{FILE}"] = redirect("https://cdn.example/1")
    internet.replies["/1"] = redirect("https://intranet.example/2")
    internet.addresses["intranet.example"] = [["10.1.2.3"]]
    with pytest.raises(WheelRefused, match="a host that the wheel's URL redirects to resolves to") as caught:
        fetch()
    assert "10.1.2.3" not in str(caught.value)
    assert "intranet" not in str(caught.value)
    assert internet.dialled == [PUBLIC, PUBLIC]


@pytest.mark.parametrize("location", ["http://cdn.example/1", "https://127.1/1", "https://u:p@cdn.example/1"])
def test_a_redirect_to_no_plain_https_url_is_refused(fetch: Fetcher, internet: Internet, location: str) -> None:
    internet.replies[f"/{FILE}"] = redirect(location)
    with pytest.raises(WheelRefused, match="redirects to what is no plain https URL"):
        fetch()
    assert len(internet.dialled) == 1


def test_a_redirect_to_an_address_that_is_not_public_is_refused(fetch: Fetcher, internet: Internet) -> None:
    internet.replies[f"/{FILE}"] = redirect("https://169.254.169.254/computeMetadata/v1/")
    internet.addresses["169.254.169.254"] = [["169.254.169.254"]]
    with pytest.raises(WheelRefused, match="not public"):
        fetch()
    assert internet.dialled == [PUBLIC]


def test_five_redirects_are_followed_and_neither_six_nor_a_loop(fetch: Fetcher, internet: Internet) -> None:
    for hop in range(5):
        internet.replies[f"/{hop}"] = redirect(f"/{hop + 1}")
    internet.replies["/5"] = reply()
    internet.replies[f"/{FILE}"] = redirect("/1")
    assert fetch().sha256 == SHA256
    for sixth in ("/0", f"/{FILE}"):
        internet.replies[f"/{FILE}"] = redirect(sixth)
        with pytest.raises(WheelUnreachable, match="redirects more than 5 times"):
            fetch()


@pytest.mark.parametrize(
    "status", ["201 Created", "206 Partial Content", "302 Found", "403 Forbidden", "404 Not Found", "500 Oops"]
)
def test_any_other_status_is_named(fetch: Fetcher, internet: Internet, status: str) -> None:
    internet.replies[f"/{FILE}"] = reply(WHEEL, status)
    with pytest.raises(WheelUnreachable, match=f"answers {status[:3]}"):
        fetch()


def test_a_content_encoding_is_refused(fetch: Fetcher, internet: Internet) -> None:
    internet.replies[f"/{FILE}"] = reply(gzip.compress(WHEEL), Content_Encoding="gzip")
    with pytest.raises(WheelUnreachable, match="Content-Encoding"):
        fetch()


@pytest.mark.parametrize(
    "answer",
    [
        reply(WHEEL[:-10], Content_Length=str(len(WHEEL))),
        reply(b"ffff\r\nshort", Content_Length="", Transfer_Encoding="chunked"),
        reply(b"zz\r\n", Content_Length="", Transfer_Encoding="chunked"),
        [b"220 ftp.example ready\r\n"],
        [b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200],
        [b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000],
        [],
    ],
)
def test_a_body_or_answer_that_breaks_off_is_unreachable(fetch: Fetcher, internet: Internet, answer: Reply) -> None:
    internet.replies[f"/{FILE}"] = answer
    with pytest.raises(WheelUnreachable, match="broke off"):
        fetch()


def test_a_content_length_that_is_too_small_cuts_the_wheel_and_is_found_out(fetch: Fetcher, internet: Internet) -> None:
    internet.replies[f"/{FILE}"] = reply(WHEEL, Content_Length=str(len(WHEEL) - 10))
    with pytest.raises(DigestMismatch):
        fetch(sha256=SHA256)
    with pytest.raises(WheelInvalid, match="does not end as a zip"):
        fetch()


@pytest.mark.parametrize("length", ["-1", "many", ""])
def test_a_content_length_that_says_nothing_does_not_lift_the_bound(
    fetch: Fetcher, internet: Internet, length: str
) -> None:
    internet.replies[f"/{FILE}"] = reply(b"x" * 3_000_000, Content_Length=length)
    with pytest.raises(WheelInvalid, match="over 1 MiB"):
        fetch(max_bytes=1024 * 1024)


def test_a_wheel_that_is_announced_too_large_is_refused_unread(fetch: Fetcher, internet: Internet) -> None:
    internet.replies[f"/{FILE}"] = reply(b"", Content_Length=str(256 * 1024 * 1024 + 1))
    with pytest.raises(WheelInvalid, match="over 256 MiB"):
        fetch()


def dripping(internet: Internet, before: bytes) -> Iterator[bytes]:
    yield before
    while not internet.closing.wait(0.01):
        yield b"x"


@pytest.mark.parametrize(
    "before",
    [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "],
)
def test_a_slow_drip_ends_at_the_deadline(fetch: Fetcher, internet: Internet, before: bytes) -> None:
    internet.replies[f"/{FILE}"] = dripping(internet, before)
    with pytest.raises(WheelUnreachable, match="did not deliver in time"):
        fetch(deadline_seconds=0.3, read_seconds=10)


def test_a_host_that_drips_is_given_up_long_before_the_deadline(fetch: Fetcher, internet: Internet) -> None:
    internet.replies[f"/{FILE}"] = dripping(internet, b"HTTP/1.1 200 OK\r\n\r\n")
    with pytest.raises(WheelUnreachable, match="did not deliver in time"):
        fetch(first_byte_seconds=0.3, deadline_seconds=100)


def test_a_host_that_delivers_gets_more_time_than_until_its_first_byte(fetch: Fetcher, internet: Internet) -> None:
    head, body = reply()

    def steady() -> Iterator[bytes]:
        yield head
        for place in range(0, len(body), 100):
            internet.closing.wait(0.1)
            yield body[place : place + 100]

    internet.replies[f"/{FILE}"] = steady()
    assert fetch(first_byte_seconds=0.5, least_bytes_per_second=200).sha256 == SHA256


def test_a_file_name_whose_tags_multiply_is_refused_before_anything_is_fetched(
    fetch: Fetcher, internet: Internet
) -> None:
    tags = "-".join(".".join(f"{part}{number}" for number in range(64)) for part in ("py", "abi", "linux"))
    with pytest.raises(WheelInvalid, match="too many tags"):
        fetch(f"https://files.example/acme-1.2.0-{tags}.whl")
    assert internet.resolved == []


def test_a_host_that_falls_silent_ends_at_the_read_timeout(fetch: Fetcher, internet: Internet) -> None:
    def silent() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n\r\n"
        internet.closing.wait(5)

    internet.replies[f"/{FILE}"] = silent()
    with pytest.raises(WheelUnreachable, match="did not deliver in time"):
        fetch(read_seconds=0.1)
    internet.closing.set()


def test_the_deadline_is_one_for_all_redirects(fetch: Fetcher, internet: Internet) -> None:
    now = 0.0

    def slowly(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        nonlocal now
        now += 12
        return internet.resolve(host, port)

    internet.replies[f"/{FILE}"] = redirect(f"/{FILE}")
    with pytest.raises(WheelUnreachable, match="in time"):
        fetch(resolve=slowly, clock=lambda: now)
    assert len(internet.requests) == 2


def unresolvable(error: Exception) -> Callable[..., Any]:
    def resolve(*_: Any, **__: Any) -> Any:
        raise error

    return resolve


def no_address(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
    return []


def test_a_host_that_does_not_resolve_is_unreachable(fetch: Fetcher) -> None:
    failures = [unresolvable(socket.gaierror(-2, "no such name")), unresolvable(UnicodeError("label too long"))]
    for resolve in (*failures, no_address):
        with pytest.raises(WheelUnreachable, match=r"files\.example cannot be resolved"):
            fetch(resolve=resolve)


def test_a_host_that_refuses_the_connection_is_unreachable(fetch: Fetcher) -> None:
    def refuse(target: CheckedAddress, *, timeout: float) -> socket.socket:
        raise ConnectionRefusedError(111, f"refused by {target} in {timeout}")

    with pytest.raises(WheelUnreachable, match="cannot be connected to") as caught:
        fetch(dial=refuse)
    assert PUBLIC not in str(caught.value)


def test_a_certificate_of_another_name_or_authority_is_refused(fetch: Fetcher, internet: Internet) -> None:
    with pytest.raises(WheelUnreachable, match="no valid certificate: Hostname mismatch"):
        fetch(f"https://other.example/{FILE}")
    with pytest.raises(WheelUnreachable, match="no valid certificate: unable to get local issuer"):
        fetch(ca_file="")
    assert internet.requests == []


def test_a_ca_file_that_is_not_there_is_a_fault_of_the_settings(fetch: Fetcher) -> None:
    with pytest.raises(SettingsError, match="HUB_WHEEL_CA_FILE"):
        fetch(ca_file="/nowhere/ca.pem")


def test_a_proxy_of_the_environment_is_not_used(fetch: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")
    assert fetch().sha256 == SHA256


@pytest.mark.parametrize(
    "answer", [reply(b"<html>Please log in</html>"), reply(b""), [b"HTTP/1.1 200 OK\r\nContent-Le"]]
)
def test_what_is_delivered_and_is_no_wheel_is_refused(fetch: Fetcher, internet: Internet, answer: Reply) -> None:
    internet.replies[f"/{FILE}"] = answer
    with pytest.raises(WheelInvalid, match="does not begin as a zip"):
        fetch()

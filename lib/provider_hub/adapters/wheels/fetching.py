"""Fetches a wheel from wherever its author put it, without being led anywhere else.

The URL is a tenant's word. Each hop is https, its host is resolved once, every address it resolves to must be
public, and the connection goes to exactly an address that was checked.
"""

import functools
import hashlib
import hmac
import http.client
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field
from time import monotonic
from typing import IO, Any, Self

from provider_hub.adapters.wheel_inspection import inspect_in_child
from provider_hub.adapters.wheels.addresses import is_public
from provider_hub.adapters.wheels.connection import CheckedAddress, Deadline, Dial, Monotonic, PinnedConnection, dial
from provider_hub.domain.artifacts import MAX_BYTES
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.wheels.contents import WheelContents
from provider_hub.domain.wheels.errors import DigestMismatch, WheelInvalid, WheelRefused, WheelUnreachable
from provider_hub.domain.wheels.file_names import parse_file_name
from provider_hub.domain.wheels.urls import WheelUrl, follow
from provider_hub.settings.reader import SettingsError, variable_name
from provider_hub.settings.wheels import Wheels

MIB = 1024 * 1024
MAX_REDIRECTS = 5
_CHUNK_BYTES = 256 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Names that mean this machine or its metadata server, whatever a resolver says they are.
_INTERNAL_NAMES = frozenset({"localhost", "metadata", "metadata.google.internal"})

Resolve = Callable[..., list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """How a wheel may be fetched; the times are in seconds.

    A host has `first_byte_seconds` until it delivers, and then as long as it delivers `least_bytes_per_second`, up to
    `deadline_seconds`: a slow one would hold one of the few requests that an instance serves at a time.

    `private_hosts` are the `host:port` pairs that may resolve to an address that is not public; `ca_file` is
    trusted beside the system's certificates, empty = those alone. `resolve` is `socket.getaddrinfo` or its like.
    """

    private_hosts: frozenset[str] = frozenset()
    ca_file: str = ""
    max_bytes: int = MAX_BYTES
    deadline_seconds: float = 120
    first_byte_seconds: float = 30
    least_bytes_per_second: int = 64 * 1024
    connect_seconds: float = 10
    read_seconds: float = 20
    resolve: Resolve = field(default=socket.getaddrinfo, repr=False)
    dial: Dial = field(default=dial, repr=False)
    clock: Monotonic = field(default=monotonic, repr=False)

    @classmethod
    def from_settings(cls, settings: Wheels) -> Self:
        """The policy of this deployment; limits of size and time are the class's own."""
        hosts = frozenset(pair.lower() for pair in settings.wheel_private_hosts)
        return cls(private_hosts=hosts, ca_file=settings.wheel_ca_file)


@dataclass(frozen=True, slots=True)
class FetchedBytes:
    """What was counted on the way: the SHA-256 in hexadecimal, and the size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class FetchedWheel:
    """A wheel whose bytes were read to the end and inspected: `sha256` in hexadecimal, `size` in bytes."""

    contents: WheelContents
    sha256: str
    size: int


def fetch_wheel(
    url: WheelUrl,
    spool: IO[bytes],
    *,
    expected_sha256: str | None,
    policy: FetchPolicy,
) -> FetchedWheel:
    """Fetch the wheel at `url` into `spool`, an empty file, compare its digest, and read what it says of itself.

    Raises WheelRefused, WheelUnreachable, DigestMismatch or WheelInvalid.
    """
    parse_file_name(url.file_name)
    sha256, size = _Fetch(policy).download(url, spool)
    return verified(spool, url.file_name, FetchedBytes(sha256, size), expected_sha256)


def verified(spool: IO[bytes], file_name: str, fetched: FetchedBytes, expected_sha256: str | None) -> FetchedWheel:
    """The wheel in `spool`, whichever way it came. Raises DigestMismatch or WheelInvalid."""
    digest = fetched.sha256
    if expected_sha256 is not None and not hmac.compare_digest(digest.encode(), expected_sha256.lower().encode()):
        raise DigestMismatch(f"the wheel's sha256 is {digest}, not the {expected_sha256[:64]} that was given")
    spool.flush()
    return FetchedWheel(inspect_in_child(spool, file_name), digest, fetched.size)


class _Fetch:
    """One wheel's way here: its deadline and trust, shared by every hop."""

    def __init__(self, policy: FetchPolicy) -> None:
        self._policy = policy
        self._deadline = Deadline(policy.first_byte_seconds, policy.deadline_seconds, policy.clock)
        self._tls = _trust(policy.ca_file)

    def download(self, url: WheelUrl, into: IO[bytes]) -> tuple[str, int]:
        """Write the bytes at `url` to `into`; their digest and count."""
        whom = f"the wheel's host {url.host}"
        for _ in range(1 + MAX_REDIRECTS):
            location = self._hop(url, whom, into)
            if not isinstance(location, str):
                return location
            url = follow(url, location)
            # A redirect may name what only the host's own network knows: it is not told to the caller.
            whom = "a host that the wheel's URL redirects to"
        raise WheelUnreachable(f"the wheel's URL redirects more than {MAX_REDIRECTS} times")

    def _hop(self, url: WheelUrl, whom: str, into: IO[bytes]) -> str | tuple[str, int]:
        """Ask one host: the Location it redirects to, or the digest and count of what it delivered."""
        connection = PinnedConnection(
            url.host,
            url.port,
            targets=self._checked_addresses(url, whom),
            context=self._tls,
            deadline=self._deadline,
            connect_seconds=self._policy.connect_seconds,
            read_seconds=self._policy.read_seconds,
            dial=self._policy.dial,
        )
        try:
            with _told_as_unreachable(whom):
                connection.request("GET", url.target, headers=_HEADERS)
                response = connection.getresponse()
            with response:
                location = response.getheader("Location")
                if response.status in _REDIRECTS and location:
                    return location
                return self._receive(response, whom, into)
        finally:
            connection.close()

    def _checked_addresses(self, url: WheelUrl, whom: str) -> list[CheckedAddress]:
        try:
            answers = self._policy.resolve(url.host, url.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise WheelUnreachable(f"{whom} cannot be resolved") from error
        if not answers:
            raise WheelUnreachable(f"{whom} cannot be resolved")
        if url.address not in self._policy.private_hosts:
            _refuse_private(url, whom, answers)
        return [CheckedAddress(family, address) for family, _, _, _, address in answers]

    def _receive(self, response: http.client.HTTPResponse, whom: str, into: IO[bytes]) -> tuple[str, int]:
        if response.status != 200:
            raise WheelUnreachable(f"{whom} answers {response.status}: is the URL right, and readable without a login?")
        encoding = response.getheader("Content-Encoding", "identity")
        if encoding.strip().lower() != "identity":
            raise WheelUnreachable(f"{whom} sends the wheel with a Content-Encoding, though asked for its plain bytes")
        if response.length is not None and response.length > self._policy.max_bytes:
            raise self._too_large()
        digest, size = hashlib.sha256(), 0
        while chunk := _read(response, whom):
            size += len(chunk)
            self._deadline.extend(len(chunk) / self._policy.least_bytes_per_second)
            if size > self._policy.max_bytes:
                raise self._too_large()
            digest.update(chunk)
            into.write(chunk)
        if response.length:
            raise WheelUnreachable(f"{whom} broke off {response.length} bytes before the end")
        return digest.hexdigest(), size

    def _too_large(self) -> WheelInvalid:
        return WheelInvalid(f"the wheel is over {self._policy.max_bytes // MIB} MiB, the most that can be published")


_HEADERS = {
    "Accept": "*/*",
    # Anything else, and the bytes that are digested would not be the wheel's.
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": "provider-hub",
}


@functools.lru_cache(maxsize=1)
def _trust(ca_file: str) -> ssl.SSLContext:
    """Reading the system's authorities takes longer than all else that a small wheel costs."""
    context = ssl.create_default_context()
    try:
        if ca_file:
            context.load_verify_locations(cafile=ca_file)
    except OSError as error:
        raise SettingsError(f"{variable_name('wheel_ca_file')} is no readable file of PEM certificates") from error
    return context


def _read(response: http.client.HTTPResponse, whom: str) -> bytes:
    with _told_as_unreachable(whom):
        # What has come, and not all of a chunk: a host that drips would be waited for meanwhile.
        return response.read1(_CHUNK_BYTES)


@contextmanager
def _told_as_unreachable(whom: str) -> Iterator[None]:
    """Around the network alone: a full disk of ours must not read as a fault of the host."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise WheelUnreachable(f"{whom} has no valid certificate: {error.verify_message}") from error
    except TimeoutError as error:
        raise WheelUnreachable(f"{whom} did not deliver in time") from error
    except OSError as error:
        raise WheelUnreachable(f"{whom} cannot be connected to, or broke off") from error
    except http.client.HTTPException as error:
        raise WheelUnreachable(f"{whom} broke off, or does not speak HTTP") from error


def _refuse_private(url: WheelUrl, whom: str, answers: list[tuple[Any, ...]]) -> None:
    # One private answer among public ones is enough: which of them is connected to is not the author's to pick.
    if url.host in _INTERNAL_NAMES or not all(is_public(str(address[0])) for *_, address in answers):
        raise WheelRefused(
            f"{whom} resolves to an address that is not public: put the wheel on a public https registry"
        )


def download(url: WheelUrl, into: IO[bytes], policy: FetchPolicy) -> tuple[str, int]:
    """Write the bytes at `url` to `into`, whatever they are; their SHA-256 and count.

    Raises WheelRefused, WheelUnreachable, or WheelInvalid for more than the policy allows.
    """
    return _Fetch(policy).download(url, into)

"""An HTTPS connection to an address that was checked, under a deadline for all of it."""

import http.client
import io
import socket
import ssl
from collections.abc import Callable
from typing import Any, Protocol

from provider_hub.domain.dataclass import dataclass

Monotonic = Callable[[], float]
SocketAddress = tuple[Any, ...]


class Deadline:
    """The moment by which everything is done; raises TimeoutError once it has passed.

    It is `seconds` from now, and moves with what is received: never further than `most` seconds from now.
    """

    def __init__(self, seconds: float, most: float, clock: Monotonic) -> None:
        self._clock = clock
        self._last = clock() + most
        self._at = min(clock() + seconds, self._last)

    def extend(self, seconds: float) -> None:
        """Give the host more time, for what it delivered."""
        self._at = min(self._at + seconds, self._last)

    def allow(self, seconds: float) -> float:
        """How long the next wait may be: `seconds`, or less where less is left. Raises TimeoutError."""
        left = self._at - self._clock()
        if left <= 0:
            raise TimeoutError
        return min(seconds, left)


@dataclass(frozen=True, slots=True)
class CheckedAddress:
    """A socket address that a host resolved to and that may be connected to."""

    family: int
    address: SocketAddress


class Dial(Protocol):
    """Connects a TCP socket to one address within `timeout` seconds. Raises OSError."""

    def __call__(self, target: CheckedAddress, *, timeout: float) -> socket.socket:
        """Connect and return the socket, which the caller closes."""
        ...


def dial(target: CheckedAddress, *, timeout: float) -> socket.socket:
    """Connect to the address itself: no name is resolved again, so no second answer can differ."""
    connection = socket.socket(target.family, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect(target.address)
    except BaseException:
        connection.close()
        raise
    return connection


class PinnedConnection(http.client.HTTPSConnection):
    """HTTPS to `host`, certificate checked for that name, over a socket to one of `targets` and nowhere else.

    `timeout` bounds each wait and `deadline` all of them, so that a host that drips a byte at a time, in the
    headers too, does not hold the caller longer than it is ready to wait.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        targets: list[CheckedAddress],
        context: ssl.SSLContext,
        deadline: Deadline,
        connect_seconds: float,
        read_seconds: float,
        dial: Dial,
    ) -> None:
        super().__init__(host, port, context=context)
        self._targets = targets
        self._tls = context
        self._deadline = deadline
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds
        self._dial = dial

    def connect(self) -> None:
        """Connect to the first target that answers. Raises OSError; TimeoutError once the deadline has passed."""
        plain = self._first_that_answers()
        try:
            plain.settimeout(self._deadline.allow(self._connect_seconds))
            secure = self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise
        self.sock = _TimedSocket(secure, self._deadline, self._read_seconds)

    def _first_that_answers(self) -> socket.socket:
        failure: OSError | None = None
        for target in self._targets:
            try:
                return self._dial(target, timeout=self._deadline.allow(self._connect_seconds))
            except OSError as error:
                failure = error
        raise failure or ConnectionError("no address")


class _TimedSocket:
    """What http.client needs of a socket, each wait cut to what the deadline leaves."""

    def __init__(self, secure: ssl.SSLSocket, deadline: Deadline, read_seconds: float) -> None:
        self._secure = secure
        self._deadline = deadline
        self._read_seconds = read_seconds
        self._has_reader = False

    def sendall(self, data: bytes) -> None:
        self._secure.settimeout(self._deadline.allow(self._read_seconds))
        self._secure.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        self._has_reader = True
        return io.BufferedReader(_TimedReader(self._secure, self._deadline, self._read_seconds))

    def close(self) -> None:
        # http.client lets go of a socket that the response still reads from: then the reader closes it.
        if not self._has_reader:
            self._secure.close()


class _TimedReader(io.RawIOBase):
    def __init__(self, secure: ssl.SSLSocket, deadline: Deadline, read_seconds: float) -> None:
        self._secure = secure
        self._deadline = deadline
        self._read_seconds = read_seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        self._secure.settimeout(self._deadline.allow(self._read_seconds))
        return self._secure.recv_into(buffer)

    def close(self) -> None:
        self._secure.close()
        super().close()

"""Ports that stay free until the process they were chosen for listens on them."""

import errno
import socket
from typing import Self

LOOPBACK = "127.0.0.1"


class ReservedPort:
    """A loopback port held for a process that starts later, and again after each restart of it.

    The socket is bound and never listens. Linux lets another socket with SO_REUSEADDR bind and listen
    beside it (gunicorn's and the JVM's have it), yet never gives the port to a program that asks for any free one:
    two stacks that start at the same moment cannot pick the same port.
    """

    def __init__(self) -> None:
        self._socket = _bound_socket(0)
        self.number: int = self._socket.getsockname()[1]

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{LOOPBACK}:{self.number}"

    @property
    def url(self) -> str:
        """`http://host:port`, without a trailing slash."""
        return f"http://{self.address}"

    def release(self) -> None:
        """Give the port back to the system."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class PortTakenError(Exception):
    """Another process listens on the port that was asked for."""


def listening_socket(port: int) -> socket.socket:
    """A bound loopback socket for a server of this process; 0 takes any free port.

    Raises PortTakenError when another process listens there, or this one may not.
    """
    try:
        bound = _bound_socket(port)
    except OSError as error:
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            raise PortTakenError(str(error)) from error
        raise
    try:
        # Binding alone succeeds beside another SO_REUSEADDR socket that does not listen yet; listening settles it.
        bound.listen(128)
    except OSError as error:
        bound.close()
        raise PortTakenError(str(error)) from error
    bound.setblocking(False)
    return bound


def port_of(bound: socket.socket) -> int:
    """The port number a bound socket has."""
    number: int = bound.getsockname()[1]
    return number


def _bound_socket(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((LOOPBACK, port))
    except OSError:
        bound.close()
        raise
    return bound

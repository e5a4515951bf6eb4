"""The frames that the SDK's worker and its host exchange: JSON-RPC 2.0, each behind its length.

A frame is a 4-byte big-endian length and one JSON object of at most 64 MiB, over a Unix socket
(`pragma_sdk.protocol`, SDK 15 to 18).
"""

import json
import select
import socket
import struct
import threading
from typing import Any

LARGEST_FRAME = 64 * 1024 * 1024
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
UNSUPPORTED_PROTOCOL = -32001

_PREFIX = struct.Struct(">I")
_CHUNK = 256 * 1024
_WRITE_SECONDS = 5.0  # for a peer that does not read


class FrameError(Exception):
    """The peer broke the protocol or went away in the middle of a frame. The text never repeats what it sent."""


class Connection:
    """Reads frames on one thread; writes them from any."""

    def __init__(self, peer: socket.socket) -> None:
        self._socket = peer
        self._writing = threading.Lock()

    def read(self, seconds: float | None = None) -> dict[str, Any] | None:
        """The next message; None where the peer closed the connection between two frames.

        Raises FrameError on a malformed or oversized frame and TimeoutError where the peer is silent for `seconds`.
        """
        self._socket.settimeout(seconds)
        header = self._receive(_PREFIX.size)
        if not header:
            return None
        if len(header) < _PREFIX.size:
            raise FrameError("closed the connection in the middle of a frame")
        (length,) = _PREFIX.unpack(header)
        if length > LARGEST_FRAME:
            raise FrameError(f"sent a frame of {length} bytes; at most {LARGEST_FRAME} are allowed")
        body = self._receive(length)
        if len(body) < length:
            raise FrameError("closed the connection in the middle of a frame")
        return _parse(body)

    def answer(self, request_id: object, result: object) -> None:
        """Raises FrameError where the peer is gone or does not read; so do the other two."""
        self._write({"id": request_id, "result": result})

    def refuse(self, request_id: object, code: int, message: str, data: object = None) -> None:
        """Answer a request with an error; `data` is any JSON value. Raises FrameError as `answer` does."""
        self._write({"id": request_id, "error": {"code": code, "message": message, "data": data}})

    def notify(self, method: str) -> None:
        """Send a message that expects no answer. Raises FrameError as `answer` does."""
        self._write({"method": method})

    def close(self) -> None:
        """Close the socket; a `read` in another thread ends."""
        self._socket.close()

    def _receive(self, length: int) -> bytes:
        """`length` bytes, or fewer where the connection ends before."""
        received = bytearray()
        while len(received) < length:
            try:
                chunk = self._socket.recv(min(_CHUNK, length - len(received)))
            except TimeoutError:
                raise
            except OSError:  # reset, or closed by `close`
                break
            if not chunk:
                break
            received += chunk
        return bytes(received)

    def _write(self, message: dict[str, object]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        rest = memoryview(_PREFIX.pack(len(body)) + body)
        with self._writing:
            try:
                while rest:
                    if not select.select([], [self._socket], [], _WRITE_SECONDS)[1]:
                        raise FrameError(f"has not read what it was sent for {_WRITE_SECONDS:.0f} s")
                    rest = rest[self._socket.send(rest, socket.MSG_DONTWAIT) :]
            except (OSError, ValueError):  # ValueError: closed meanwhile
                raise FrameError("closed the connection") from None


def _parse(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise FrameError("sent a frame that is not JSON") from None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise FrameError("sent a frame that is not JSON-RPC 2.0")
    return message

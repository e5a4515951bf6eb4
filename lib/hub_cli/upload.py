"""Sends a wheel to where its upload goes: in parts, and from where it broke off.

The protocol is that of Cloud Storage's resumable uploads. No token goes along: the URL itself lets its bearer send
these bytes, so no error repeats it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO

import urllib3

from hub_cli.connections import cause, pool
from hub_cli.errors import Refused, Unavailable

# Cloud Storage wants multiples of 256 KiB. A part is held in memory, and sent again when its connection breaks.
PART_BYTES = 8 * 1024**2
ATTEMPTS = 6
_FIRST_PAUSE_SECONDS = 0.5
_SILENCE_SECONDS = 60.0
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_INCOMPLETE = 308
_DONE = frozenset({200, 201})


@dataclass(frozen=True)
class Destination:
    """Where the bytes go, and headers to send along; `ca_file` is trusted beside the system's certificates."""

    url: str
    headers: Mapping[str, str]
    ca_file: str | None


@dataclass
class _Upload:
    """One file on its way; `failures` counts those since the last byte that arrived.

    A host may say that it has less than it said before, and is then sent that again; what it had is no progress.
    """

    http: urllib3.PoolManager
    to: Destination
    file: IO[bytes]
    size: int
    sleep: Callable[[float], None]
    failures: int = field(default=0, init=False)

    def send(self, moved: Callable[[int], None]) -> None:
        arrived = furthest = 0
        while arrived < self.size:
            reached = self._send_part(arrived)
            if reached is None:
                self._pause()
                reached = self._asked()
            elif reached <= arrived:
                self._failed("it takes nothing of what is sent")
                self._pause()
            if reached is not None and reached > furthest:
                furthest, self.failures = reached, 0
            arrived = arrived if reached is None else reached
            moved(arrived)

    def _send_part(self, start: int) -> int | None:
        """How many bytes have arrived; None where that is not known."""
        self.file.seek(start)
        part = self.file.read(PART_BYTES)
        return self._put(part, f"bytes {start}-{start + len(part) - 1}/{self.size}")

    def _asked(self) -> int | None:
        return self._put(b"", f"bytes */{self.size}")

    def _put(self, body: bytes, content_range: str) -> int | None:
        headers = {**self.to.headers, "Content-Range": content_range}
        try:
            response = self.http.request("PUT", self.to.url, body=body, headers=headers, redirect=False)
        except urllib3.exceptions.SSLError as error:
            raise Unavailable(f"the upload cannot be sent: {cause(error)}.") from error
        except urllib3.exceptions.HTTPError as error:
            self._failed(cause(error))
            return None
        if response.status in _DONE:
            return self.size
        if response.status == _INCOMPLETE:
            return _end_of(response.headers.get("Range", ""))
        if response.status in _PASSING:
            self._failed(f"it answers {response.status}")
            return None
        raise Refused(f"the bucket refused with {response.status}: it may have ended the upload, so publish again.")

    def _failed(self, why: str) -> None:
        """Raises Unavailable once it was too often."""
        self.failures += 1
        if self.failures >= ATTEMPTS:
            raise Unavailable(f"the upload does not get on, {ATTEMPTS} times in a row: {why}.")

    def _pause(self) -> None:
        self.sleep(_FIRST_PAUSE_SECONDS * 2 ** max(0, self.failures - 1))


def upload(
    file: IO[bytes],
    size: int,
    to: Destination,
    moved: Callable[[int], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Send `file`, whose `size` bytes were announced; `moved` is called with how many of them have arrived.

    Raises Unavailable where the host is out of reach for ATTEMPTS tries, Refused where it does not take them.
    """
    http = pool(to.url, to.ca_file, read_seconds=_SILENCE_SECONDS)
    _Upload(http, to, file, size, sleep).send(moved)


def _end_of(received: str) -> int:
    """How many bytes `bytes=0-N` says; none where nothing is said."""
    last = received.rpartition("-")[2]
    return int(last) + 1 if last.isdecimal() else 0

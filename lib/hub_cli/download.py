"""Downloads the wheel whose URL `hub publish` was given. No token goes along: the host is not the hub."""

import hashlib
import time
from collections.abc import Callable
from typing import IO

import urllib3

from hub_cli.connections import cause, pool
from hub_cli.errors import Refused
from provider_hub.domain.wheels import WheelUrl
from provider_hub.domain.wheels.urls import follow

MAX_WHEEL_BYTES = 256 * 1024**2
MAX_REDIRECTS = 5
DOWNLOAD_SECONDS = 300.0
_READ_SECONDS = 20.0
_CHUNK_BYTES = 256 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "provider-hub"}


def download(
    url: WheelUrl, into: IO[bytes], ca_file: str | None, *, clock: Callable[[], float] = time.monotonic
) -> str:
    """Write the bytes at `url` to `into`; their sha256 in hexadecimal.

    Follows redirects to https alone, and ends after DOWNLOAD_SECONDS however slowly the host sends. Any host is
    asked, also a private one: whoever runs the command typed the URL. Which hosts may be fetched from is the API's
    to decide.

    Raises Refused where the host does not deliver, or delivers no wheel; WheelRefused for a redirect to no https URL.
    """
    deadline = clock() + DOWNLOAD_SECONDS
    http = pool(ca_file, read_seconds=_READ_SECONDS)
    for _ in range(1 + MAX_REDIRECTS):
        try:
            response = http.request(
                "GET", str(url), headers=_HEADERS, redirect=False, preload_content=False, decode_content=False
            )
            with response:
                location = response.headers.get("Location")
                if response.status not in _REDIRECTS or not location:
                    return _receive(response, url, into, deadline, clock)
                url = follow(url, location)
        except urllib3.exceptions.HTTPError as error:
            raise Refused(f"{url.host} does not deliver the wheel: {cause(error)}.") from error
    raise Refused(f"the wheel's URL redirects more than {MAX_REDIRECTS} times.")


def _receive(
    response: urllib3.BaseHTTPResponse, url: WheelUrl, into: IO[bytes], deadline: float, clock: Callable[[], float]
) -> str:
    if response.status != 200:
        raise Refused(f"{url.host} answers {response.status}: is the wheel's URL right, and readable without a login?")
    digest, size = hashlib.sha256(), 0
    while chunk := response.read1(_CHUNK_BYTES):
        size += len(chunk)
        if size > MAX_WHEEL_BYTES:
            raise Refused(f"the wheel is over {MAX_WHEEL_BYTES // 1024**2} MiB, the most that can be published.")
        if clock() > deadline:
            raise Refused(f"{url.host} did not deliver the wheel within {DOWNLOAD_SECONDS:g} s.")
        digest.update(chunk)
        into.write(chunk)
    return digest.hexdigest()

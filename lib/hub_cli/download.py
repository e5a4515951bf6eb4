"""Downloads the wheel whose URL `hub publish` was given. No token goes along: the host is not the hub."""

import hashlib
from typing import IO

import urllib3

from hub_cli.connections import cause, pool, within
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


def download(url: WheelUrl, into: IO[bytes], ca_file: str | None) -> str:
    """Write the bytes at `url` to `into`; their sha256 in hexadecimal.

    Follows redirects to https alone, and ends after DOWNLOAD_SECONDS however slowly the host sends. Any host is
    asked, also a private one: whoever runs the command typed the URL. Which hosts may be fetched from is the API's
    to decide.

    Raises Refused where the host does not deliver, or delivers no wheel; WheelRefused for a redirect to no https URL.
    """
    try:
        return within(DOWNLOAD_SECONDS, lambda: _follow(url, into, ca_file))
    except urllib3.exceptions.HTTPError as error:
        raise Refused(f"{url.host} does not deliver the wheel: {cause(error)}.") from error


def _follow(url: WheelUrl, into: IO[bytes], ca_file: str | None) -> str:
    for _ in range(1 + MAX_REDIRECTS):
        http = pool(str(url), ca_file, read_seconds=_READ_SECONDS)
        with http.request(
            "GET", str(url), headers=_HEADERS, redirect=False, preload_content=False, decode_content=False
        ) as response:
            location = response.headers.get("Location")
            if response.status not in _REDIRECTS or not location:
                return _receive(response, url, into)
        url = follow(url, location)
    raise Refused(f"the wheel's URL redirects more than {MAX_REDIRECTS} times.")


def _receive(response: urllib3.BaseHTTPResponse, url: WheelUrl, into: IO[bytes]) -> str:
    if response.status != 200:
        raise Refused(f"{url.host} answers {response.status}: is the wheel's URL right, and readable without a login?")
    digest, size = hashlib.sha256(), 0
    while chunk := response.read(_CHUNK_BYTES):
        size += len(chunk)
        if size > MAX_WHEEL_BYTES:
            raise Refused(f"the wheel is over {MAX_WHEEL_BYTES // 1024**2} MiB, the most that can be published.")
        digest.update(chunk)
        into.write(chunk)
    return digest.hexdigest()

"""Fetches the wheel: https on every hop, bounded, and of the one digest that was published."""

import hashlib
import random
import ssl
import time
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, BinaryIO
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from pragma_runtime.errors import PermanentError, SettingsError, TemporaryError
from pragma_runtime.log import say
from pragma_runtime.settings import Settings, public_url

LARGEST_WHEEL = 256 * 1024 * 1024
_CHUNK = 1024 * 1024
_READ_TIMEOUT = 20.0
_ATTEMPTS = 4
_FIRST_BACKOFF = 0.5
_TEMPORARY_STATUS = frozenset({408, 425, 429})


def fetch_wheel(settings: Settings, seconds: float) -> Path:
    """The verified wheel in the work directory, under its own file name, which pip parses.

    A file that an earlier start of the same container left is taken when its digest is right. Raises
    PermanentError (refused, not there, too large, another digest) or TemporaryError (no connection, or not all of
    it within `seconds`, further attempts included).
    """
    deadline = time.monotonic() + seconds
    path = settings.work_dir / "wheel" / wheel_file_name(settings.wheel_url)
    if path.is_file() and _digest(path) == settings.wheel_sha256:
        return path
    path.parent.mkdir(exist_ok=True)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _fetch_once(settings, path, deadline)
        except TemporaryError as failure:
            delay = _FIRST_BACKOFF * 2 ** (attempt - 1) * random.uniform(0.8, 1.2)  # noqa: S311 - only spreads load
            if attempt == _ATTEMPTS or time.monotonic() + delay > deadline:
                raise
            say(f"{failure} Trying again in {delay:.1f} s.")
            time.sleep(delay)
    raise AssertionError("unreachable")


def wheel_file_name(url: str) -> str:
    """The file name at the end of `url`'s path; raises PermanentError where it is no wheel's name."""
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    if not name.endswith(".whl") or len(name) > 255 or name.count("-") < 4 or any(c in name for c in "/\\\0"):
        raise PermanentError(
            f"The URL {public_url(url)} does not end in a wheel's file name, NAME-VERSION-PYTHON-ABI-PLATFORM.whl."
        )
    return name


def _fetch_once(settings: Settings, path: Path, deadline: float) -> Path:
    partial = path.with_suffix(".part")
    shown = public_url(settings.wheel_url)
    with _open(settings) as response, partial.open("wb") as file:
        digest = _copy(response, file, shown, deadline)
    if digest != settings.wheel_sha256:
        partial.unlink()
        raise PermanentError(
            f"The wheel at {shown} has the SHA-256 digest {digest}, but {settings.wheel_sha256} was published; "
            "it is not installed."
        )
    return partial.replace(path)


def _open(settings: Settings) -> HTTPResponse:
    shown = public_url(settings.wheel_url)
    request = Request(settings.wheel_url, headers={"User-Agent": "pragma-runtime"})  # noqa: S310 - https, see settings
    opener = _opener(settings.ca_file)
    try:
        response: HTTPResponse = opener.open(request, timeout=_READ_TIMEOUT)
    except HTTPError as error:
        error.close()
        kind = TemporaryError if error.code >= 500 or error.code in _TEMPORARY_STATUS else PermanentError
        raise kind(f"The wheel at {shown} cannot be fetched: its host answered {error.code}.") from None
    except URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise PermanentError(
                f"The wheel at {shown} cannot be fetched: its host's certificate is not trusted "
                f"({error.reason.verify_message})."
            ) from None
        raise TemporaryError(f"The wheel at {shown} cannot be fetched: {error.reason}.") from None
    except (OSError, HTTPException) as error:
        raise TemporaryError(f"The wheel at {shown} cannot be fetched: {_text(error)}.") from None
    return response


def _copy(response: HTTPResponse, file: BinaryIO, shown: str, deadline: float) -> str:
    expected = int(response.headers.get("Content-Length") or -1)
    too_large = PermanentError(f"The wheel at {shown} is larger than {LARGEST_WHEEL // 1024**2} MiB.")
    if expected > LARGEST_WHEEL:
        raise too_large
    digest = hashlib.sha256()
    size = 0
    while chunk := _read(response, shown):
        size += len(chunk)
        if size > LARGEST_WHEEL:
            raise too_large
        if time.monotonic() > deadline:
            raise TemporaryError(f"The wheel at {shown} did not arrive in time: its host sent {size} bytes until now.")
        digest.update(chunk)
        file.write(chunk)
    # A connection cut short would otherwise pass for a forged wheel, which is refused for good.
    if 0 <= expected != size:
        raise TemporaryError(f"The wheel at {shown} was cut off after {size} of {expected} bytes.")
    return digest.hexdigest()


def _read(response: HTTPResponse, shown: str) -> bytes:
    try:
        return response.read1(_CHUNK)
    except (OSError, HTTPException) as error:
        raise TemporaryError(f"The wheel at {shown} was cut off: {_text(error)}.") from None


def _text(error: Exception) -> str:
    return str(error) or type(error).__name__


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _opener(ca_file: Path | None) -> OpenerDirector:
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except ssl.SSLError:
            raise SettingsError(f"PRAGMA_CA_FILE is {str(ca_file)!r}, which holds no PEM certificate.") from None
    # Put together by hand: `build_opener` would also speak http, ftp, file and data.
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(),
        HTTPSHandler(context=context),
        _HttpsRedirects(),
        HTTPDefaultErrorHandler(),
        HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


class _HttpsRedirects(HTTPRedirectHandler):
    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        if urlsplit(newurl).scheme != "https":
            fp.close()
            raise PermanentError(
                f"The wheel at {public_url(req.full_url)} redirects to {public_url(newurl)}; only https is followed."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)

"""Fetches wheels: https on every hop, bounded, and each of the one digest that was published or locked."""

import hashlib
import random
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPRedirectHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from pragma_runtime.authorities import Authorities, VerifyingHandler, system_authorities
from pragma_runtime.bucket import Bucket, kept_name
from pragma_runtime.disk import Disk
from pragma_runtime.errors import PermanentError, SettingsError, TemporaryError
from pragma_runtime.lock import Lock
from pragma_runtime.log import say
from pragma_runtime.settings import Settings, public_url
from pragma_runtime.side_by_side import side_by_side

LARGEST_WHEEL = 256 * 1024 * 1024
_WHEELS = "wheel"  # the folder in the work directory
_PARTIAL = ".part"
_CHUNK = 1024 * 1024
_READ_TIMEOUT = 20.0
_ATTEMPTS = 4
_FIRST_BACKOFF = 0.5
_TEMPORARY_STATUS = frozenset({408, 425, 429})
_AT_ONCE = 8


class Source(NamedTuple):
    """A wheel to fetch: where it is, under which name to keep it, and the one digest that it may have.

    `of` says whose it is in messages; `agreed` how its digest was agreed on: it was published, or locked. `kept_as` is
    the name of the object that has its bytes if the hub's bucket does, which is then asked first; "" without a bucket.
    """

    url: str
    file_name: str
    sha256: str
    of: str = "wheel"
    agreed: str = "published"
    size: int | None = None  # in bytes; None is any up to LARGEST_WHEEL
    kept_as: str = ""

    @property
    def shown(self) -> str:
        """The source as a message names it."""
        return f"The {self.of} at {public_url(self.url)}"


def fetch_wheel(settings: Settings, seconds: float) -> Path:
    """The provider's verified wheel in the work directory, under its own file name, which pip parses.

    A file that an earlier start of the same container left is taken when its digest is right. Raises
    PermanentError (refused, not there, too large, another digest) or TemporaryError (no connection, or not all of
    it within `seconds`, further attempts included).
    """
    return fetch_all(settings, [own_wheel(settings)], seconds)[0]


def own_wheel(settings: Settings) -> Source:
    """The provider's own wheel, called as the hub keeps it. Raises PermanentError for what is no wheel's name."""
    name = settings.wheel_object.rpartition("/")[2] or wheel_file_name(settings.wheel_url)
    kept_as = settings.wheel_object or kept_name(settings.wheel_sha256, name)
    return Source(settings.wheel_url, name, settings.wheel_sha256, kept_as=kept_as if settings.artifacts_url else "")


def locked_wheels(settings: Settings, lock: Lock) -> list[Source]:
    """The wheels of a lock. The bucket has them once they are copied, which may be later than this start."""
    return [
        Source(
            one.url,
            one.file_name,
            one.sha256,
            f"dependency {one.name} {one.version}",
            "locked",
            one.size,
            kept_name(one.sha256, one.file_name) if settings.artifacts_url else "",
        )
        for one in lock.wheels
    ]


def fetch_all(settings: Settings, sources: Sequence[Source], seconds: float) -> list[Path]:
    """Each source's verified wheel, all in one folder of the work directory, in the order of `sources`.

    They are fetched side by side. The first that fails ends the whole; what was fetched stays for the next start.
    Raises as `fetch_wheel` does, and also, before anything is fetched, as `Disk.check` does for what is locked.
    """
    directory = settings.work_dir / _WHEELS
    directory.mkdir(exist_ok=True)
    missing = [source for source in sources if not (directory / source.file_name).is_file()]
    disk = Disk(settings.work_dir, settings.disk_bytes)
    disk.check(sum(source.size or 0 for source in missing), f"The wheels of {sources[0].file_name} have")
    bucket = Bucket(settings.artifacts_url) if settings.artifacts_url else None
    fetching = _Fetching(_opener(settings.ca_file), directory, time.monotonic() + seconds, bucket)
    return fetching.fetch_all(sources)


def partial_wheels(settings: Settings) -> list[Path]:
    """The files of fetches that did not end. They are of no use: a fetch begins with the first byte."""
    return [*(settings.work_dir / _WHEELS).glob(f"*{_PARTIAL}")]


def wheel_file_name(url: str) -> str:
    """The file name at the end of `url`'s path; raises PermanentError where it is no wheel's name."""
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    if not name.endswith(".whl") or len(name) > 255 or name.count("-") < 4 or any(c in name for c in "/\\\0"):
        raise PermanentError(
            f"The URL {public_url(url)} does not end in a wheel's file name, NAME-VERSION-PYTHON-ABI-PLATFORM.whl."
        )
    return name


class _Fetching:
    """The fetches of one start, which share a deadline (monotonic seconds), whom to trust, and the hub's bucket."""

    def __init__(self, opener: OpenerDirector, directory: Path, deadline: float, bucket: Bucket | None) -> None:
        self._bucket = bucket
        self._opener = opener
        self._directory = directory
        self._deadline = deadline
        self._is_over = False

    def fetch_all(self, sources: Sequence[Source]) -> list[Path]:
        """The files in the order of `sources`."""
        if self._bucket and len(sources) > 1:
            # Once for all of them: side by side, each would ask for a token of its own. Without one now, each does.
            with suppress(TemporaryError):
                self._bucket.authorization()
        try:
            side_by_side(self.fetch, sources, _AT_ONCE)
        finally:
            self._is_over = True  # those that wait for their next attempt make none
        return [self._directory / source.file_name for source in sources]

    def fetch(self, source: Source) -> Path:
        """The file, tried for several times."""
        path = self._directory / source.file_name
        if path.is_file() and _digest(path) == source.sha256:
            return path
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._fetch_once(source, path)
            except TemporaryError as failure:
                delay = _FIRST_BACKOFF * 2 ** (attempt - 1) * random.uniform(0.8, 1.2)  # noqa: S311 - only spreads load
                if attempt == _ATTEMPTS or self._is_over or time.monotonic() + delay > self._deadline:
                    raise
                say(f"{failure} Trying again in {delay:.1f} s.")
                time.sleep(delay)
        raise AssertionError("unreachable")

    def _fetch_once(self, source: Source, path: Path) -> Path:
        """From the bucket, and where that does not give it, from where it was published.

        If the author's host refuses for good while the bucket is only out of reach, the bucket's failure is raised:
        the next attempt may find the wheel there.
        """
        if self._bucket is None or not source.kept_as:
            return self._fetch_from(source, path)
        kept = source._replace(url=self._bucket.url_of(source.kept_as))
        try:
            return self._fetch_from(kept, path, self._bucket.authorization())
        except (PermanentError, TemporaryError) as failure:
            if kept.url == source.url:
                raise
            of_bucket = failure
        say(f"{of_bucket} Asking where it was published.")
        try:
            return self._fetch_from(source, path)
        except PermanentError as refusal:
            if isinstance(of_bucket, PermanentError):
                raise
            say(str(refusal))
            raise of_bucket from None

    def _fetch_from(self, source: Source, path: Path, authorization: str = "") -> Path:
        partial = path.with_suffix(_PARTIAL)
        with _open(self._opener, source, authorization) as response, partial.open("wb") as file:
            digest = _copy(response, file, source, self._deadline)
        if digest != source.sha256:
            partial.unlink()
            raise PermanentError(
                f"{source.shown} has the SHA-256 digest {digest}, but {source.sha256} was {source.agreed}; "
                "it is not installed."
            )
        return partial.replace(path)


def _open(opener: OpenerDirector, source: Source, authorization: str) -> HTTPResponse:
    request = Request(source.url, headers={"User-Agent": "pragma-runtime"})  # noqa: S310 - https, as settings and lock say
    if authorization:
        # No redirect takes the token along.
        request.add_unredirected_header("Authorization", authorization)
    try:
        response: HTTPResponse = opener.open(request, timeout=_READ_TIMEOUT)
    except HTTPError as error:
        error.close()
        kind = TemporaryError if error.code >= 500 or error.code in _TEMPORARY_STATUS else PermanentError
        raise kind(f"{source.shown} cannot be fetched: its host answered {error.code}.") from None
    except URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise PermanentError(
                f"{source.shown} cannot be fetched: its host's certificate is not trusted "
                f"({error.reason.verify_message})."
            ) from None
        raise TemporaryError(f"{source.shown} cannot be fetched: {error.reason}.") from None
    except (OSError, HTTPException) as error:
        raise TemporaryError(f"{source.shown} cannot be fetched: {_text(error)}.") from None
    return response


def _copy(response: HTTPResponse, file: BinaryIO, source: Source, deadline: float) -> str:
    expected = int(response.headers.get("Content-Length") or -1)
    most = source.size or LARGEST_WHEEL
    too_large = PermanentError(f"{source.shown} is larger than {_bytes(most)}.")
    if expected > most:
        raise too_large
    digest = hashlib.sha256()
    size = 0
    while chunk := _read(response, source):
        size += len(chunk)
        if size > most:
            raise too_large
        if time.monotonic() > deadline:
            raise TemporaryError(f"{source.shown} did not arrive in time: its host sent {size} bytes until now.")
        digest.update(chunk)
        file.write(chunk)
    # A connection cut short would otherwise pass for a forged wheel, which is refused for good.
    if 0 <= expected != size:
        raise TemporaryError(f"{source.shown} was cut off after {size} of {expected} bytes.")
    return digest.hexdigest()


def _bytes(count: int) -> str:
    return f"{count // 1024**2} MiB" if count % 1024**2 == 0 else f"the {count} bytes that are locked"


def _read(response: HTTPResponse, source: Source) -> bytes:
    try:
        return response.read1(_CHUNK)
    except (OSError, HTTPException) as error:
        raise TemporaryError(f"{source.shown} was cut off: {_text(error)}.") from None


def _text(error: Exception) -> str:
    return str(error) or type(error).__name__


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _opener(ca_file: Path | None) -> OpenerDirector:
    try:
        authorities = Authorities(ca_file) if ca_file else system_authorities()
    except ssl.SSLError:
        raise SettingsError(f"PRAGMA_CA_FILE is {str(ca_file)!r}, which holds no PEM certificate.") from None
    # Put together by hand: `build_opener` would also speak http, ftp, file and data.
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(),
        VerifyingHandler(authorities),
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

"""The bucket by Cloud Storage's XML API: every request is one that a signed URL allows.

Functions and those to whom they hand a URL ask in the same way, so there is one way to be let in, and one that the
stand-in has to check. The price is a call of IAM for each request, which is little beside what moves.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING, Any

from provider_hub.actions.artifacts import UploadSession
from provider_hub.adapters.artifacts.signing import Asked, Signer, encoded_name, signed_url
from provider_hub.domain.errors import TemporaryError

if TYPE_CHECKING:
    from requests import Response

_CHUNK_BYTES = 256 * 1024
# Seconds until the connection stands, and then until the first byte and between two.
_TIMEOUT = (10, 30)
# From the signature to the request's first byte: the clocks of both sides may differ a little.
_OWN_LIFETIME = timedelta(minutes=5)
_NOT_THERE = {"x-goog-if-generation-match": "0"}
_MISSING = (403, 404)
_LIST = b"storage.objects.list"


def _now() -> datetime:
    return datetime.now(UTC)


class Bucket:
    """One bucket (`actions.artifacts.ArtifactStore`)."""

    def __init__(self, url: str, signer: Signer, *, ca_file: str = "", clock: Callable[[], datetime] = _now) -> None:
        """`url` is the bucket's own, without a slash at its end; `ca_file` is trusted instead of the system's."""
        self._url = url
        self._signer = signer
        self._verify: str | bool = ca_file or True
        self._clock = clock

    def put(self, name: str, content: IO[bytes]) -> bool:
        """Store the bytes, checked on their way by their MD5. Raises TemporaryError."""
        headers = {**_NOT_THERE, "content-md5": _md5(content)}
        content.seek(0)
        with self._asked("PUT", name, (200, 412), headers, content) as response:
            return bool(response.status_code == 200)

    def size_of(self, name: str) -> int | None:
        """Raises TemporaryError. It asks for the first byte: a refused HEAD does not say what was refused."""
        with self._asked("GET", name, (206, *_MISSING), {"range": "bytes=0-0"}) as response:
            if _is_missing(response):
                return None
            return int(response.headers["Content-Range"].rpartition("/")[2])

    def fetch(self, name: str, into: IO[bytes]) -> bool:
        """Raises TemporaryError, also where the object breaks off: what was written by then stays."""
        with self._asked("GET", name, (200, *_MISSING)) as response:
            if _is_missing(response):
                return False
            for chunk in response.iter_content(_CHUNK_BYTES):
                into.write(chunk)
            return True

    def url_of(self, name: str) -> str:
        """The object's own URL, without a signature."""
        return f"{self._url}/{encoded_name(name)}"

    def signed_url(self, name: str, lifetime: timedelta) -> str:
        """Raises TemporaryError where nobody signs."""
        return signed_url(Asked("GET", self.url_of(name)), self._signer, self._clock(), lifetime)

    def begin_upload(self, name: str, size: int) -> UploadSession:
        """Raises TemporaryError."""
        headers = {
            **_NOT_THERE,
            "x-goog-resumable": "start",
            "x-goog-content-length-range": f"{size},{size}",
        }
        with self._asked("POST", name, (201,), headers) as response:
            return UploadSession(response.headers["Location"], {})

    @contextmanager
    def _asked(
        self,
        method: str,
        name: str,
        expected: tuple[int, ...],
        headers: Mapping[str, str] | None = None,
        content: IO[bytes] | None = None,
    ) -> Iterator["Response"]:
        """The answer to one request, while its body may still be read. Raises TemporaryError for another status."""
        import requests  # noqa: PLC0415 - most cold starts of a function keep nothing

        given = dict(headers or {})
        signed = signed_url(Asked(method, self.url_of(name), given), self._signer, self._clock(), _OWN_LIFETIME)
        options: dict[str, Any] = {
            "headers": {**given, "Accept-Encoding": "identity"},
            "data": content,
            "allow_redirects": False,
            "stream": True,
            "verify": self._verify,
        }
        try:
            with requests.request(method, signed, timeout=_TIMEOUT, **options) as response:
                if response.status_code not in expected:
                    raise TemporaryError(f"the bucket answers {method} with {response.status_code}")
                yield response
        except requests.RequestException as error:
            # Its text holds the URL, and so the signature.
            raise TemporaryError(f"the bucket does not answer {method}: {type(error).__name__}") from None


def _is_missing(response: "Response") -> bool:
    """Whether there is no such object. Raises TemporaryError where it is the caller that may not get any.

    Cloud Storage tells nobody that an object is missing who may not list the bucket, as nobody may here: it answers
    403, for want of that permission. For want of another one, a grant is missing.
    """
    if response.status_code == 403 and _LIST not in response.raw.read(_CHUNK_BYTES, decode_content=True):
        raise TemporaryError("the bucket may not be read: is the grant there?")
    return response.status_code in _MISSING


def _md5(content: IO[bytes]) -> str:
    content.seek(0)
    digest = hashlib.md5(usedforsecurity=False)
    while chunk := content.read(_CHUNK_BYTES):
        digest.update(chunk)
    return base64.b64encode(digest.digest()).decode()

"""The signing keys of one realm: fetched from its JWKS endpoint, kept, and refreshed."""

import json
import logging
from collections.abc import Callable, Mapping
from threading import Lock
from time import monotonic
from typing import Any

import jwt
import urllib3
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

from provider_hub.adapters.identity.errors import IdentityUnavailable

REFRESH_SECONDS = 600
REFETCH_SECONDS = 60
# Before the first answer nothing can be verified, so an endpoint that comes back is found sooner.
FIRST_ANSWER_SECONDS = 5

MIN_KEY_BITS = 2048
MAX_DOCUMENT_BYTES = 256 * 1024
_SOCKET_SECONDS = 2.0
_FETCH_SECONDS = 5.0

UnixTime = Callable[[], float]
Fetch = Callable[[str], bytes]

logger = logging.getLogger(__name__)


class JwksError(Exception):
    """The endpoint did not answer, or not with a key set; the message says which."""


class KeySet:
    """The keys of one JWKS endpoint by `kid`; safe to share between threads.

    Nothing is fetched before the first key is asked for. A key that is known is served while the endpoint is
    down, however old it is; once the endpoint answers, what it answers replaces everything known before.
    """

    def __init__(self, url: str, *, clock: UnixTime, fetch: Fetch | None = None) -> None:
        self._url = url
        self._clock = clock
        self._fetch = fetch or download
        self._keys: Mapping[str, RSAPublicKey] = {}
        self._answered_at: float | None = None
        self._tried_at: float | None = None
        self._fetching = Lock()

    def key(self, kid: str) -> RSAPublicKey | None:
        """The key with that `kid`, None where the realm has none.

        Raises IdentityUnavailable where the endpoint never answered yet.
        """
        if kid not in self._keys:
            return self._look_up(kid)
        self._refresh_if_old()
        return self._keys.get(kid)

    def _look_up(self, kid: str) -> RSAPublicKey | None:
        # Callers queue here, so that those behind the first find its answer and fetch nothing themselves.
        with self._fetching:
            if self._may_try():
                self._refresh()
        if self._answered_at is None:
            raise IdentityUnavailable("the realm's keys cannot be fetched", retry_after=FIRST_ANSWER_SECONDS)
        return self._keys.get(kid)

    def _refresh_if_old(self) -> None:
        if not self._is_old() or not self._fetching.acquire(blocking=False):
            return  # Young enough, or another caller is at it: the known keys serve meanwhile.
        try:
            if self._is_old():
                self._refresh()
        finally:
            self._fetching.release()

    def _is_old(self) -> bool:
        return self._passed(self._answered_at, REFRESH_SECONDS) and self._may_try()

    def _may_try(self) -> bool:
        pause = FIRST_ANSWER_SECONDS if self._answered_at is None else REFETCH_SECONDS
        return self._passed(self._tried_at, pause)

    def _passed(self, since: float | None, seconds: float) -> bool:
        # A clock that was set back must not put the next fetch off until it has caught up.
        return since is None or not 0 <= self._clock() - since < seconds

    def _refresh(self) -> None:
        try:
            keys = usable_keys(self._fetch(self._url))
        except JwksError as error:
            # Taken after the attempt: a hanging endpoint must not be tried again by each caller that queued.
            self._tried_at = self._clock()
            logger.warning("keys not refreshed, those known go on serving: %s", error)
            return
        self._keys = keys
        self._answered_at = self._tried_at = self._clock()


def usable_keys(document: bytes) -> dict[str, RSAPublicKey]:
    """The RS256 keys of a JWKS document by `kid`; keys of other kinds or under 2048 bits are left out.

    Raises JwksError where the document is no key set.
    """
    try:
        entries = json.loads(document)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        entries = None
    if not isinstance(entries, list):
        raise JwksError('the answer is not a JSON object with a "keys" array')
    keys: dict[str, RSAPublicKey] = {}
    for entry in entries:
        if isinstance(entry, dict) and _is_for_rs256(entry) and (key := _public_key(entry)):
            keys[entry["kid"]] = key
    return keys


def _is_for_rs256(entry: Mapping[str, Any]) -> bool:
    kid = entry.get("kid")
    return (
        isinstance(kid, str)
        and kid != ""
        and entry.get("kty") == "RSA"
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", "RS256") == "RS256"
        # A private half in public belongs to everybody who reads it.
        and "d" not in entry
    )


def _public_key(entry: Mapping[str, Any]) -> RSAPublicKey | None:
    try:
        key = RSAAlgorithm.from_jwk({"kty": "RSA", "n": entry["n"], "e": entry["e"]})
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        key = None
    if not isinstance(key, RSAPublicKey) or key.key_size < MIN_KEY_BITS:
        logger.warning("a signing key is left out: it is no RSA key of %d bits or more", MIN_KEY_BITS)
        return None
    return key


def download(url: str) -> bytes:
    """The document at `url`, of at most 256 KiB, within 5 seconds; no redirects, no environment proxies.

    Raises JwksError.
    """
    deadline = monotonic() + _FETCH_SECONDS
    try:
        with urllib3.PoolManager(num_pools=1) as http:
            response = http.request(
                "GET",
                url,
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                timeout=_SOCKET_SECONDS,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            try:
                return _body(response, deadline)
            finally:
                response.close()
    except urllib3.exceptions.HTTPError as error:
        raise JwksError(f"the endpoint does not answer ({type(error).__name__})") from error


def _body(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    if response.status != 200:
        raise JwksError(f"the endpoint answers {response.status}")
    body = bytearray()
    while chunk := response.read1(16 * 1024):
        body += chunk
        if len(body) > MAX_DOCUMENT_BYTES:
            raise JwksError(f"the answer is over {MAX_DOCUMENT_BYTES} bytes")
        if monotonic() > deadline:
            raise JwksError(f"the answer takes more than {_FETCH_SECONDS:g} s")
    return bytes(body)

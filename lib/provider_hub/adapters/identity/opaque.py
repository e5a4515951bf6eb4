"""Opaque machine tokens: they say nothing themselves, and the issuer that made them is asked what they stand for.

The call and its answer are Clerk's `POST /v1/m2m_tokens/verify`: `{"token": …}` with a machine's secret key as the
bearer; the answer has `id`, `subject`, `claims`, `scopes`, `revoked`, `expired` and `expiration` (milliseconds since
1970, or null). Its `scopes` are the ids of the machines that may receive the token; what the token may do is in its
`claims`, under `scopes`.
"""

import json
import logging
import re
from collections.abc import Callable
from hashlib import sha256
from threading import Lock
from typing import Any

import urllib3

from provider_hub.adapters.identity.errors import IdentityUnavailable
from provider_hub.adapters.identity.scopes import words_of
from provider_hub.domain.errors import NotAuthenticated

KEPT_SECONDS = 60.0
_KEPT_ANSWERS = 10_000
_SOCKET_SECONDS = 2.0
_TOTAL_SECONDS = 5.0
_MAX_ANSWER_BYTES = 64 * 1024
_RETRY_AFTER = 5
_FORM = re.compile(r"mt_[A-Za-z0-9_-]{8,512}")
_MACHINE = "mch_"

Answer = dict[str, Any]
Post = Callable[[str, str, bytes], tuple[int, bytes]]

logger = logging.getLogger(__name__)


def is_opaque(unverified_token: str) -> bool:
    """Whether the token is of the opaque form `mt_…`."""
    return _FORM.fullmatch(unverified_token) is not None


class OpaqueTokens:
    """The opaque tokens of one realm; safe to share between threads. Nothing is called before the first token.

    An answer is kept for a minute at most, and never past the token's expiration: for so long a token that was
    revoked still passes, and one that is unknown is refused without a call. Tokens are kept as digests.
    """

    def __init__(self, url: str, secret: str, *, clock: Callable[[], float], post: Post | None = None) -> None:
        """`clock` gives seconds since 1970; `post` takes URL, secret and body, and gives status and body."""
        self._url = url
        self._secret = secret
        self._clock = clock
        self._post = post or _post
        self._kept: dict[bytes, tuple[float, Answer | None]] = {}
        self._lock = Lock()

    def claims(self, unverified_token: str) -> Answer:
        """What the token stands for, as the claims of a JWT of the same machine: `sub`, `jti`, `scopes` and its own.

        Raises NotAuthenticated for a token that the issuer does not know, that is revoked or expired, or whose scopes
        contradict each other; IdentityUnavailable where the issuer does not answer.
        """
        digest = sha256(unverified_token.encode()).digest()
        with self._lock:
            until, answer = self._kept.get(digest, (0.0, None))
        if until <= self._clock():
            answer = self._looked_up(unverified_token)
            self._keep(digest, answer)
        if answer is None or not self._is_good(answer):
            raise NotAuthenticated("the issuer does not know this opaque token, or it is revoked or expired")
        own = answer.get("claims") or {}
        return {**own, "sub": answer["subject"], "jti": answer["id"], "scopes": _scopes(answer, own)}

    def _looked_up(self, unverified_token: str) -> Answer | None:
        body = json.dumps({"token": unverified_token}).encode()
        try:
            status, content = self._post(self._url, self._secret, body)
        except urllib3.exceptions.HTTPError as error:
            raise _unavailable(type(error).__name__) from error
        if status in (400, 404, 422):
            return None
        if status != 200:
            raise _unavailable(f"it answers {status}")
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            answer = None
        if not _is_answer(answer):
            raise _unavailable("its answer is not one of this call")
        found: Answer = answer
        return found

    def _is_good(self, answer: Answer) -> bool:
        return not answer.get("revoked") and not answer.get("expired") and self._clock() < _expires(answer)

    def _keep(self, digest: bytes, answer: Answer | None) -> None:
        until = self._clock() + KEPT_SECONDS
        with self._lock:
            if len(self._kept) >= _KEPT_ANSWERS:
                self._kept.clear()
            self._kept[digest] = (min(until, _expires(answer)) if answer else until, answer)


def _expires(answer: Answer) -> float:
    """In seconds since 1970; for ever where the issuer gives none."""
    milliseconds = answer.get("expiration")
    return float("inf") if milliseconds is None else float(milliseconds) / 1000


def _scopes(answer: Answer, own: Answer) -> list[str]:
    """The words of the token's own claims, or of the answer's `scopes` where another issuer than Clerk puts them there.

    A machine without a word of the hub's may do everything, so neither of two lists can be chosen safely.
    Raises NotAuthenticated where both have words and not the same.
    """
    outer = [word for word in words_of(answer.get("scopes")) if not word.startswith(_MACHINE)]
    inner = list(words_of(own.get("scopes")))
    if outer and inner and set(outer) != set(inner):
        raise NotAuthenticated(
            f"the token's claims have the scopes {' '.join(inner)}, and the issuer's answer has {' '.join(outer)} "
            "beside them: give them in the claims alone"
        )
    return outer or inner


def _is_answer(answer: object) -> bool:
    if not isinstance(answer, dict) or not all(isinstance(answer.get(key), str) for key in ("id", "subject")):
        return False
    expiration = answer.get("expiration")
    is_moment = expiration is None or (isinstance(expiration, int | float) and not isinstance(expiration, bool))
    return is_moment and isinstance(answer.get("claims") or {}, dict)


def _unavailable(why: str) -> IdentityUnavailable:
    logger.warning("an opaque token could not be looked up at the issuer: %s", why)
    return IdentityUnavailable("the issuer of machine tokens does not answer", retry_after=_RETRY_AFTER)


def _post(url: str, secret: str, body: bytes) -> tuple[int, bytes]:
    """Status and body of at most 64 KiB; no redirects, no environment proxies. Raises urllib3's HTTPError."""
    timeout = urllib3.Timeout(total=_TOTAL_SECONDS, connect=_SOCKET_SECONDS)
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json", "Accept": "application/json"}
    with urllib3.PoolManager(num_pools=1) as http:
        response = http.request(
            "POST",
            url,
            body=body,
            headers=headers,
            timeout=timeout,
            retries=False,
            redirect=False,
            preload_content=False,
        )
        try:
            return response.status, response.read(_MAX_ANSWER_BYTES)
        finally:
            response.close()

"""Who signed in at the local issuer: sessions, one-time codes and refresh tokens, in memory alone.

The rules are those of RFC 6749 (codes, refresh tokens), RFC 7636 (PKCE, S256 only) and RFC 9700 (a refresh token is
used once). A stack that starts anew knows no session, so everybody signs in again.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

CODE_SECONDS = 60.0


class SignInRefused(Exception):
    """An OAuth error: `code` is RFC 6749's word for it, `str()` says what to do."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


@dataclass(frozen=True)
class Account:
    """A person: an organization's slug, and the role in it."""

    slug: str
    role: str


@dataclass(frozen=True)
class Grant:
    """What a code or a refresh token was exchanged for."""

    account: Account
    refresh_token: str


@dataclass(frozen=True)
class _Code:
    session: str
    challenge: str
    redirect_uri: str
    expires_at: float


class SignIns:
    """The sessions of one running issuer. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sessions: dict[str, Account] = {}
        self._codes: dict[str, _Code] = {}
        self._refresh_tokens: dict[str, str] = {}
        self._used: dict[str, str] = {}

    def open(self, account: Account) -> str:
        """A new session of `account`; returns what its cookie holds."""
        session = secrets.token_urlsafe(32)
        self._sessions[session] = account
        return session

    def is_open(self, session: str) -> bool:
        """Whether somebody is signed in with this cookie."""
        return session in self._sessions

    def close(self, session: str) -> None:
        """End a session, and with it every refresh token that came from it. An unknown one is as good as ended."""
        self._sessions.pop(session, None)
        for tokens in (self._refresh_tokens, self._used):
            for token in [token for token, of in tokens.items() if of == session]:
                del tokens[token]

    def code(self, session: str, challenge: str, redirect_uri: str) -> str:
        """A one-time code of an open session, for the holder of the verifier that `challenge` was made from."""
        now = self._clock()
        self._codes = {code: kept for code, kept in self._codes.items() if kept.expires_at > now}
        code = secrets.token_urlsafe(32)
        self._codes[code] = _Code(session, challenge, redirect_uri, now + CODE_SECONDS)
        return code

    def redeem(self, code: str, verifier: str, redirect_uri: str) -> Grant:
        """Exchange a code. Raises SignInRefused; a code is used up by the first try, whatever comes of it."""
        kept = self._codes.pop(code, None)
        if kept is None or kept.expires_at <= self._clock() or kept.redirect_uri != redirect_uri:
            raise SignInRefused("invalid_grant", "the code is unknown, used or too old: sign in again.")
        if not secrets.compare_digest(challenge_of(verifier), kept.challenge):
            raise SignInRefused("invalid_grant", "the code_verifier is not the one that the code was asked with.")
        return self._grant(kept.session)

    def renew(self, refresh_token: str) -> Grant:
        """Exchange a refresh token for the next one. Raises SignInRefused.

        One that is shown a second time was copied, so its whole session ends.
        """
        if refresh_token in self._used:
            self.close(self._used[refresh_token])
        session = self._refresh_tokens.pop(refresh_token, None)
        if session is None:
            raise SignInRefused("invalid_grant", "the refresh token is unknown, used or of an ended session.")
        self._used[refresh_token] = session
        return self._grant(session)

    def _grant(self, session: str) -> Grant:
        account = self._sessions.get(session)
        if account is None:
            raise SignInRefused("invalid_grant", "the session has ended: sign in again.")
        token = secrets.token_urlsafe(32)
        self._refresh_tokens[token] = session
        return Grant(account, token)


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a code verifier (RFC 7636, section 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

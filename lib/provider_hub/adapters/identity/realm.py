"""One realm: whose tokens it takes, and the proof that a token is one of them."""

import math
import re
import time
from typing import TYPE_CHECKING, Any, NewType
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from provider_hub.adapters.identity.jwks import KeySet, UnixTime
from provider_hub.adapters.identity.opaque import OpaqueTokens, is_opaque
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import NotAuthenticated
from provider_hub.settings.reader import SettingsError, variable_name

if TYPE_CHECKING:
    from provider_hub.settings.identity import Identity

ALGORITHM = "RS256"
LEEWAY_SECONDS = 60
MAX_LIFETIME_SECONDS = 24 * 3600
MAX_TOKEN_CHARACTERS = 8 * 1024
REMOVED_SIGNATURE = "SIGNATURE_REMOVED_BY_GOOGLE"

_COMPACT_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_HEADER_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_CLAIM_TYPES = frozenset({"bearer", "jwt", "at+jwt", "access", "access_token"})
_CLERK_TEMPLATE = "cl_B7d4PD222AAA"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}

VerifiedClaims = NewType("VerifiedClaims", dict[str, Any])
"""The claims of a token whose signature, issuer, times, audience and party were checked."""


@dataclass(frozen=True, slots=True)
class Realm:
    """An issuer, its keys, and what its tokens must say; `audiences` and `parties` empty = not checked.

    `opaque` looks up opaque machine tokens; None refuses them. `accepts_removed_signature` is for a function behind the
    IAM check of Cloud Run, which verifies a token and then puts REMOVED_SIGNATURE in the place of its signature, so
    that the function cannot use the token elsewhere. Such a token is accepted by its claims.
    """

    name: str
    issuer: str
    keys: KeySet
    audiences: tuple[str, ...] = ()
    parties: tuple[str, ...] = ()
    clock: UnixTime = time.time
    opaque: OpaqueTokens | None = None
    accepts_removed_signature: bool = False

    def verify(self, unverified_token: str) -> VerifiedClaims:
        """The claims of a token of this realm.

        Raises NotAuthenticated where it is none, IdentityUnavailable where no key is at hand to tell.
        """
        if is_opaque(unverified_token):
            if self.opaque is None:
                raise NotAuthenticated(f"the {self.name} realm looks up no opaque tokens")
            return VerifiedClaims(self.opaque.claims(unverified_token))
        # Before any key is looked for, so that what cannot be a token of ours costs no fetch.
        kid = _key_id(unverified_token)
        is_verified = self.accepts_removed_signature and unverified_token.endswith(f".{REMOVED_SIGNATURE}")
        claims = self._decoded(unverified_token, None if is_verified else self._key(kid))
        self._check_times(claims)
        self._check_party(claims)
        _check_use(jwt.get_unverified_header(unverified_token), claims)
        return VerifiedClaims(claims)

    def _key(self, kid: str) -> RSAPublicKey:
        key = self.keys.key(kid)
        if key is None:
            raise NotAuthenticated(f"the {self.name} realm has no key with this kid")
        return key

    def _decoded(self, unverified_token: str, key: RSAPublicKey | None) -> dict[str, Any]:
        """The claims, with signature, issuer and audience checked; None leaves the signature out."""
        try:
            claims: dict[str, Any] = jwt.decode(
                unverified_token,
                key or "",
                algorithms=[ALGORITHM],
                issuer=self.issuer,
                audience=self.audiences or None,
                options={
                    "require": ["iss", "exp", "sub"],
                    "verify_signature": key is not None,
                    "verify_iss": True,
                    "verify_aud": bool(self.audiences),
                    # Checked below against the realm's own clock.
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, ValueError) as error:
            raise NotAuthenticated(f"not a token of the {self.name} realm: {_reason(error)}") from None
        return claims

    def _check_times(self, claims: dict[str, Any]) -> None:
        now = self.clock()
        expires = _moment(claims, "exp", default=0)
        if expires <= now - LEEWAY_SECONDS:
            raise NotAuthenticated("the token has expired")
        if expires - _moment(claims, "iat", default=now) > MAX_LIFETIME_SECONDS:
            raise NotAuthenticated("the token is good for more than 24 hours")
        for claim in ("nbf", "iat"):
            if _moment(claims, claim, default=now) > now + LEEWAY_SECONDS:
                raise NotAuthenticated(f"the token is of the future by its {claim}")

    def _check_party(self, claims: dict[str, Any]) -> None:
        party = claims.get("azp")
        # `azp` is the application a person signed in to; the issuer puts none into a machine's token.
        if not self.parties or (party is None and claims["sub"].startswith("mch_")):
            return
        if party not in self.parties:
            raise NotAuthenticated("the token's azp is none of the accepted parties")


def customer_realm(settings: "Identity", *, clock: UnixTime = time.time) -> Realm:
    """The realm of tenants. Raises SettingsError where its settings are missing or not safe."""
    _require_audience(settings, "customer")
    return Realm(
        name="customer",
        issuer=settings.customer_issuer,
        keys=KeySet(safe_url(settings.customer_jwks_url, "customer_jwks_url"), clock=clock),
        audiences=settings.customer_audiences,
        parties=settings.customer_parties,
        clock=clock,
        opaque=_opaque(settings, "customer", clock),
    )


def console_realm(settings: "Identity", *, clock: UnixTime = time.time) -> Realm:
    """The realm of the platform itself. Raises SettingsError where its settings are missing or not safe."""
    _require_audience(settings, "console")
    return Realm(
        name="console",
        issuer=settings.console_issuer,
        keys=KeySet(safe_url(settings.console_jwks_url, "console_jwks_url"), clock=clock),
        audiences=settings.console_audiences,
        parties=settings.console_parties,
        clock=clock,
        opaque=_opaque(settings, "console", clock),
    )


def _require_audience(settings: "Identity", realm: str) -> None:
    """An issuer serves other applications too: a token for one of those must not open this one.

    The issuer of one machine, whose keys come from that machine itself, serves nothing else.
    """
    if urlsplit(getattr(settings, f"{realm}_jwks_url")).hostname in _LOOPBACK:
        return
    if not (getattr(settings, f"{realm}_audiences") or getattr(settings, f"{realm}_parties")):
        audiences, parties = (variable_name(f"{realm}_{name}") for name in ("audiences", "parties"))
        raise SettingsError(f"set {audiences} or {parties}: without, a token for any application of the issuer passes")


def _opaque(settings: "Identity", realm: str, clock: UnixTime) -> OpaqueTokens | None:
    """None where the realm looks up none. Raises SettingsError for an unsafe URL."""
    field = f"{realm}_lookup_url"
    url: str = getattr(settings, field)
    if not url:
        return None
    secret: str = getattr(settings, f"{realm}_lookup_secret").get_secret_value()
    return OpaqueTokens(safe_url(url, field), secret, clock=clock)


def safe_url(url: str, field: str) -> str:
    """`url` where keys may be read from it. Raises SettingsError, which names the setting `field`."""
    # Keys read over plain HTTP are whoever sits on the way; on the machine itself nobody does.
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
        return url
    raise SettingsError(f"{variable_name(field)} must be an https:// URL (http:// only for this machine itself)")


def _key_id(unverified_token: str) -> str:
    if len(unverified_token) > MAX_TOKEN_CHARACTERS:
        raise NotAuthenticated(f"the token is over {MAX_TOKEN_CHARACTERS} characters")
    if not _COMPACT_FORM.fullmatch(unverified_token):
        raise NotAuthenticated("the token is not three base64url parts")
    try:
        header = jwt.get_unverified_header(unverified_token)
    except (jwt.PyJWTError, ValueError) as error:
        raise NotAuthenticated(f"the token's header is not readable: {_reason(error)}") from None
    if header.get("alg") != ALGORITHM:
        raise NotAuthenticated(f"the token's alg is not {ALGORITHM}")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise NotAuthenticated("the token names no kid")
    return kid


def _check_use(header: dict[str, Any], claims: dict[str, Any]) -> None:
    """An issuer signs other things with the same key: ID tokens, refresh tokens, tokens made from a template.

    None of them is an access token or a session's, whatever else it says. The places are those of RFC 9068 (the
    header's `typ`), Keycloak (`typ`), Cognito (`token_use`) and Clerk (the header's `cat`; `sts` is `pending`
    while a sign-in still wants something of the user).
    """
    if str(header.get("typ") or "JWT").lower() not in _HEADER_TYPES:
        raise NotAuthenticated("the token's header typ is not an access token's")
    if header.get("cat") == _CLERK_TEMPLATE:
        raise NotAuthenticated("the token was made from a template and is not a session's")
    if str(claims.get("typ") or "bearer").lower() not in _CLAIM_TYPES:
        raise NotAuthenticated("the token's typ is not an access token's")
    if claims.get("token_use") not in (None, "access"):
        raise NotAuthenticated("the token's token_use is not access")
    if claims.get("sts") not in (None, "active"):
        raise NotAuthenticated("the token's session is not active")


def _moment(claims: dict[str, Any], claim: str, *, default: float) -> float:
    value = claims.get(claim, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise NotAuthenticated(f"the token's {claim} is not a number of seconds")
    return value


def _reason(error: Exception) -> str:
    # The library's own texts may quote the token; the name of the error cannot.
    return type(error).__name__

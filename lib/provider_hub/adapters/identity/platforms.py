"""Tokens of CI platforms, verified into the run that each was made for.

Stricter than a realm's tokens: one audience that is a text and no list, 30 seconds of leeway, and no header that says
anything about keys but which one. A refusal names what was wrong, and never what would have been right.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.utils import base64url_decode

from provider_hub.adapters.identity.jwks import KeySet, UnixTime
from provider_hub.adapters.identity.realm import ALGORITHM, MAX_TOKEN_CHARACTERS, safe_url
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import MintRefused
from provider_hub.domain.publishers.claims import CiRun, ClaimRefused, Platform, read_run
from provider_hub.settings.publishers import TrustedPublishers

LEEWAY_SECONDS = 30
# GitHub's tokens live for minutes, GitLab's for as long as a job may take.
LONGEST_LIFE_SECONDS = 24 * 3600
_HEADER = frozenset({"alg", "kid", "typ", "x5t"})


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """One CI platform that this hub trusts, and its keys."""

    platform: Platform
    issuer: str
    keys: KeySet


class PlatformTokens:
    """Verifies tokens of the platforms that the settings name (`actions.minting.RunTokens`)."""

    def __init__(self, settings: TrustedPublishers, *, clock: UnixTime = time.time) -> None:
        """Keys are fetched with the first token of their issuer. Raises SettingsError for an unsafe issuer."""
        self._audience = settings.publisher_audience
        self._clock = clock
        self._issuers = {
            issuer: TrustedIssuer(
                platform, issuer, KeySet(safe_url(platform.jwks_url(issuer), "publisher_issuers"), clock=clock)
            )
            for platform, issuer in settings.trusted_issuers
        }

    def run_of(self, unverified_token: str) -> CiRun:
        """The run that the token vouches for. Raises MintRefused, or IdentityUnavailable where no key is at hand."""
        header, claims = _unverified(unverified_token)
        trusted = self._issuers.get(str(claims.get("iss")))
        if trusted is None:
            raise _refused("its iss is none of the CI platforms that this hub trusts")
        key = trusted.keys.key(header["kid"])
        if key is None:
            raise _refused("its issuer has no key of this kid")
        verified = self._decoded(unverified_token, key, trusted.issuer)
        self._check_times(verified)
        try:
            return read_run(trusted.platform, trusted.issuer, verified)
        except ClaimRefused as refusal:
            raise MintRefused("invalid-publisher", f"the CI token is refused: {refusal}") from None

    def _decoded(self, unverified_token: str, key: RSAPublicKey, issuer: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                unverified_token,
                key,
                algorithms=[ALGORITHM],
                issuer=issuer,
                audience=self._audience,
                options={
                    "require": ["iss", "aud", "exp", "iat", "jti"],
                    "strict_aud": True,
                    # Checked below against the clock that was given.
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.InvalidSignatureError:
            raise _refused("its signature is not its issuer's") from None
        except jwt.InvalidAudienceError:
            raise _refused("its aud is not this hub's audience: ask for it at /_/oidc/audience") from None
        except jwt.MissingRequiredClaimError as error:
            raise _refused(f"it has no {error.claim}") from None
        except (jwt.PyJWTError, ValueError) as error:
            raise _refused(f"it is no token of its issuer ({type(error).__name__})") from None
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now, expires, issued = self._clock(), _moment(claims, "exp"), _moment(claims, "iat")
        if expires <= now - LEEWAY_SECONDS:
            raise _refused("its exp has passed")
        if expires - issued > LONGEST_LIFE_SECONDS:
            raise _refused("it lives longer than a day, from iat to exp")
        for claim, moment in (("iat", issued), ("nbf", _moment(claims, "nbf") if "nbf" in claims else issued)):
            if moment > now + LEEWAY_SECONDS:
                raise _refused(f"its {claim} is in the future")


def _unverified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, of which nothing is believed yet."""
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise _refused(f"it is over {MAX_TOKEN_CHARACTERS} characters")
    header, claims = (_part(part) for part in token.split(".")[:2]) if token.count(".") == 2 else ({}, {})
    if not header or not claims:
        raise _refused("it is no JSON Web Token")
    if header.get("alg") != ALGORITHM:
        raise _refused(f"its header's alg is not {ALGORITHM}")
    if str(header.get("typ", "JWT")).upper() != "JWT":
        raise _refused("its header's typ is not JWT")
    if not isinstance(header.get("kid"), str) or not header["kid"]:
        raise _refused("its header names no kid")
    if strange := sorted(map(str, header.keys() - _HEADER)):
        raise _refused(f"its header has {strange[0][:40]!r}, which is not accepted")
    return header, claims


def _part(text: str) -> dict[str, Any]:
    """The JSON object that a part of a token encodes; an empty one where it is none."""
    try:
        found = json.loads(base64url_decode(text))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _moment(claims: Mapping[str, Any], claim: str) -> float:
    value = claims.get(claim)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**40:
        raise _refused(f"its {claim} is no time")
    return value


def _refused(why: str) -> MintRefused:
    return MintRefused("invalid-token", f"the CI token is refused: {why}")

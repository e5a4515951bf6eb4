"""The local token issuer: one RSA key per realm, the tokens signed with it, and its JWKS. `issuer_server` serves it.

Stands in for the two identity providers and for Google's own OIDC tokens on Cloud Tasks and Scheduler calls.
"""

import base64
import enum
import hashlib
import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local_stack.errors import LocalError
from local_stack.secret_files import secret_file
from provider_hub.domain.identity import ConsoleScope

JWKS_PATH = "/.well-known/jwks.json"
LOOKUP_PATH = "/v1/m2m_tokens/verify"
DEFAULT_LIFETIME = 3600.0
_AUTHORIZED_PARTY = "hub"
# The machine that the hub is at its issuer.
_RECEIVER = "mch_hub"
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Realm(enum.StrEnum):
    """An issuer of its own, with its own key: a token of one realm is worth nothing in another."""

    CUSTOMER = "customer"
    CONSOLE = "console"
    GOOGLE = "google"
    GITHUB = "github"
    GITLAB = "gitlab"


@dataclass(frozen=True)
class TokenIssuer:
    """Mints tokens of the realms under `url` with the keys in `keys_dir`, which it makes at the first use."""

    url: str
    keys_dir: Path

    def user(
        self, slug: str, *, role: str = "admin", organization: bool = True, lifetime: float = DEFAULT_LIFETIME
    ) -> str:
        """A customer User of the organization `slug`. Raises LocalError for a slug that is none."""
        # An admin is the organization's user that has always been; each other role is another person.
        person = slug if role == "admin" else f"{role}_{slug}"
        email = f"{'user' if role == 'admin' else role}@{slug}.example"
        claims = {"sub": f"user_{person}", "email": email}
        return self._mint(Realm.CUSTOMER, claims | _organization(slug, role, present=organization), lifetime)

    def machine(self, slug: str, *, organization: bool = True, lifetime: float = DEFAULT_LIFETIME) -> str:
        """A customer Machine (a tenant's CI) of the organization `slug`. Raises LocalError likewise."""
        claims = {"sub": f"mch_{slug}"}
        return self._mint(Realm.CUSTOMER, claims | _organization(slug, present=organization), lifetime)

    def opaque_machine(
        self,
        slug: str,
        *,
        organization: bool = True,
        scopes: Sequence[str] = (),
        lifetime: float = DEFAULT_LIFETIME,
    ) -> str:
        """An opaque token of a customer Machine. What it stands for is kept beside the keys, for `look_up`."""
        return self._keep(Realm.CUSTOMER, f"mch_{slug}", _organization(slug, present=organization), scopes, lifetime)

    def opaque_console_machine(
        self, *, scopes: Sequence[str] = tuple(ConsoleScope), lifetime: float = DEFAULT_LIFETIME
    ) -> str:
        """An opaque token of the platform's own CI."""
        return self._keep(Realm.CONSOLE, "mch_console", {}, scopes, lifetime)

    def look_up(self, realm: Realm, token: str) -> dict[str, Any] | None:
        """What Clerk answers to `POST /v1/m2m_tokens/verify`; None for a token that the realm did not make.

        As there, `scopes` are the machines that may receive the token. What it may do is in its `claims`.
        """
        path = self._opaque_file(realm, token)
        if not path.is_file():
            return None
        kept: dict[str, Any] = json.loads(path.read_bytes())
        return {**kept, "expired": kept["expiration"] <= time.time() * 1000}

    def lookup_url(self, realm: Realm) -> str:
        """Where opaque tokens of the realm are looked up."""
        return self.issuer(realm) + LOOKUP_PATH

    def lookup_secret(self, realm: Realm) -> str:
        """The machine secret key that a look-up in the realm must carry."""
        return secret_file(self.keys_dir / f"{realm}-lookup", lambda: secrets.token_hex(24).encode()).decode()

    def console_user(self, *, lifetime: float = DEFAULT_LIFETIME) -> str:
        """A person at the platform's console."""
        return self._mint(Realm.CONSOLE, {"sub": "user_console"}, lifetime)

    def console_machine(
        self, *, scopes: Sequence[str] = tuple(ConsoleScope), lifetime: float = DEFAULT_LIFETIME
    ) -> str:
        """The platform's own CI."""
        claims = {"sub": "mch_console", "jti": f"mt_{secrets.token_hex(12)}", "scopes": list(scopes)}
        return self._mint(Realm.CONSOLE, claims, lifetime)

    def service_account(self, email: str, audience: str) -> str:
        """The OIDC token that Cloud Tasks and Scheduler put on a call for a service account."""
        claims = {"sub": email, "email": email, "email_verified": True, "aud": audience, "azp": email}
        return self._mint(Realm.GOOGLE, claims, DEFAULT_LIFETIME)

    def ci_token(self, claims: Mapping[str, Any], audience: str, platform: Realm = Realm.GITHUB) -> str:
        """The token that a CI platform signs for a run, of five minutes. `claims` are what it says of the run."""
        now = int(time.time())
        standard = {"iss": self.issuer(platform), "aud": audience, "iat": now, "nbf": now, "exp": now + 300}
        payload = {"jti": secrets.token_hex(16), **standard, **claims}
        key = self._key(platform)
        return jwt.encode(payload, key, algorithm="RS256", headers={"kid": _key_id(key.public_key())})

    def issuer(self, realm: Realm) -> str:
        """The `iss` of a realm's tokens."""
        return f"{self.url}/{realm}"

    def jwks_url(self, realm: Realm) -> str:
        """Where a realm's public keys are served."""
        return self.issuer(realm) + JWKS_PATH

    def jwks(self, realm: Realm) -> dict[str, Any]:
        """A realm's public keys, as its JWKS URL serves them."""
        public = self._key(realm).public_key()
        numbers = public.public_numbers()
        return {
            "keys": [
                {
                    "kty": "RSA",
                    "use": "sig",
                    "alg": "RS256",
                    "kid": _key_id(public),
                    "n": _base64url(numbers.n),
                    "e": _base64url(numbers.e),
                }
            ]
        }

    def _mint(self, realm: Realm, claims: Mapping[str, Any], lifetime: float) -> str:
        now = int(time.time())
        key = self._key(realm)
        standard = {"iss": self.issuer(realm), "iat": now, "nbf": now, "exp": now + int(lifetime)}
        payload = {"azp": _AUTHORIZED_PARTY} | standard | dict(claims)
        return jwt.encode(payload, key, algorithm="RS256", headers={"kid": _key_id(key.public_key())})

    def _keep(
        self, realm: Realm, subject: str, claims: Mapping[str, Any], scopes: Sequence[str], lifetime: float
    ) -> str:
        token = f"mt_{secrets.token_urlsafe(32)}"
        kept = {
            "object": "machine_to_machine_token",
            "id": f"mt_{secrets.token_hex(12)}",
            "subject": subject,
            "claims": {**claims, **({"scopes": list(scopes)} if scopes else {})},
            "scopes": [_RECEIVER],
            "revoked": False,
            "expiration": int((time.time() + lifetime) * 1000),
        }
        secret_file(self._opaque_file(realm, token), json.dumps(kept).encode)
        return token

    def _opaque_file(self, realm: Realm, token: str) -> Path:
        return self.keys_dir / f"{realm}-opaque" / hashlib.sha256(token.encode()).hexdigest()

    def _key(self, realm: Realm) -> rsa.RSAPrivateKey:
        return private_key(self.keys_dir / f"{realm}.pem")


def check_slug(slug: str) -> str:
    """`slug` itself. Raises LocalError unless it is lower-case letters, digits and inner hyphens, at most 63."""
    if not _SLUG.fullmatch(slug):
        raise LocalError(
            f"{slug!r} is no organization slug: use lower-case letters, digits and hyphens between them, up to 63."
        )
    return slug


def _organization(slug: str, role: str = "admin", *, present: bool) -> dict[str, Any]:
    check_slug(slug)
    if not present:
        return {}
    name = slug.replace("-", " ").title()
    return {"o": {"id": f"org_{slug}", "slg": slug, "rol": role}, "org_name": name}


@cache
def private_key(path: Path) -> rsa.RSAPrivateKey:
    """The RSA key in `path`, which is made where it is missing. Raises LocalError for a file that holds another."""
    key = serialization.load_pem_private_key(secret_file(path, _new_key), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise LocalError(f"{path} holds no RSA key: delete it, and the next start makes one.")
    return key


def _new_key() -> bytes:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _key_id(key: rsa.RSAPublicKey) -> str:
    """The key's own digest, so that another key always has another id."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()[:32]


def _base64url(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

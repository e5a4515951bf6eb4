"""The OIDC tokens by which Pub/Sub, Cloud Tasks and Cloud Scheduler are known, for tests that stand in for them."""

import functools
import json
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from local_stack.callers import PUSH_ACCOUNT, SCHEDULER_ACCOUNT, TASKS_ACCOUNT
from local_stack.function_list import FUNCTIONS, scheduled

ISSUER = "https://callers.example"
KEYS_URL = f"{ISSUER}/keys"


def account_for(function: str, path: str) -> str | None:
    """The account that calls a function at that path; None for a function of the public API."""
    if FUNCTIONS[function].is_public:
        return None
    if path.startswith("/projects/"):
        return PUSH_ACCOUNT
    return SCHEDULER_ACCOUNT if function in scheduled() else TASKS_ACCOUNT


@functools.cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def keys(_url: str = KEYS_URL) -> bytes:
    """The key set of ISSUER."""
    entry = {**RSAAlgorithm.to_jwk(_key().public_key(), as_dict=True), "kid": "callers", "use": "sig"}
    return json.dumps({"keys": [entry]}).encode()


@functools.cache
def token(account: str, audience: str) -> str:
    """A token of ISSUER for that account and audience, good for a day."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": audience,
        "azp": account,
        "sub": account,
        "email": account,
        "email_verified": True,
        "iat": now,
        "exp": now + 86400,
    }
    return jwt.encode(claims, _key(), algorithm="RS256", headers={"kid": "callers"})

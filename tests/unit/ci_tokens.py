"""Tokens as GitHub and GitLab sign them, with keys and a clock of the tests'."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from jwt.utils import base64url_encode
from tests.fakes import START
from tests.unit.rsa_keys import KEY

from provider_hub.adapters.identity.jwks import KeySet
from provider_hub.adapters.identity.platforms import PlatformTokens, TrustedIssuer
from provider_hub.domain.publishers.claims import Platform
from provider_hub.settings.everything import TrustedPublishers

NOW = START.timestamp()
AUDIENCE = "hub.test"
GITHUB = "https://token.actions.githubusercontent.com"
GITLAB = "https://gitlab.com"
COMMIT = "4f2a9c1e8b7d6a5c4e3f2b1a0d9c8e7f6a5b4c3d"
CLAIMS: Mapping[str, Any] = {
    "iss": GITHUB,
    "aud": AUDIENCE,
    "sub": "repo:Acme/Weather:environment:release",
    "jti": "one-run",
    "iat": NOW - 10,
    "nbf": NOW - 10,
    "exp": NOW + 300,
    "repository": "Acme/Weather",
    "repository_id": "74",
    "repository_owner": "Acme",
    "repository_owner_id": "65",
    "workflow_ref": "Acme/Weather/.github/workflows/release.yml@refs/tags/v1.0.0",
    "job_workflow_ref": "Acme/Weather/.github/workflows/release.yml@refs/tags/v1.0.0",
    "environment": "release",
    "ref": "refs/tags/v1.0.0",
    "sha": COMMIT,
    "event_name": "push",
    "run_id": "30433642",
    "actor": "ada",
}
OF_GITLAB: Mapping[str, Any] = {
    "iss": GITLAB,
    "aud": AUDIENCE,
    "jti": "one-job",
    "iat": NOW - 10,
    "nbf": NOW - 10,
    "exp": NOW + 3600,
    "project_path": "acme/tools/weather",
    "project_id": "22",
    "namespace_id": "72",
    "ci_config_ref_uri": "gitlab.com/acme/tools/weather//.gitlab-ci.yml@refs/tags/v1.0.0",
    "ref_path": "refs/tags/v1.0.0",
    "pipeline_source": "push",
    "sha": COMMIT,
    "job_id": "302",
    "user_login": "ada",
}


@dataclass
class Time:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


def signed(claims: Mapping[str, Any], key: rsa.RSAPrivateKey = KEY, **header: Any) -> str:
    headers = {"kid": "1", **header}
    algorithm = headers.pop("alg", "RS256")
    return jwt.encode(dict(claims), key, algorithm=algorithm, headers=headers)


def encoded(content: Mapping[str, Any]) -> str:
    """A part of a token, whatever it says."""
    return base64url_encode(json.dumps(content).encode()).decode()


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good run with some changed; one that is ... is left out."""
    return {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ...}


def verifier(clock: Time | None = None) -> PlatformTokens:
    settings = TrustedPublishers(publisher_audience=AUDIENCE)
    tokens = PlatformTokens(settings, clock=clock or Time())
    document = json.dumps(
        {"keys": [{**RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "1", "alg": "RS256"}]}
    )
    for issuer, trusted in tokens._issuers.items():
        keys = KeySet(f"{issuer}/keys", clock=clock or Time(), fetch=lambda _: document.encode())
        tokens._issuers[issuer] = TrustedIssuer(Platform(trusted.platform), issuer, keys)
    return tokens

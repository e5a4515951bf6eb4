"""A GitHub runner's own server, as far as a job asks it for a token of its run.

A job is given the server's URL and a request token. Here the request token carries what the run is, signed, so that any
process of this machine can play any run, and the server keeps nothing.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import secrets
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from hub_cli.stack_file import StackInfo
from local_stack.errors import LocalError
from local_stack.issuer import Realm, TokenIssuer
from local_stack.proxies import unproxied
from local_stack.secret_files import secret_file
from local_stack.sigstore import LocalSigstore
from provider_hub.domain.publishers.claims import Platform, RunClaims, read_run

# Where each platform has its keys.
_JWKS_PATHS = {
    Realm.GITHUB: f"/{Realm.GITHUB}/.well-known/jwks",
    Realm.GITLAB: f"/{Realm.GITLAB}/oauth/discovery/keys",
}
TOKEN_PATH = f"/{Realm.GITHUB}/token"


@dataclass(frozen=True)
class CiRun:
    """A run of a workflow, as GitHub's claims tell it. Numbers are made from the names where none are given."""

    repository: str
    workflow: str = "release.yml"
    ref: str = "refs/tags/v1.0.0"
    event: str = "push"
    environment: str | None = None
    commit: str = "4f2a9c1e8b7d6a5c4e3f2b1a0d9c8e7f6a5b4c3d"
    actor: str = "ada"
    run_id: str = "30433642"
    repository_id: str | None = None
    called_workflow_ref: str | None = None

    def claims(self) -> dict[str, Any]:
        """What the token says of it. `sub` has the form of repositories that are older than July 2026."""
        owner = self.repository.partition("/")[0]
        workflow_ref = f"{self.repository}/.github/workflows/{self.workflow}@{self.ref}"
        place = f"environment:{self.environment}" if self.environment else f"ref:{self.ref}"
        return {
            "sub": f"repo:{self.repository}:{place}",
            "repository": self.repository,
            "repository_id": self.repository_id or _number(self.repository),
            "repository_owner": owner,
            "repository_owner_id": _number(owner),
            "repository_visibility": "private",
            "workflow_ref": workflow_ref,
            "job_workflow_ref": self.called_workflow_ref or workflow_ref,
            "ref": self.ref,
            "sha": self.commit,
            "event_name": self.event,
            "actor": self.actor,
            "run_id": self.run_id,
            "run_attempt": "1",
            "runner_environment": "self-hosted",
            **({"environment": self.environment} if self.environment else {}),
        }


def job_variables(issuer: TokenIssuer, run: CiRun) -> dict[str, str]:
    """The variables by which a job of the run asks for its token: those of a job with `id-token: write`."""
    return {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{issuer.url}{TOKEN_PATH}?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": _request_token(_secret(issuer), run.claims()),
    }


def claims_of(issuer: TokenIssuer, run: CiRun) -> RunClaims:
    """What a certificate of the run says of it."""
    times = {"jti": secrets.token_hex(16), "exp": int(time.time()) + 300}
    return read_run(Platform.GITHUB, issuer.issuer(Realm.GITHUB), {**run.claims(), **times}).claims


def attest(issuer: TokenIssuer, run: CiRun, wheel: Path) -> Path:
    """Sign for a wheel as the run: the file beside it in which Python's publishing tools look for an attestation.

    Raises LocalError for a file that cannot be read.
    """
    try:
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        attestation = LocalSigstore.of(issuer.keys_dir).attest(claims_of(issuer, run), wheel.name, digest)
        path = wheel.with_name(f"{wheel.name}.publish.attestation")
        path.write_text(json.dumps(attestation))
    except OSError as error:
        raise LocalError(f"cannot attest {wheel}: {error.strerror}.") from error
    return path


def run_job(issuer: TokenIssuer, run: CiRun, info: StackInfo, command: Sequence[str]) -> int:
    """Run a command as a job of the run, without a token of the hub's; returns its status.

    It trusts the stack's authority, as `hub` and Python's publishing tools look for it, and asks the stack through no
    proxy. Raises LocalError for a command
    that cannot be run.
    """
    kept = {name: value for name, value in os.environ.items() if name != "HUB_TOKEN"}
    trusts = dict.fromkeys(("HUB_CA_FILE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), info.ca_file)
    given = {"HUB_API_URL": info.api_url, **trusts, **unproxied(kept), **job_variables(issuer, run)}
    try:
        return subprocess.run(command, env={**kept, **given}, check=False).returncode  # noqa: S603 - the caller's own
    except OSError as error:
        raise LocalError(f"cannot run {command[0]}: {error.strerror}.") from error


def add_ci_routes(application: web.Application, issuer: TokenIssuer) -> None:
    """Serve the platforms' keys, and the tokens of GitHub's runs to their jobs."""
    secret = _secret(issuer)

    def jwks(platform: Realm) -> Any:
        async def keys(_: web.Request) -> web.Response:
            # The key is made when it is first asked for: few stacks ever publish from CI, and it takes a while.
            return web.json_response(await asyncio.to_thread(issuer.jwks, platform))

        return keys

    async def token(request: web.Request) -> web.Response:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        claims = _claims_of(secret, given) if kind.lower() == "bearer" else None
        if claims is None:
            return web.json_response({"message": "Unauthorized"}, status=401)
        audience = request.query.get("audience") or str(claims["repository"])
        return web.json_response({"value": await asyncio.to_thread(issuer.ci_token, claims, audience)})

    for platform, path in _JWKS_PATHS.items():
        application.router.add_get(path, jwks(platform))
    application.router.add_get(TOKEN_PATH, token)


def _secret(issuer: TokenIssuer) -> bytes:
    return secret_file(issuer.keys_dir / "ci-runner", lambda: secrets.token_hex(24).encode())


def _request_token(secret: bytes, claims: Mapping[str, Any]) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"{body}.{_signature(secret, body)}"


def _claims_of(secret: bytes, token: str) -> dict[str, Any] | None:
    """None for a request token that this machine's stack did not make."""
    body, _, signature = token.partition(".")
    if not hmac.compare_digest(signature.encode(), _signature(secret, body).encode()):
        return None
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


def _signature(secret: bytes, body: str) -> str:
    return hmac.new(secret, body.encode(), hashlib.sha256).hexdigest()


def _number(name: str) -> str:
    """The same for the same name on every machine: a run is told again in documentation."""
    return str(int(hashlib.sha256(name.lower().encode()).hexdigest()[:8], 16))

"""What a CI platform's token says of the run that it was made for.

A token's `sub` is never looked at: its form is the repository's own choice, and has changed before. GitHub's claims are
documented at https://docs.github.com/en/actions/reference/security/oidc, GitLab's at
https://docs.gitlab.com/ci/secrets/id_token_authentication/.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from provider_hub.domain.dataclass import dataclass

_LONGEST = 500
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_NUMBER = re.compile(r"[0-9]{1,20}")


class Platform(StrEnum):
    """A kind of CI platform; each has any number of issuers, since it can be self-hosted."""

    GITHUB = "github"
    GITLAB = "gitlab"

    def jwks_url(self, issuer: str) -> str:
        """Where such an issuer's keys are."""
        path = "/.well-known/jwks" if self is Platform.GITHUB else "/oauth/discovery/keys"
        return issuer.rstrip("/") + path


# Events that only people with write access to the repository can cause. All others, such as a fork's pull request, run
# code or read input of strangers; an event that is new is refused until somebody has looked at it.
_EVENTS = {
    Platform.GITHUB: frozenset(
        {
            "create",
            "deployment",
            "merge_group",
            "push",
            "registry_package",
            "release",
            "repository_dispatch",
            "schedule",
            "workflow_dispatch",
        }
    ),
    Platform.GITLAB: frozenset({"api", "parent_pipeline", "pipeline", "push", "schedule", "trigger", "web"}),
}


class ClaimRefused(ValueError):
    """A claim is missing or says what cannot be accepted from anybody. `str()` names it, and no other claim's value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunClaims:
    """What the token and the signing certificate of one run say in the same words.

    A certificate authority such as Fulcio copies these claims from a token of the run into the certificate
    (https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md). `repository`, `workflow` and `signer` are URLs. The
    last two name a file and its ref: the file that the run began with, and the one whose job asked for the token.
    """

    issuer: str
    repository: str
    repository_id: str
    owner_id: str
    ref: str
    commit: str
    workflow: str
    signer: str


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """What a run signed, once signature, certificate and log entry were verified."""

    claims: RunClaims
    statement: bytes


class AttestationRefused(ValueError):
    """An attestation proves nothing about the wheel that it came with; `str()` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CiRun:
    """A run, as its platform vouches for it.

    `workflow` is the path of the file that it began with; `called_workflow` that of the reusable workflow that asked
    for the token, with its repository before it (`acme/shared/.github/workflows/publish.yml`), None where it was the
    file itself. `ref` is whole, such as `refs/tags/v1.0.0`. `claims` is what an attestation of the run has to say too.
    """

    platform: Platform
    issuer: str
    repository: str
    repository_id: str
    owner_id: str
    workflow: str
    called_workflow: str | None
    environment: str | None
    ref: str
    commit: str
    run_url: str
    actor: str
    jti: str
    expires_at: datetime
    claims: RunClaims

    @property
    def repository_key(self) -> str:
        """The repository's name as it is looked up: platforms tell no upper case from lower."""
        return self.repository.lower()


def read_run(platform: Platform, issuer: str, claims: Mapping[str, Any]) -> CiRun:
    """The run that verified claims speak of. Raises ClaimRefused."""
    return _github(issuer, claims) if platform is Platform.GITHUB else _gitlab(issuer, claims)


def _github(issuer: str, claims: Mapping[str, Any]) -> CiRun:
    _check_event(Platform.GITHUB, _text(claims, "event_name"), "event_name")
    repository, ref, commit = _text(claims, "repository"), _text(claims, "ref"), _commit(claims, "sha")
    began, own = _path_of(claims, "workflow_ref", (ref, commit))
    if own.lower() != repository.lower():
        raise ClaimRefused("workflow_ref names a workflow of another repository than the token's")
    called = _called(claims, repository, began)
    web = _web(issuer)
    in_certificates = RunClaims(
        issuer=issuer,
        repository=f"{web}/{repository}",
        repository_id=_number(claims, "repository_id"),
        owner_id=_number(claims, "repository_owner_id"),
        workflow=f"{web}/{_text(claims, 'workflow_ref')}",
        signer=f"{web}/{_text(claims, 'job_workflow_ref')}",
        ref=ref,
        commit=commit,
    )
    return CiRun(
        platform=Platform.GITHUB,
        issuer=issuer,
        repository=repository,
        repository_id=in_certificates.repository_id,
        owner_id=in_certificates.owner_id,
        workflow=began,
        called_workflow=called,
        environment=_optional(claims, "environment"),
        ref=ref,
        commit=commit,
        run_url=f"{web}/{repository}/actions/runs/{_number(claims, 'run_id')}",
        actor=_text(claims, "actor"),
        jti=_text(claims, "jti"),
        expires_at=_moment(claims, "exp"),
        claims=in_certificates,
    )


def _called(claims: Mapping[str, Any], repository: str, began: str) -> str | None:
    """The reusable workflow that the job is of: its own ref is another than the run's."""
    text = _text(claims, "job_workflow_ref").partition("@")[0]
    return None if text.lower() == f"{repository}/{began}".lower() else text


def _path_of(claims: Mapping[str, Any], claim: str, refs: tuple[str, ...]) -> tuple[str, str]:
    """The path of a file and the repository that it is of, from `OWNER/REPOSITORY/PATH@REF`."""
    place, _, ref = _text(claims, claim).partition("@")
    owner, _, rest = place.partition("/")
    name, _, path = rest.partition("/")
    if not (owner and name and path) or ref not in refs:
        raise ClaimRefused(f"{claim} is not of the form OWNER/REPOSITORY/PATH@REF with the token's own ref")
    return path, f"{owner}/{name}"


def _gitlab(issuer: str, claims: Mapping[str, Any]) -> CiRun:
    _check_event(Platform.GITLAB, _text(claims, "pipeline_source"), "pipeline_source")
    project, ref = _text(claims, "project_path"), _text(claims, "ref_path")
    place, _, config_ref = _text(claims, "ci_config_ref_uri").partition("@")
    host = str(urlsplit(issuer).netloc)
    own = f"{host}/{project}//"
    if not place.lower().startswith(own.lower()) or config_ref != ref:
        raise ClaimRefused("ci_config_ref_uri names a configuration of another project or ref than the token's")
    web, config = issuer.rstrip("/"), f"https://{_text(claims, 'ci_config_ref_uri')}"
    in_certificates = RunClaims(
        issuer=issuer,
        repository=f"{web}/{project}",
        repository_id=_number(claims, "project_id"),
        owner_id=_number(claims, "namespace_id"),
        workflow=config,
        signer=config,
        ref=ref,
        commit=_commit(claims, "sha"),
    )
    return CiRun(
        platform=Platform.GITLAB,
        issuer=issuer,
        repository=project,
        repository_id=in_certificates.repository_id,
        owner_id=in_certificates.owner_id,
        workflow=place[len(own) :],
        called_workflow=None,
        environment=_optional(claims, "environment"),
        ref=ref,
        commit=in_certificates.commit,
        run_url=f"{web}/{project}/-/jobs/{_number(claims, 'job_id')}",
        actor=_text(claims, "user_login"),
        jti=_text(claims, "jti"),
        expires_at=_moment(claims, "exp"),
        claims=in_certificates,
    )


def _check_event(platform: Platform, event: str, claim: str) -> None:
    if event not in _EVENTS[platform]:
        raise ClaimRefused(
            f"{claim} is {event[:40]!r}, which others than the repository's own writers may cause: publish on "
            f"{', '.join(sorted(_EVENTS[platform]))}"
        )


def _web(issuer: str) -> str:
    """GitHub's pages: those of github.com, or the server whose issuer it is."""
    parts = urlsplit(issuer)
    is_hosted = parts.hostname == "token.actions.githubusercontent.com"
    return "https://github.com" if is_hosted else f"{parts.scheme}://{parts.netloc}"


def _text(claims: Mapping[str, Any], claim: str) -> str:
    value = claims.get(claim)
    if not isinstance(value, str) or not value or len(value) > _LONGEST or not value.isprintable():
        raise ClaimRefused(f"{claim} is missing, or is no text of at most {_LONGEST} characters")
    return value


def _optional(claims: Mapping[str, Any], claim: str) -> str | None:
    return None if claims.get(claim) in (None, "") else _text(claims, claim)


def _number(claims: Mapping[str, Any], claim: str) -> str:
    value = claims.get(claim)
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise ClaimRefused(f"{claim} is missing, or is no number")
    return text


def _commit(claims: Mapping[str, Any], claim: str) -> str:
    text = _text(claims, claim)
    if not _SHA.fullmatch(text):
        raise ClaimRefused(f"{claim} is no commit")
    return text


def _moment(claims: Mapping[str, Any], claim: str) -> datetime:
    value = claims.get(claim)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**40:
        raise ClaimRefused(f"{claim} is missing, or is no time")
    return datetime.fromtimestamp(value, UTC)

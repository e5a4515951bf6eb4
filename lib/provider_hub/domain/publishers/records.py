"""What is stored about trusted publishers, and about the tokens that they are given."""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.names import ProviderName
from provider_hub.domain.publishers.claims import CiRun, Platform, RunClaims

# A file that a run began with has no repository before its path.
_OF_A_REPOSITORY = "/.github/workflows/"


class PublisherKind(StrEnum):
    """By what right somebody publishes: as a trusted publisher, or with a token of their own."""

    TRUSTED_PUBLISHER = "trusted_publisher"
    MACHINE = "machine"
    USER = "user"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """A workflow of a repository that may publish one provider; the provider need not exist yet.

    `repository` is as an admin wrote it, `repository_key` in lower case, as tokens are looked up. `repository_id` and
    `owner_id` are the platform's own numbers; None until they are pinned by the first token. `workflow` is the file
    that the run began with; `called_workflow` the reusable one of a repository that it publishes from, None where it
    publishes from the file itself. `environment` and `ref` (a pattern such as `refs/tags/*`) None take any.

    `pinned_at` is of its first token; `named_at` of the first for which the run named this provider, which proves that
    who writes to the repository means this organization. None where no run did yet.
    """

    publisher_id: str
    prefix: str
    name: str
    organization_id: str
    organization_slug: str
    organization_name: str
    platform: Platform
    issuer: str
    repository: str
    repository_key: str
    workflow: str
    created_at: datetime
    created_by: str
    called_workflow: str | None = None
    environment: str | None = None
    ref: str | None = None
    repository_id: str | None = None
    owner_id: str | None = None
    pinned_at: datetime | None = None
    last_used_at: datetime | None = None
    named_at: datetime | None = None

    @property
    def provider_name(self) -> ProviderName:
        """The provider that it publishes."""
        return ProviderName(self.prefix, self.name)


@dataclass(frozen=True, slots=True)
class PublishedBy:
    """Who published a version. `who` is a caller's id, `kind` what it was.

    The others are of a CI run, as its platform vouched for it; None where another token published. `workflow` is the
    path of the file that the run began with, which is what verifiers of an attestation compare its certificate with;
    `called_workflow` is the reusable one that asked for the token, with its repository before it, None where it was
    that file. Records from before there was a `called_workflow` have it as their `workflow`. `platform` is None too in
    what was recorded before attestations were taken.
    """

    who: str
    kind: PublisherKind
    issuer: str | None = None
    repository: str | None = None
    repository_id: str | None = None
    workflow: str | None = None
    environment: str | None = None
    ref: str | None = None
    commit: str | None = None
    run_url: str | None = None
    actor: str | None = None
    platform: Platform | None = None
    called_workflow: str | None = None

    def with_workflows_told_apart(self) -> Self:
        """The same, with the reusable workflow as `called_workflow` also where an old record has it as `workflow`.

        The file that such a run began with was not recorded.
        """
        if self.called_workflow is None and _OF_A_REPOSITORY in (self.workflow or ""):
            return replace(self, workflow=None, called_workflow=self.workflow)
        return self

    @classmethod
    def of_run(cls, publisher_id: str, run: CiRun) -> Self:
        """What a run publishes by a trusted publisher."""
        return cls(
            f"publisher_{publisher_id}",
            PublisherKind.TRUSTED_PUBLISHER,
            issuer=run.issuer,
            repository=run.repository,
            repository_id=run.repository_id,
            workflow=run.workflow,
            environment=run.environment,
            ref=run.ref,
            commit=run.commit,
            run_url=run.run_url,
            actor=run.actor,
            platform=run.platform,
            called_workflow=run.called_workflow,
        )


@dataclass(frozen=True, slots=True)
class MintedToken:
    """A token that publishes one provider, under the SHA-256 of its text. Firestore deletes it at `expires_at`.

    `claims` is what an attestation that is published with it has to say of its run.
    """

    digest: str
    publisher_id: str
    provider: str
    organization_id: str
    organization_slug: str
    organization_name: str
    published_by: PublishedBy
    expires_at: datetime
    claims: RunClaims | None = None


@dataclass(frozen=True, slots=True)
class UsedToken:
    """A CI platform's token that was exchanged: each is good once. Firestore deletes it when it has expired anyway."""

    digest: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PublishingPolicy:
    """How an organization, or one of its providers, may be published: without stored secrets alone, or by any token.

    `attested_only` is of a provider: a version without attestations is refused. The first attested version
    switches it on; so may an admin or a machine.
    `organization_id` is whose decision it is; None for the platform's, and in what was decided before that was kept.
    """

    secretless_only: bool
    changed_at: datetime
    changed_by: str
    attested_only: bool = False
    organization_id: str | None = None

    @classmethod
    def undecided(cls, by: str, now: datetime) -> Self:
        """What holds where nobody decided anything; `by` is whoever is about to."""
        return cls(secretless_only=False, changed_at=now, changed_by=by)


def binding(policy: PublishingPolicy | None, organization_id: str | None) -> PublishingPolicy | None:
    """A provider's policy as it binds that organization; None if the one decided it that had the slug before."""
    if policy is None or policy.organization_id in (None, organization_id):
        return policy
    return None

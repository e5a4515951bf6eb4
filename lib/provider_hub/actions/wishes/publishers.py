"""What callers ask of trusted publishers, within which bounds."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from provider_hub.actions.wishes.base import Wish, refused_by_rule
from provider_hub.actions.wishes.fields import Name
from provider_hub.domain.names import MAX_CANONICAL
from provider_hub.domain.publishers.claims import Platform

_PART = r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,99}"
_WORKFLOWS = ".github/workflows/"
_Number = Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]
_Label = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f'\"`,;\\]+$")]


class PublisherWish(Wish):
    """A workflow of a repository that may publish the provider. What is left out takes any."""

    platform: Platform = Field(description="The kind of CI platform.", examples=["github"])
    repository: Annotated[str, Field(max_length=400, pattern=rf"^{_PART}(/{_PART}){{1,20}}$")] = Field(
        description="`OWNER/REPOSITORY`, on GitLab the path of the project.", examples=["acme/weather"]
    )
    workflow: Annotated[str, Field(max_length=255, pattern=r"^[A-Za-z0-9_.][A-Za-z0-9_./-]*\.ya?ml$")] = Field(
        description="The file that a run begins with: on GitHub a name below `.github/workflows/`.",
        examples=["release.yml"],
    )
    called_workflow: Annotated[str, Field(max_length=500, pattern=rf"^{_PART}/{_PART}/[^@\s]+\.ya?ml$")] | None = Field(
        None,
        description="GitHub alone: the reusable workflow that publishes, with its repository before it.",
        examples=["acme/shared/.github/workflows/publish.yml"],
    )
    environment: _Label | None = Field(None, description="The environment of the job.", examples=["release"])
    ref: Annotated[str, Field(max_length=255, pattern=r"^refs/[A-Za-z0-9_./*-]+$")] | None = Field(
        None, description="A pattern of the whole ref; `*` stands for any characters.", examples=["refs/tags/*"]
    )
    issuer: Annotated[str, Field(max_length=300, pattern=r"^https?://\S+$")] | None = Field(
        None, description="Another than the usual issuer of that platform, such as a GitLab of your own."
    )
    repository_id: _Number | None = Field(
        None, description="The platform's own number of the repository; else the first run's is pinned."
    )
    owner_id: _Number | None = Field(None, description="The number of its owner or namespace; else pinned likewise.")
    replaces_repository: bool = Field(
        False, description="Whether it may be another repository than the one that published the latest version."
    )

    @model_validator(mode="after")
    def _fits_its_platform(self) -> Self:
        if {".", ".."} & set(self.repository.split("/")):
            raise refused_by_rule("no part of a repository's path is . or ..")
        if self.platform is Platform.GITHUB and self.repository.count("/") != 1:
            raise refused_by_rule("a repository of GitHub is written OWNER/REPOSITORY")
        if self.platform is Platform.GITLAB and self.called_workflow is not None:
            raise refused_by_rule("called_workflow is GitHub's: a project of GitLab publishes from its own file")
        return self

    @property
    def workflow_path(self) -> str:
        """The file's path in the repository."""
        name = self.workflow.removeprefix(_WORKFLOWS)
        return f"{_WORKFLOWS}{name}" if self.platform is Platform.GITHUB else self.workflow


class PolicyWish(Wish):
    """Who may publish."""

    secretless_only: bool = Field(
        description="Whether trusted publishers alone may publish, and machines' tokens not.", examples=[True]
    )


class ProviderPolicyWish(Wish):
    """How one provider may be published; what is left out stays as it is."""

    secretless_only: bool | None = Field(
        None, description="Whether trusted publishers alone may publish it, and machines' tokens not.", examples=[True]
    )
    attested_only: bool | None = Field(
        None, description="Whether a version without attestations is refused.", examples=[True]
    )

    @model_validator(mode="after")
    def _decides_something(self) -> Self:
        if self.secretless_only is None and self.attested_only is None:
            raise ValueError("give secretless_only, attested_only or both")
        return self


class MintWish(Wish):
    """A CI platform's token."""

    token: Annotated[str, Field(min_length=1, max_length=16_384)] = Field(
        description="The token that the platform signed for this run.", examples=["eyJhbGciOiJSUzI1NiJ9.e30.c2ln"]
    )
    provider: Name | None = Field(
        None,
        description="The provider to publish: needed where the repository publishes several, or where several "
        "organizations name it. The hub then looks at this provider's publishers alone.",
        examples=["acme/weather"],
    )
    name: Annotated[str, Field(max_length=MAX_CANONICAL)] | None = Field(
        None,
        description="Without `provider`: of several providers that the workflow publishes, the one that is called so "
        "(compared as PEP 503 compares names). If none is, or the workflow publishes one alone, it has no effect.",
        examples=["weather"],
    )


class BurnWish(Wish):
    """A token that is done with."""

    token: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="A token that was minted here.", examples=["hubpub_…"]
    )

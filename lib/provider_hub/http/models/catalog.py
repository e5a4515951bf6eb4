"""What is asked of the catalog, what authors may change, and what both are shown (contract, section 4)."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from provider_hub.actions.browse import Listing
from provider_hub.domain.catalog import AuthorKind, Scope
from provider_hub.domain.rollout import Rollout, RolloutState
from provider_hub.http.models.base import Request, Response
from provider_hub.http.models.fields import NO_NUL, Tags, WebAddress


class SearchQuery(Request):
    q: Annotated[str, Field(max_length=200), NO_NUL] = ""
    scope: Scope | None = None
    tags: Annotated[list[Annotated[str, Field(max_length=50), NO_NUL]], Field(max_length=20)] = Field(
        default_factory=list
    )
    limit: int = Field(20, ge=1, le=100)
    offset: int = Field(0, ge=0, le=100_000)


class ProviderEdit(Request):
    """Only the fields that are given are changed; `readme` and `icon_url` may be given as null."""

    display_name: Annotated[str, Field(min_length=1, max_length=100), NO_NUL] | None = None
    description: Annotated[str, Field(max_length=500), NO_NUL] | None = None
    readme: Annotated[str, Field(max_length=50_000), NO_NUL] | None = None
    tags: Tags | None = None
    icon_url: WebAddress | None = None


class YankRequest(Request):
    reason: Annotated[str, Field(max_length=500), NO_NUL] | None = None


class AuthorBody(Response):
    kind: AuthorKind
    organization_id: str | None
    display_name: str


class ProviderBody(Response):
    prefix: str
    name: str
    canonical: str
    display_name: str
    description: str
    author: AuthorBody
    scope: Scope
    icon_url: str | None
    readme: str | None
    tags: list[str]
    latest_version: str | None
    install_count: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, listing: Listing) -> Self:
        provider = listing.provider
        return cls(
            prefix=provider.prefix,
            name=provider.name,
            canonical=provider.canonical,
            display_name=provider.display_name,
            description=provider.description,
            author=AuthorBody.model_validate(provider.author),
            scope=provider.scope,
            icon_url=provider.icon_url,
            readme=provider.readme,
            tags=list(provider.tags),
            latest_version=provider.latest_version,
            install_count=listing.install_count,
            created_at=provider.created_at,
            updated_at=provider.updated_at,
        )


class ProviderPage(Response):
    items: list[ProviderBody]
    total: int
    limit: int
    offset: int


class RolloutBody(Response):
    """A version's way to the installations with policy `auto`: counts only, no tenant is named."""

    version: str
    state: RolloutState
    wave: int
    candidates: int
    started: int
    succeeded: int
    failed: int
    left: int
    halted_reason: str | None
    created_at: datetime
    updated_at: datetime
    due_at: datetime | None

    @classmethod
    def of(cls, rollout: Rollout) -> Self:
        return cls.model_validate(rollout)

"""Trusted publishers of a provider, for the admins of its organization (contract, section 5)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol, Self

from pydantic import ConfigDict, Field

from provider_hub.actions import publishers
from provider_hub.actions.publishing_policy import set_provider_policy
from provider_hub.actions.services import Services
from provider_hub.actions.wishes.publishers import ProviderPolicyWish, PublisherWish
from provider_hub.domain.publishers.claims import Platform
from provider_hub.domain.publishers.records import Publisher
from provider_hub.http.call import Call
from provider_hub.http.models import Response
from provider_hub.http.parameters import PROVIDER, Parameter
from provider_hub.http.route import Access, Routes

_PUBLISHERS = "/providers/{org}/{name}/publishers"


class Hub(Protocol):
    """What the handlers work with."""

    @property
    def services(self) -> Services:
        """Services over this deployment's documents."""

    @property
    def issuers(self) -> Mapping[Platform, tuple[str, ...]]:
        """The issuers of each kind of CI platform."""


routes: Routes[Hub] = Routes(
    "catalog",
    parameters={**PROVIDER, "publisher_id": Parameter("The publisher's id.", example="01JZK3V8M4Q2T7Y9B5N6C1D0EF")},
)


class PublisherBody(Response):
    """A workflow of a repository that may publish the provider."""

    model_config = ConfigDict(title="Publisher")

    id: str = Field(description="What it is removed by.", examples=["01JZK3V8M4Q2T7Y9B5N6C1D0EF"])
    platform: Platform = Field(description="The kind of CI platform.", examples=["github"])
    issuer: str = Field(
        description="The issuer of its tokens.", examples=["https://token.actions.githubusercontent.com"]
    )
    repository: str = Field(description="`OWNER/REPOSITORY`, or the path of the project.", examples=["acme/weather"])
    workflow: str = Field(description="The file that a run begins with.", examples=[".github/workflows/release.yml"])
    called_workflow: str | None = Field(description="The reusable workflow that publishes; null for none.")
    environment: str | None = Field(description="The environment of the job; null for any.", examples=["release"])
    ref: str | None = Field(description="A pattern of the ref; null for any.", examples=["refs/tags/*"])
    repository_id: str | None = Field(
        description="The platform's number of the repository; null until a run pinned it.", examples=["74"]
    )
    owner_id: str | None = Field(description="The number of its owner, likewise.", examples=["65"])
    created_at: datetime = Field(description="When it was added.", examples=["2026-03-02T09:30:00Z"])
    created_by: str = Field(description="Who added it.", examples=["user_ada"])
    last_used_at: datetime | None = Field(description="When it last published; null for never.")

    @classmethod
    def of(cls, publisher: Publisher) -> Self:
        """The view of a stored publisher."""
        fields = {name: getattr(publisher, name) for name in cls.model_fields if name != "id"}
        return cls(id=publisher.publisher_id, **fields)


class PublishersBody(Response):
    """How a provider is published."""

    model_config = ConfigDict(title="Publishers")

    items: list[PublisherBody] = Field(description="Oldest first.")
    secretless_only: bool = Field(
        description="Whether machines' tokens may not publish this provider.", examples=[False]
    )
    organization_secretless_only: bool = Field(
        description="Whether they may publish nothing of the organization.", examples=[False]
    )
    attested_only: bool = Field(
        description="Whether a version without attestations is refused: since one had some, or an admin said so.",
        examples=[False],
    )

    @classmethod
    def of(cls, found: publishers.Publishing) -> Self:
        """The view of publishers and policies."""
        return cls(
            items=[PublisherBody.of(publisher) for publisher in found.publishers],
            secretless_only=found.secretless_only,
            organization_secretless_only=found.organization_secretless_only,
            attested_only=found.attested_only,
        )


@routes.add("GET", _PUBLISHERS, Access.TENANT, refusals=(403, 404))
def list_publishers(hub: Hub, call: Call) -> PublishersBody:
    """Who may publish the provider without a stored secret; it need not exist yet."""
    return PublishersBody.of(publishers.publishing_of(hub.services, call.organization, call.provider))


@routes.add("POST", _PUBLISHERS, Access.TENANT, status=201, refusals=(403, 404, 409, 429))
def add_publisher(hub: Hub, call: Call, body: PublisherWish) -> PublisherBody:
    """Let a workflow publish the provider; it need not exist yet."""
    added = publishers.add_publisher(hub.services, call.organization, call.provider, body, hub.issuers, call.actor)
    return PublisherBody.of(added)


@routes.add("PATCH", _PUBLISHERS, Access.TENANT, refusals=(403, 404), example={"secretless_only": True})
def change_publishing(hub: Hub, call: Call, body: ProviderPolicyWish) -> PublishersBody:
    """Decide whether machines' stored tokens may publish the provider too, and whether versions have to be attested.

    The first version that is attested decides that those after it have to be.
    """
    set_provider_policy(hub.services, call.organization, call.provider, call.actor, body)
    return PublishersBody.of(publishers.publishing_of(hub.services, call.organization, call.provider))


@routes.add("DELETE", f"{_PUBLISHERS}/{{publisher_id}}", Access.TENANT, status=204, refusals=(403, 404))
def remove_publisher(hub: Hub, call: Call) -> None:
    """Remove a trusted publisher."""
    publisher_id = call.parameters["publisher_id"]
    publishers.remove_publisher(hub.services, call.organization, call.provider, publisher_id, call.actor)

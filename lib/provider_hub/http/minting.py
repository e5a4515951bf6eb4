"""Tokens for trusted publishers, at the paths where Python's publishing tools ask for them (contract, section 5).

The answers have PyPI's fields, so that those tools work unchanged; a refusal also has those of all other refusals.
"""

from typing import Protocol

from pydantic import Field

from provider_hub.actions.minting import Minting
from provider_hub.actions.publishing_policy import organization_is_secretless, set_organization_policy
from provider_hub.actions.services import Services
from provider_hub.actions.wishes.publishers import BurnWish, MintWish, PolicyWish
from provider_hub.http.call import Call
from provider_hub.http.models import Response
from provider_hub.http.route import Access, Routes

_POLICY = "/organizations/me/publishing"


class Hub(Protocol):
    """What the handlers work with."""

    @property
    def services(self) -> Services:
        """Services over this deployment's documents."""

    @property
    def minting(self) -> Minting:
        """What exchanges tokens."""


routes: Routes[Hub] = Routes("identity")


class Audience(Response):
    """For whom a CI token has to be made."""

    audience: str = Field(description="The `aud` to ask the CI platform for.", examples=["hub.acme.example"])


@routes.add("GET", "/_/oidc/audience", Access.ANYONE, refusals=(404,))
def audience(hub: Hub, _call: Call) -> Audience:
    """For whom a CI platform's token has to be made."""
    return Audience(audience=hub.minting.audience_for_tokens())


class MintedBody(Response):
    """A token that publishes one provider for a quarter of an hour."""

    success: bool = Field(description="Always true.", examples=[True])
    token: str = Field(description="Sent as a bearer, or as the password of `__token__`.", examples=["hubpub_…"])
    provider: str = Field(description="The one that it publishes.", examples=["acme/weather"])
    expires: int = Field(description="Until when it is good, in seconds since 1970.", examples=[1772443830])


@routes.add("POST", "/_/oidc/mint-token", Access.ANYONE, refusals=(404, 422), mints=True)
def mint_token(hub: Hub, _call: Call, body: MintWish) -> MintedBody:
    """Exchange a CI platform's token, once, for one that publishes."""
    minted = hub.minting.mint(body.token, body.provider, body.name)
    expires = int(minted.expires_at.timestamp())
    return MintedBody(success=True, token=minted.token, provider=minted.provider, expires=expires)


@routes.add("POST", "/_/oidc/github/mint-token", Access.ANYONE, refusals=(404, 422), mints=True)
def mint_token_at_former_path(hub: Hub, call: Call, body: MintWish) -> MintedBody:
    """Exchange a CI platform's token at the path where PDM and older tools ask for it; any platform's is taken."""
    return mint_token(hub, call, body)


class Burnt(Response):
    """The answer to the burning of a token."""

    message: str = Field(description="Always the same.", examples=["Accepted"])


@routes.add("POST", "/_/oidc/burn-token", Access.ANYONE, status=202)
def burn_token(hub: Hub, _call: Call, body: BurnWish) -> Burnt:
    """End a token before its time. The answer does not tell whether the token existed."""
    hub.minting.burn(body.token)
    return Burnt(message="Accepted")


class PublishingBody(Response):
    """How an organization's providers may be published."""

    secretless_only: bool = Field(
        description="Whether trusted publishers alone may publish, and machines' tokens not.", examples=[True]
    )


@routes.add("GET", _POLICY, Access.TENANT)
def get_publishing(hub: Hub, call: Call) -> PublishingBody:
    """Whether machines' tokens may publish the organization's providers."""
    return PublishingBody(secretless_only=organization_is_secretless(hub.services, call.organization))


@routes.add("PATCH", _POLICY, Access.TENANT)
def set_publishing(hub: Hub, call: Call, body: PolicyWish) -> PublishingBody:
    """Decide whether machines' stored tokens may publish the organization's providers too."""
    set_organization_policy(hub.services, call.organization, call.actor, secretless_only=body.secretless_only)
    return PublishingBody(secretless_only=body.secretless_only)

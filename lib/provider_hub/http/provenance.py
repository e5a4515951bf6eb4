"""Where an organization lets versions come from (contract, section 3)."""

from typing import Protocol, Self

from pydantic import Field

from provider_hub.actions import provenance
from provider_hub.actions.services import Services
from provider_hub.actions.wishes.provenance import ProvenanceWish
from provider_hub.domain.provenance import ProvenancePolicy, ProvenanceRule
from provider_hub.http.call import Call
from provider_hub.http.models import Response
from provider_hub.http.parameters import PROVIDER
from provider_hub.http.route import Access, Routes

_POLICY = "/organizations/me/provenance"
_OF_PROVIDER = f"{_POLICY}/{{org}}/{{name}}"


class Hub(Protocol):
    """What the handlers work with."""

    @property
    def services(self) -> Services:
        """Services over this deployment's documents."""


routes: Routes[Hub] = Routes("identity", parameters=PROVIDER)


class RuleBody(Response):
    """The attestation that a version must have."""

    issuer: str = Field(
        description="The CI platform that vouched for the run.",
        examples=["https://token.actions.githubusercontent.com"],
    )
    repository: str = Field(description="The repository; `*` stands for any characters.", examples=["acme/weather"])
    ref: str | None = Field(description="A pattern of the whole ref; null takes any.", examples=["refs/tags/*"])

    @classmethod
    def of(cls, rule: ProvenanceRule | None) -> Self | None:
        """The view of a rule, None for none."""
        return None if rule is None else cls.model_validate(rule)


class ProviderRuleBody(Response):
    """What is required of one provider, in the place of what is required of all."""

    provider: str = Field(description="The provider.", examples=["acme/weather"])
    require_provenance: RuleBody | None = Field(description="What its versions must have; null for nothing.")


class ProvenanceBody(Response):
    """What an organization requires of the versions that it installs."""

    require_provenance: RuleBody | None = Field(
        description="What the versions of every provider without a rule of its own must have; null for nothing."
    )
    providers: list[ProviderRuleBody] = Field(description="By name.")

    @classmethod
    def of(cls, policy: ProvenancePolicy) -> Self:
        """The view of a policy."""
        own = [
            ProviderRuleBody(provider=entry.provider, require_provenance=RuleBody.of(entry.rule))
            for entry in policy.providers
        ]
        return cls(require_provenance=RuleBody.of(policy.rule), providers=own)


@routes.add("GET", _POLICY, Access.TENANT)
def get_required_provenance(hub: Hub, call: Call) -> ProvenanceBody:
    """What the organization requires of the versions that it installs."""
    return ProvenanceBody.of(provenance.policy_of(hub.services, call.organization))


@routes.add("PATCH", _POLICY, Access.TENANT)
def require_provenance(hub: Hub, call: Call, body: ProvenanceWish) -> ProvenanceBody:
    """Require an attestation of every version that is installed; what runs stays."""
    return ProvenanceBody.of(provenance.require(hub.services, call.organization, body.rule, call.actor))


@routes.add("PATCH", _OF_PROVIDER, Access.TENANT, refusals=(404, 429))
def require_provenance_of_provider(hub: Hub, call: Call, body: ProvenanceWish) -> ProvenanceBody:
    """Require another attestation of one provider's versions, or none."""
    changed = provenance.require_of_provider(hub.services, call.organization, call.provider, body.rule, call.actor)
    return ProvenanceBody.of(changed)


@routes.add("DELETE", _OF_PROVIDER, Access.TENANT, refusals=(404,))
def drop_provenance_of_provider(hub: Hub, call: Call) -> ProvenanceBody:
    """Require of one provider's versions what is required of all."""
    return ProvenanceBody.of(provenance.drop_provider(hub.services, call.organization, call.provider, call.actor))

"""What an organization asks of where versions come from."""

from typing import Annotated

from pydantic import Field

from provider_hub.actions.wishes.base import Wish
from provider_hub.domain.provenance import ProvenanceRule


class RuleWish(Wish):
    """The attestation that a version must have."""

    issuer: Annotated[str, Field(max_length=300, pattern=r"^https?://[^\s\x00-\x1f]+$")] = Field(
        description="The CI platform that vouched for the run.",
        examples=["https://token.actions.githubusercontent.com"],
    )
    repository: Annotated[str, Field(max_length=400, pattern=r"^[A-Za-z0-9_.*-]+(/[A-Za-z0-9_.*-]+)*$")] = Field(
        description="The repository; `*` stands for any characters.", examples=["acme/weather"]
    )
    ref: Annotated[str, Field(max_length=255, pattern=r"^refs/[A-Za-z0-9_./*-]+$")] | None = Field(
        None, description="A pattern of the whole ref; null takes any.", examples=["refs/tags/*"]
    )

    @property
    def rule(self) -> ProvenanceRule:
        """The rule that is stored."""
        return ProvenanceRule(self.issuer, self.repository, self.ref)


class ProvenanceWish(Wish):
    """What is required of versions, from the next install, upgrade or wave on."""

    require_provenance: RuleWish | None = Field(description="The attestation that a version must have; null for none.")

    @property
    def rule(self) -> ProvenanceRule | None:
        """The rule that is stored, None for none."""
        return self.require_provenance.rule if self.require_provenance else None

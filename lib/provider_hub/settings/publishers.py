"""The settings of trusted publishers and of what they attest, groups of `settings`."""

from collections.abc import Mapping
from typing import Self

from pydantic import Field
from pydantic import model_validator as validator

from provider_hub.domain.publishers.claims import Platform
from provider_hub.settings.reader import BY_TERRAFORM, Settings, Words, variable_name


class TrustedPublishers(Settings):
    """Which CI platforms may vouch for a run that publishes without a stored secret."""

    publisher_issuers: Words = Field(
        ("github=https://token.actions.githubusercontent.com", "gitlab=https://gitlab.com"),
        description="CI platforms whose tokens publish, comma-separated: `github=` or `gitlab=` and the issuer's URL.",
    )
    publisher_audience: str = Field(
        "",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$|^$",
        json_schema_extra=BY_TERRAFORM,
        description="`aud` of the CI tokens that this hub takes: no other hub has it. Unset: none is taken.",
    )

    @property
    def trusted_issuers(self) -> tuple[tuple[Platform, str], ...]:
        """Each platform with its issuer; the first of a kind is the one that is meant where none is named."""
        pairs = (entry.partition("=") for entry in self.publisher_issuers)
        return tuple((Platform(kind), issuer) for kind, _, issuer in pairs)

    @property
    def issuers_by_platform(self) -> Mapping[Platform, tuple[str, ...]]:
        """The issuers of each kind, the usual one first."""
        kinds = {platform for platform, _ in self.trusted_issuers}
        return {kind: tuple(issuer for platform, issuer in self.trusted_issuers if platform is kind) for kind in kinds}

    @validator(mode="after")
    def _issuers_are_of_a_kind(self) -> Self:
        for entry in self.publisher_issuers:
            kind, _, issuer = entry.partition("=")
            if kind not in list(Platform) or not issuer.startswith(("https://", "http://")):
                name = variable_name("publisher_issuers")
                raise ValueError(f"{name}: write each as github=https://… or gitlab=https://…")
        return self


class Attestations(Settings):
    """By which trusted root attestations are verified."""

    attestation_root: str = Field(
        "sigstore",
        description="Trusted root of attestations: `sigstore` (the public one, as the locked library brings it), the "
        "file of another, or `none`, which takes no attestations.",
    )

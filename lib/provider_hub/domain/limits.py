"""How much one organization may have, as the operator decided it."""

from provider_hub.domain.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class OrganizationLimits:
    """The most that one organization may have. What it may publish is in `domain.publishing_use.PublishingLimits`."""

    installations: int = 100

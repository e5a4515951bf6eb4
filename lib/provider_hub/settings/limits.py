"""The settings of each organization's share, a group of `settings`."""

from pydantic import Field

from provider_hub.domain.limits import OrganizationLimits
from provider_hub.settings.reader import Settings


class Limits(Settings):
    """What one organization may use."""

    installation_quota: int = Field(100, ge=1, description="Installations that one organization may have.")
    requests_per_minute: int = Field(
        6000,
        ge=60,
        description="Requests of one organization, of one address without a token, or of one caller without an "
        "organization, that one instance of a function answers in a minute.",
    )
    namespace_cpu_cores: int = Field(
        40, ge=1, description="Cores that the pods of one organization may request; their limits, four times as many."
    )
    namespace_memory_gib: int = Field(
        64,
        ge=1,
        description="Memory that the pods of one organization may request, in GiB; their limits, twice as much.",
    )
    namespace_disk_gib: int = Field(
        400, ge=1, description="Disk of the nodes that the pods of one organization may use, in GiB."
    )
    publishes_at_once: int = Field(2, ge=1, description="Publishes that one organization may have under way.")
    publishes_per_day: int = Field(
        1000, ge=1, description="Versions that one organization may publish in a day of UTC."
    )
    provider_quota: int = Field(200, ge=1, description="Providers that one organization may have.")
    version_quota: int = Field(2000, ge=1, description="Versions that one provider may have.")
    stored_gib: int = Field(
        50,
        ge=1,
        description="Bytes that the hub keeps for one organization, in GiB: wheels, their METADATA and dependencies, "
        "open uploads. The platform may allow one organization another number.",
    )
    body_seconds: float = Field(
        10, gt=0, description="Time for a request's body to arrive, beside what its length takes at the least rate."
    )
    body_least_kib_per_second: int = Field(
        128, ge=1, description="Least rate of a request's body, in KiB a second; below it, the request is refused."
    )

    @property
    def organization_limits(self) -> OrganizationLimits:
        """The limits as the actions take them."""
        return OrganizationLimits(self.installation_quota)

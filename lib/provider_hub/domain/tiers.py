"""What an installation gets by its resource tier."""

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.installation import ResourceTier

_BYTES = {"Mi": 2**20, "Gi": 2**30}


@dataclass(frozen=True, slots=True)
class Size:
    """The resources of one tier: the replicas, and each container's requests and limits as Kubernetes quantities."""

    replicas: int
    cpu_request: str
    memory_request: str
    cpu_limit: str
    memory_limit: str
    disk: str

    @property
    def disk_bytes(self) -> int:
        """The disk as a number, for a runtime that knows no quantities."""
        return int(self.disk[:-2]) * _BYTES[self.disk[-2:]]


SIZES = {
    ResourceTier.FREE: Size(1, "50m", "128Mi", "250m", "256Mi", "512Mi"),
    ResourceTier.STANDARD: Size(1, "250m", "256Mi", "1", "512Mi", "1Gi"),
    ResourceTier.PERFORMANCE: Size(2, "1", "1Gi", "2", "2Gi", "4Gi"),
}

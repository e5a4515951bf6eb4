"""What the operations need of the tenants' Kubernetes, a port as those in `ports`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from provider_hub.domain.deployment import DeploymentStatus
from provider_hub.domain.manifests import Manifest


@dataclass(frozen=True, slots=True)
class Trace:
    """An object in the cluster that says which installation it belongs to."""

    namespace: str
    organization_id: str
    provider: str
    installation_id: str


class StaleGeneration(Exception):
    """The cluster already holds a newer generation, or another life, of what was to be applied."""


class Cluster(Protocol):
    """The tenants' Kubernetes. Raises TemporaryError for what passes, PermanentError for what cannot."""

    def ensure_namespace(self, manifests: Sequence[Manifest]) -> list[str]:
        """Apply an organization's namespace and what limits it; names what that changed."""

    def apply(self, manifests: Sequence[Manifest]) -> list[str]:
        """Server-side apply, fenced by the manifests' annotations; names what it changed. Raises StaleGeneration."""

    def prune(self, namespace: str, installation_id: str, keep_generations: frozenset[int]) -> None:
        """Delete the Secrets of this installation that belong to no generation worth keeping."""

    def remove(self, namespace: str, installation_id: str) -> list[str]:
        """Delete everything of this installation; names what is still there."""

    def status(self, namespace: str, name: str, installation_id: str) -> DeploymentStatus | None:
        """None when the cluster shows no deployment of this installation."""

    def traces(self, place: str | None, limit: int) -> tuple[list[Trace], str | None]:
        """A slice of all installations' objects, and the place to go on from; None after the last."""

"""The port to the tenants' Kubernetes. It is apart from `ports`, since most functions have no cluster."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from provider_hub.domain.deployment import DeploymentStatus
from provider_hub.domain.manifests import Manifest


@dataclass(frozen=True, slots=True)
class ObjectOwner:
    """The installation that an object in the cluster says it belongs to. The object's annotations may be wrong."""

    namespace: str
    organization_id: str
    provider: str
    installation_id: str


class StaleGeneration(Exception):
    """The cluster holds a newer generation, or another life, of the objects that were to be applied."""


class Cluster(Protocol):
    """The tenants' Kubernetes.

    Every method raises TemporaryError for a failure that a retry may overcome, and PermanentError for any other.
    """

    def ensure_namespace(self, manifests: Sequence[Manifest]) -> list[str]:
        """Apply an organization's namespace and its limits. Returns the names of the objects that this changed."""

    def apply(self, manifests: Sequence[Manifest]) -> list[str]:
        """Server-side apply, fenced by the generation in the manifests' annotations.

        Returns the names of the objects that this changed. Raises StaleGeneration.
        """

    def prune(self, namespace: str, installation_id: str, keep_generations: frozenset[int]) -> None:
        """Delete the installation's Secrets, except for those of `keep_generations`."""

    def remove(self, namespace: str, installation_id: str) -> list[str]:
        """Delete all objects of the installation. Returns the names of those that still exist."""

    def status(self, namespace: str, name: str, installation_id: str) -> DeploymentStatus | None:
        """The status of the Deployment `name`; None where the cluster has none of this installation."""

    def object_owners(self, place: str | None, limit: int) -> tuple[list[ObjectOwner], str | None]:
        """The owners of the next objects after `place`, and the place to go on from; None after the last object."""

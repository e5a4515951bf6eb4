"""The port to the tenants' Kubernetes, and the cluster of each cell.

It is apart from `ports`, since most functions have no cluster.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Generic, Protocol

from typing_extensions import TypeVar

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.deployment import DeploymentStatus
from provider_hub.domain.errors import TemporaryError
from provider_hub.domain.manifests import Manifest

if TYPE_CHECKING:
    from provider_hub.domain.installation import Installation


@dataclass(frozen=True, slots=True)
class ObjectOwner:
    """The installation that an object in the cluster says it belongs to. The object's annotations may be wrong."""

    namespace: str
    organization_id: str
    provider: str
    installation_id: str


class StaleGeneration(Exception):
    """The cluster holds a newer generation, or another life, of the objects that were to be applied."""


class Unanswered(TemporaryError):
    """The cluster left a call unanswered until its time was up, or left the last ones so and was not called.

    Whoever calls it now waits as long.
    """


# Of one run of one pod, in one call.
MOST_LOG_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class RuntimePod:
    """A pod of an installation: when it was made, and what its runtime's container does.

    `restarts` is how often that container was restarted. `has_ended` means that its last process is over.
    `generation` is the installation's that it was made for, 0 where it does not say.
    """

    name: str
    created_at: datetime
    restarts: int
    has_ended: bool
    generation: int


@dataclass(frozen=True, slots=True)
class LogRequest:
    """Which output of a pod's runtime to read: of its present process or of the `previous` one.

    Either the last `tail` lines, or what was printed from the second of `since` on; None of both is all there is. It is
    cut behind `most_bytes`.
    """

    pod: str
    previous: bool = False
    since: datetime | None = None
    tail: int | None = None
    most_bytes: int = MOST_LOG_BYTES


@dataclass(frozen=True, slots=True)
class PodOutput:
    """What a pod printed, each line behind its time (RFC 3339) and a blank.

    `is_cut` says that there is more output, so the last line may be cut. `unread` is why it cannot be read now; None
    where it was read, or where the container has printed nothing yet.
    """

    content: bytes = b""
    is_cut: bool = False
    unread: str | None = None


class PodLogs(Protocol):
    """What the pods of an installation print. Every method raises TemporaryError or PermanentError as below."""

    def pods(self, namespace: str, installation_id: str) -> list[RuntimePod]:
        """The installation's pods, oldest first."""

    def read_logs(self, namespace: str, requests: Sequence[LogRequest]) -> list[PodOutput]:
        """An output for each request, read side by side. One that cannot be read does not fail the others."""


class Cluster(PodLogs, Protocol):
    """The Kubernetes of one cell.

    Every method raises TemporaryError for a failure that a retry may overcome, Unanswered where it had to wait for it,
    and PermanentError for any other.
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


ClusterT_co = TypeVar("ClusterT_co", bound=PodLogs, covariant=True, default=Cluster)


@dataclass(frozen=True, slots=True)
class Clusters(Generic[ClusterT_co]):
    """The clusters of this hub, by the cells that its settings name."""

    by_cell: Mapping[str, ClusterT_co]

    def of(self, row: "Installation") -> ClusterT_co:
        """The cluster that the row's objects are in.

        Raises TemporaryError for a cell that the settings do not name: its objects run on, wherever that is, and
        nothing may be decided about them until an operator names the cell again.
        """
        cluster = self.by_cell.get(row.cell)
        if cluster is None:
            raise TemporaryError(
                f"the hub's settings do not name the cell {row.cell!r}, where this installation is, but only "
                f"{', '.join(sorted(self.by_cell))}: its operator has to name it again"
            )
        return cluster

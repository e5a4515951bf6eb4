"""The installer: makes the cluster match one generation of a row, or removes the row's objects.

Every step can be repeated. The row is taken by id and generation, the deadline's task has a name that is unique,
objects are applied with a fence, and a removal is confirmed by reading the cluster. So after a crash at any point
it is enough that Pub/Sub delivers the same request again.
"""

import logging

from provider_hub.actions import keys
from provider_hub.actions.cluster import Clusters, StaleGeneration
from provider_hub.actions.desired_state import DesiredStates
from provider_hub.actions.late_apply import remove_if_uninstalled
from provider_hub.actions.ports import DocumentStore, Reading, Tasks, Writes
from provider_hub.actions.scheduled_calls import deadline_of
from provider_hub.actions.services import Services
from provider_hub.actions.steps import apply_event, record_step
from provider_hub.domain.catalog import ProviderVersion
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import PermanentError, TemporaryError
from provider_hub.domain.installation import (
    DeployFailed,
    Installation,
    InstallationRequest,
    LifecycleState,
    ObjectsGone,
    Outcome,
    RequestKind,
    Taken,
    advance,
)
from provider_hub.domain.names import ProviderName, namespace_for

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Installer:
    """Handles the installer's requests: deploys a generation, or removes an installation from the cluster."""

    services: Services[DocumentStore]
    clusters: Clusters
    tasks: Tasks
    desired_states: DesiredStates

    def handle(self, request: InstallationRequest) -> None:
        """Handle one request. Raises TemporaryError to get it again; every other failure is written to the row."""
        if request.kind is RequestKind.UNINSTALL:
            self._uninstall(request)
        else:
            self._deploy(request)

    def _deploy(self, request: InstallationRequest) -> None:
        taken = self._take(request)
        if taken is None:
            log.info("%s is stale or done", request.event_id)
            return
        row, version = taken
        self.tasks.schedule(deadline_of(row))
        try:
            self._bring_up(row, version)
        except StaleGeneration as stale:
            log.info("%s: %s", request.event_id, stale)
        except PermanentError as error:
            log.warning("%s failed: %s", request.event_id, error)
            apply_event(self.services, row, DeployFailed(row.installation_id, row.generation, str(error), "installer"))

    def _take(self, request: InstallationRequest) -> tuple[Installation, ProviderVersion | None] | None:
        name = ProviderName.parse(request.provider)
        row_key = keys.installation(request.organization_id, name)
        # Without a transaction: a process that is killed here leaves no lock that its successor would wait for.
        seen, version = self.services.store.see_beside(row_key, keys.version(name, request.version))

        def decide(row: Installation | None, writes: Writes) -> tuple[Installation, ProviderVersion | None] | None:
            now = self.services.clock()
            taken = Taken(request.installation_id, request.generation)
            step = advance(row, taken, now, self.services.deadlines)
            if step.outcome is Outcome.STALE:
                return None
            record_step(writes, step, now)
            # PROCESSING without a change means that an earlier delivery took the row and died before it was done.
            return (step.kept, version) if step.kept.lifecycle_state is LifecycleState.PROCESSING else None

        return self.services.outbox.change(row_key, decide, Reading(seen))

    def _bring_up(self, row: Installation, version: ProviderVersion | None) -> None:
        cluster = self.clusters.of(row)
        objects = self.desired_states.of(row, version)
        cluster.ensure_namespace(objects.namespace)
        cluster.apply(objects.installation)
        if row.generation > 1:
            kept = frozenset({row.generation, row.ready_generation or row.generation})
            cluster.prune(namespace_for(row.organization_slug), row.installation_id, kept)
        remove_if_uninstalled(self.services, cluster, row)

    def _uninstall(self, request: InstallationRequest) -> None:
        name = ProviderName.parse(request.provider)
        row = self.services.store.get(keys.installation(request.organization_id, name))
        if row is None or (row.installation_id, row.generation) != (request.installation_id, request.generation):
            log.info("%s is stale or done", request.event_id)
            return
        try:
            left = self.clusters.of(row).remove(namespace_for(row.organization_slug), row.installation_id)
        except PermanentError as error:
            # A removal has nothing to fall back to, so it is repeated until the cluster permits it.
            raise TemporaryError(f"{name} cannot be removed: {error}") from error
        if left:
            raise TemporaryError(f"{name} is not gone yet: {', '.join(left)}")
        apply_event(self.services, row, ObjectsGone(row.installation_id, row.generation))

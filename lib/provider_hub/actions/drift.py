"""Drift: the cluster is held against the rows, a bounded slice at a time, and brought back to them.

Server-side apply of what is already there changes nothing, so that what an apply did change is what had
drifted. Objects that no row stands behind are orphans of a crash, or of an actor that came too late.
Each walk keeps its place in a document of its own; a run that dies only looks at a slice twice.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from provider_hub.actions import keys
from provider_hub.actions.cluster import Cluster, StaleGeneration, Trace
from provider_hub.actions.desired_state import Blueprints
from provider_hub.actions.late_apply import remove_if_uninstalled
from provider_hub.actions.ports import Transaction, Walk
from provider_hub.actions.services import Services, apply_event
from provider_hub.actions.time_budget import Turn
from provider_hub.domain.errors import PermanentError, TemporaryError
from provider_hub.domain.installation import DriftRepaired, Installation, LifecycleState
from provider_hub.domain.names import namespace_for

log = logging.getLogger(__name__)

ROWS_A_RUN = 20
OBJECTS_A_RUN = 100


@dataclass(frozen=True, slots=True)
class Drift:
    services: Services
    cluster: Cluster
    blueprints: Blueprints

    def repair_slice(self) -> int:
        """Hold the next READY rows against the cluster; how many were repaired."""
        rows = self.services.store.installations_after(self._place("rows"), ROWS_A_RUN)
        looked = repaired = 0
        for row in Turn(self.services.clock).take(rows):
            looked += 1
            repaired += self._repaired(row)
        is_last = looked == len(rows) < ROWS_A_RUN
        self._remember("rows", None if is_last else "/".join(keys.installation_of(rows[looked - 1]).path))
        return repaired

    def remove_orphans(self) -> int:
        """Look at the next objects in the cluster; how many installations without a row were removed."""
        found, following = self.cluster.traces(self._place("objects"), OBJECTS_A_RUN)
        removed = sum(self._removed(trace) for trace in self._orphans(found))
        self._remember("objects", following)
        return removed

    def _repaired(self, row: Installation) -> bool:
        try:
            return self._repair(row)
        except (TemporaryError, PermanentError, StaleGeneration) as error:
            log.warning("%s is left to the next round: %s", row.installation_id, error)
            return False

    def _repair(self, row: Installation) -> bool:
        """Whether a READY row's objects had to be brought back; late Secrets of a FAILED one just go."""
        if row.lifecycle_state not in (LifecycleState.READY, LifecycleState.FAILED):
            return False
        changed = self._applied(row) if row.lifecycle_state is LifecycleState.READY else []
        kept = frozenset({row.generation, row.ready_generation or row.generation})
        self.cluster.prune(namespace_for(row.organization_slug), row.installation_id, kept)
        if not changed:
            return False
        log.warning("%s had drifted: %s", row.installation_id, ", ".join(changed), extra={"event": "drift"})
        apply_event(self.services, row, DriftRepaired(row.installation_id, row.generation, ", ".join(changed)))
        remove_if_uninstalled(self.services, self.cluster, row)
        return True

    def _applied(self, row: Installation) -> list[str]:
        """What an apply of the row's objects changed."""
        version = self.services.store.get(keys.version(row.provider_name, row.installed_version))
        objects = self.blueprints.of(row, version)
        return [*self.cluster.ensure_namespace(objects.namespace), *self.cluster.apply(objects.installation)]

    def _orphans(self, found: Iterable[Trace]) -> list[Trace]:
        """The objects were seen before the rows are looked for: a row is there before its objects are, and after."""
        traces = {trace.installation_id: trace for trace in found}
        named = (keys.installation_named(trace.organization_id, trace.provider) for trace in traces.values())
        rows = self.services.store.get_all([key for key in named if key])
        standing = {row.installation_id for row in rows if row}
        return [trace for installation_id, trace in traces.items() if installation_id not in standing]

    def _removed(self, orphan: Trace) -> bool:
        try:
            left = self.cluster.remove(orphan.namespace, orphan.installation_id)
        except (TemporaryError, PermanentError) as error:
            log.warning("%s has no row and is left to the next round: %s", orphan, error)
            return False
        log.warning("%s has no row; removed, %d on their way out", orphan, len(left), extra={"event": "orphan"})
        return True

    def _place(self, walk: str) -> str | None:
        kept = self.services.store.get(keys.walk(walk))
        return kept.place if kept else None

    def _remember(self, walk: str, place: str | None) -> None:
        def decide(transaction: Transaction) -> None:
            transaction.write(keys.walk(walk), Walk(walk, place))

        self.services.store.transact(decide)

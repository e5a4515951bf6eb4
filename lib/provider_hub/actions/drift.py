"""Drift: the sweeper compares the cluster with the rows, a bounded slice at a time, and repairs the cluster.

A server-side apply of objects that are as they should be changes nothing. So what an apply changes had drifted.
Objects without a row are orphans: a crash, or an apply after an uninstall, left them behind. Each cell's objects are
walked apart: what stops the walk of one cell, its guard too, stops no other. Each walk keeps its cursor in a document,
and moves it once everything before it is done: after a crash, what one sweep looked at is looked at twice. Two sweeps
at the same time look at the same, and change nothing twice.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta
from math import ceil

from provider_hub.actions import keys, walks
from provider_hub.actions.cluster import Cluster, Clusters, ObjectOwner, StaleGeneration
from provider_hub.actions.desired_state import DesiredStates
from provider_hub.actions.faults import Faults
from provider_hub.actions.late_apply import remove_if_uninstalled
from provider_hub.actions.ports import DriftStore
from provider_hub.actions.services import Services
from provider_hub.actions.side_by_side import MOST_SIDE_BY_SIDE, side_by_side
from provider_hub.actions.silent_cells import SilentCells
from provider_hub.actions.steps import apply_event
from provider_hub.actions.time_budget import SHARE, TimeBudget
from provider_hub.domain.cells import DEFAULT_CELL
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import HubError, PermanentError, TemporaryError
from provider_hub.domain.installation import DriftRepaired, FellSilent, Installation, LifecycleState
from provider_hub.domain.installation.silence import is_unwatched
from provider_hub.domain.names import namespace_for
from provider_hub.domain.records import Cursor

log = logging.getLogger(__name__)

ROWS, OBJECTS = "rows", "objects"
ROWS_A_SLICE = 20
OBJECTS_A_SLICE = 100
WALK_SHARE = timedelta(seconds=30)
# A crash leaves one orphan at a time. Many at once, and most of what there is, are the sign of a database that is not
# this cluster's: renamed, restored empty, or another environment's.
MANY_ORPHANS = 5


@dataclass(frozen=True, slots=True)
class Drift:
    """Repairs the objects of READY rows, and removes objects that have no row."""

    services: Services[DriftStore]
    clusters: Clusters
    desired_states: DesiredStates
    slices: int = 1

    def repair_slices(self, silent_cells: SilentCells | None = None) -> int:
        """Compare the next rows with their clusters, several side by side; returns how many were repaired.

        The rows of a cell that is found silent are left to the next round, since all cells' rows share the walk's time.
        """
        silent = silent_cells or SilentCells()
        walk = _RowWalk(self.services.store, walks.reached(self.services.store, ROWS).place, self.slices)
        faults = Faults()

        def repair(row: Installation) -> bool:
            with faults.of(row.installation_id):
                return self._repaired(row, silent)
            return False

        rows = TimeBudget(self.services.clock, WALK_SHARE).within(walk.rows())
        repaired = sum(side_by_side(repair, rows, min(self.slices, MOST_SIDE_BY_SIDE)))
        walks.go_on(self.services.store, Cursor(ROWS, walk.place))
        faults.raise_first()
        return repaired

    def remove_orphans(self, silent_cells: SilentCells | None = None) -> int:
        """Read the next objects of each cell; returns how many installations without a row were removed.

        Raises at the end what the walk of the first cell that failed raised.
        """
        silent = silent_cells or SilentCells()
        removed = 0
        failed: list[HubError] = []
        faults = Faults()
        for cell, cluster in self.clusters.by_cell.items():
            with faults.of(f"the cell {cell}"):
                try:
                    with silent.asking(cell):
                        removed += self._remove_orphans_of(cell, cluster, silent)
                except HubError as error:
                    log.warning("the objects of the cell %s are left to the next sweep: %s", cell, error)
                    failed.append(error)
        faults.raise_first()
        if failed:
            raise failed[0]
        return removed

    def _remove_orphans_of(self, cell: str, cluster: Cluster, silent: SilentCells) -> int:
        """A cell has its part of the slices and of the time.

        A slice that has orphans is the sweep's last one of a cell: a sweep removes those of one slice at most.
        """
        cells = len(self.clusters.by_cell)
        for _ in TimeBudget(self.services.clock, SHARE / cells).within(range(ceil(self.slices / cells))):
            removed = self._remove_orphans_of_slice(cell, cluster, silent)
            if removed is not None:
                return removed
        return 0

    def _remove_orphans_of_slice(self, cell: str, cluster: Cluster, silent: SilentCells) -> int | None:
        """How many installations of the next objects were removed; None where there is more to read.

        Where most installations have no row, none is removed and the place is kept: an alert asks for a person.
        """
        walk = objects_walk(cell)
        found, following = cluster.object_owners(walks.reached(self.services.store, walk).place, OBJECTS_A_SLICE)
        orphans = self._orphans(cell, found)
        if _is_suspicious(len(orphans), len({owner.installation_id for owner in found})):
            log.error(
                "%d installations in the cell %s have no row and stay: does this database belong to this cluster?",
                len(orphans),
                cell,
                extra={"event": "orphans_kept"},
            )
            return 0
        removed = 0
        faults = Faults()
        for owner in orphans:
            with faults.of(owner.installation_id):
                removed += _removed(cell, cluster, owner, silent)
        walks.go_on(self.services.store, Cursor(walk, following))
        faults.raise_first()
        return None if following is not None and not orphans else removed

    def _repaired(self, row: Installation, silent: SilentCells) -> bool:
        try:
            self._watch(row)
            with silent.asking(row.cell):
                return self._repair(row)
        except (TemporaryError, PermanentError, StaleGeneration) as error:
            log.warning("%s is left to the next round: %s", row.installation_id, error)
            return False

    def _watch(self, row: Installation) -> None:
        """Have the sweeper's query find the row once it is silent, where nothing that was heard of it since has."""
        if is_unwatched(row, self.services.deadlines):
            cutoff = self.services.clock() - self.services.deadlines.silence
            apply_event(self.services, row, FellSilent(row.installation_id, row.generation, cutoff))

    def _repair(self, row: Installation) -> bool:
        """Apply a READY row's objects; returns whether that changed any. A FAILED row only loses its old Secrets."""
        if row.lifecycle_state not in (LifecycleState.READY, LifecycleState.FAILED):
            return False
        cluster = self.clusters.of(row)
        changed = self._applied(cluster, row) if row.lifecycle_state is LifecycleState.READY else []
        kept = frozenset({row.generation, row.ready_generation or row.generation})
        cluster.prune(namespace_for(row.organization_slug), row.installation_id, kept)
        if not changed:
            return False
        log.warning("%s had drifted: %s", row.installation_id, ", ".join(changed), extra={"event": "drift"})
        apply_event(self.services, row, DriftRepaired(row.installation_id, row.generation, ", ".join(changed)))
        remove_if_uninstalled(self.services, cluster, row)
        return True

    def _applied(self, cluster: Cluster, row: Installation) -> list[str]:
        """Apply the row's objects; returns the names of those that changed."""
        version = self.services.store.get(keys.version(row.provider_name, row.installed_version))
        objects = self.desired_states.of(row, version)
        return [*cluster.ensure_namespace(objects.namespace), *cluster.apply(objects.installation)]

    def _orphans(self, cell: str, found: Iterable[ObjectOwner]) -> list[ObjectOwner]:
        """The owners without a row.

        The objects were read before the rows are. A row exists before its objects do, and until they are gone, so an
        owner without a row is an orphan. One whose row is in another cell is none: it is more likely that the settings
        mix up two clusters.
        """
        owners = {owner.installation_id: owner for owner in found}
        named = (keys.installation_named(owner.organization_id, owner.provider) for owner in owners.values())
        rows = self.services.store.get_all([key for key in named if key])
        standing = {row.installation_id: row.cell for row in rows if row}
        astray = [owner for owner in owners if standing.get(owner, cell) != cell]
        if astray:
            log.error(
                "%d installations have objects in the cell %s, and rows that name another: are two cells mixed up?",
                len(astray),
                cell,
                extra={"event": "cells_mixed_up"},
            )
        return [owner for installation_id, owner in owners.items() if installation_id not in standing]


class _RowWalk:
    """The next rows by document path, read a slice at a time. `place` is behind the last one that was taken.

    It is moved when the next row is asked for: a row that was read when the time was up is not taken any more.
    """

    def __init__(self, store: DriftStore, place: str | None, slices: int) -> None:
        self.place = place
        self._store = store
        self._slices = slices

    def rows(self) -> Iterator[Installation]:
        for _ in range(self._slices):
            found = self._store.installations_after(self.place, ROWS_A_SLICE)
            for row in found:
                yield row
                self.place = keys.installation_of(row).place
            if len(found) < ROWS_A_SLICE:
                self.place = None
                return


def objects_walk(cell: str) -> str:
    """The name of the walk over a cell's objects. The default cell's is the one that hubs without cells have."""
    return OBJECTS if cell == DEFAULT_CELL else f"{OBJECTS} {cell}"


def _removed(cell: str, cluster: Cluster, orphan: ObjectOwner, silent: SilentCells) -> bool:
    try:
        with silent.asking(cell):
            left = cluster.remove(orphan.namespace, orphan.installation_id)
    except (TemporaryError, PermanentError) as error:
        log.warning("%s has no row and is left to the next round: %s", orphan, error)
        return False
    log.warning(
        "%s has no row; removed, %d objects are still terminating", orphan, len(left), extra={"event": "orphan"}
    )
    return True


def _is_suspicious(orphans: int, all_found: int) -> bool:
    """Whether there are so many installations without a row that the rows must be missing."""
    return orphans >= MANY_ORPHANS and orphans * 2 > all_found

"""Drift: the sweeper compares the cluster with the rows, a bounded slice at a time, and repairs the cluster.

A server-side apply of objects that are as they should be changes nothing. So what an apply changes had drifted.
Objects without a row are orphans: a crash, or an apply after an uninstall, left them behind. Each job keeps its
cursor in a document, and moves it once everything before it is done: after a crash, what one sweep looked at is looked
at twice. Two sweeps at the same time look at the same, and change nothing twice.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta

from provider_hub.actions import keys, walks
from provider_hub.actions.cluster import Cluster, ObjectOwner, StaleGeneration
from provider_hub.actions.desired_state import DesiredStates
from provider_hub.actions.faults import Faults
from provider_hub.actions.late_apply import remove_if_uninstalled
from provider_hub.actions.ports import DriftStore
from provider_hub.actions.services import Services
from provider_hub.actions.side_by_side import MOST_SIDE_BY_SIDE, side_by_side
from provider_hub.actions.steps import apply_event
from provider_hub.actions.time_budget import TimeBudget
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import PermanentError, TemporaryError
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
    cluster: Cluster
    desired_states: DesiredStates
    slices: int = 1

    def repair_slices(self) -> int:
        """Compare the next rows with the cluster, several side by side; returns how many were repaired."""
        walk = _RowWalk(self.services.store, walks.reached(self.services.store, ROWS).place, self.slices)
        faults = Faults()

        def repair(row: Installation) -> bool:
            with faults.of(row.installation_id):
                return self._repaired(row)
            return False

        rows = TimeBudget(self.services.clock, WALK_SHARE).within(walk.rows())
        repaired = sum(side_by_side(repair, rows, min(self.slices, MOST_SIDE_BY_SIDE)))
        walks.go_on(self.services.store, Cursor(ROWS, walk.place))
        faults.raise_first()
        return repaired

    def remove_orphans(self) -> int:
        """Read the next objects in the cluster; returns how many installations without a row were removed.

        A slice that has orphans is the sweep's last one: however many slices there are, a sweep removes those of one.
        """
        for _ in TimeBudget(self.services.clock).within(range(self.slices)):
            removed = self._remove_orphans_of_slice()
            if removed is not None:
                return removed
        return 0

    def _remove_orphans_of_slice(self) -> int | None:
        """How many installations of the next objects were removed; None where there is more to read.

        Where most installations have no row, none is removed and the place is kept: an alert asks for a person.
        """
        place = walks.reached(self.services.store, OBJECTS).place
        found, following = self.cluster.object_owners(place, OBJECTS_A_SLICE)
        orphans = self._orphans(found)
        if _is_suspicious(len(orphans), len({owner.installation_id for owner in found})):
            log.error(
                "%d installations in the cluster have no row and stay: does this database belong to this cluster?",
                len(orphans),
                extra={"event": "orphans_kept"},
            )
            return 0
        removed = 0
        faults = Faults()
        for owner in orphans:
            with faults.of(owner.installation_id):
                removed += self._removed(owner)
        walks.go_on(self.services.store, Cursor(OBJECTS, following))
        faults.raise_first()
        return None if following is not None and not orphans else removed

    def _repaired(self, row: Installation) -> bool:
        try:
            self._watch(row)
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
        """Apply the row's objects; returns the names of those that changed."""
        version = self.services.store.get(keys.version(row.provider_name, row.installed_version))
        objects = self.desired_states.of(row, version)
        return [*self.cluster.ensure_namespace(objects.namespace), *self.cluster.apply(objects.installation)]

    def _orphans(self, found: Iterable[ObjectOwner]) -> list[ObjectOwner]:
        """The owners without a row.

        The objects were read before the rows are. A row exists before its objects do, and until they are gone, so an
        owner without a row is an orphan.
        """
        owners = {owner.installation_id: owner for owner in found}
        named = (keys.installation_named(owner.organization_id, owner.provider) for owner in owners.values())
        rows = self.services.store.get_all([key for key in named if key])
        standing = {row.installation_id for row in rows if row}
        return [owner for installation_id, owner in owners.items() if installation_id not in standing]

    def _removed(self, orphan: ObjectOwner) -> bool:
        try:
            left = self.cluster.remove(orphan.namespace, orphan.installation_id)
        except (TemporaryError, PermanentError) as error:
            log.warning("%s has no row and is left to the next round: %s", orphan, error)
            return False
        log.warning(
            "%s has no row; removed, %d objects are still terminating", orphan, len(left), extra={"event": "orphan"}
        )
        return True


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


def _is_suspicious(orphans: int, all_found: int) -> bool:
    """Whether there are so many installations without a row that the rows must be missing."""
    return orphans >= MANY_ORPHANS and orphans * 2 > all_found

"""The sweeper finds what is due and no event will trigger any more, such as work that a crash interrupted."""

import logging
from collections.abc import Callable
from dataclasses import field
from datetime import timedelta

from provider_hub.actions.advisories import AdvisoryWatch
from provider_hub.actions.drift import Drift
from provider_hub.actions.expire import Expiry
from provider_hub.actions.faults import Faults
from provider_hub.actions.installed_counts import correct_slice
from provider_hub.actions.left_behind import LeftBehind
from provider_hub.actions.mirror import Mirror
from provider_hub.actions.offer import offer_when_due
from provider_hub.actions.ports import DueStore
from provider_hub.actions.relock import Relocking
from provider_hub.actions.retiring import show_left_hidden
from provider_hub.actions.services import Services
from provider_hub.actions.side_by_side import MOST_SIDE_BY_SIDE, side_by_side
from provider_hub.actions.silent_cells import SilentCells
from provider_hub.actions.steps import apply_event
from provider_hub.actions.time_budget import TimeBudget
from provider_hub.actions.waves import Waves
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import HubError
from provider_hub.domain.installation import FellSilent, Installation, Outcome
from provider_hub.domain.rollout import Rollout

log = logging.getLogger(__name__)

SLICE = 200
STEP_GRACE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Swept:
    """How many items each job handled in one run, and the names of the jobs that failed."""

    done: dict[str, int]
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Runs every job once per sweep."""

    services: Services[DueStore]
    left_behind: LeftBehind
    expiry: Expiry
    waves: Waves
    drift: Drift
    mirror: Mirror
    relocking: Relocking
    advisories: AdvisoryWatch
    _failed_last_time: set[str] = field(default_factory=set)

    def sweep(self) -> Swept:
        """Handle one slice of everything that is due. The other jobs run even when one fails."""
        silent_cells = SilentCells()
        jobs: dict[str, Callable[[], int]] = {
            "outbox": self.left_behind.publish,
            "deadlines": lambda: self._expire_overdue(silent_cells),
            "silences": self._degrade_silent,
            "rollout steps": self._take_lost_steps,
            "offers": self._offer_due,
            "interrupted deletions": lambda: show_left_hidden(self.services),
            "installed counts": lambda: correct_slice(self.services),
            "repairs": lambda: self.drift.repair_slices(silent_cells),
            "orphans": lambda: self.drift.remove_orphans(silent_cells),
            "copies": self.mirror.copy_slice,
            "versions without a lock": self.relocking.find_slice,
            "locks": self.relocking.lock_slice,
            "advisories": self.advisories.check_slice,
        }
        done = {name: _tried(job, name) for name, job in jobs.items()}
        return Swept(
            {name: count for name, count in done.items() if count},
            tuple(name for name, count in done.items() if count is None),
        )

    def _expire_overdue(self, silent_cells: SilentCells) -> int:
        return self._each(
            lambda: self.services.store.overdue(self.services.clock(), SLICE),
            lambda row: self.expiry.expire(row, silent_cells),
        )

    def _degrade_silent(self) -> int:
        now, deadlines = self.services.clock(), self.services.deadlines
        cutoff = now - deadlines.silence

        def degrade(row: Installation) -> Outcome:
            """A row that is found early is no change: it only leaves the front of the index, which hides who is due."""
            step = apply_event(self.services, row, FellSilent(row.installation_id, row.generation, cutoff))
            return step.outcome if step.moved else Outcome.UNCHANGED

        return self._each(lambda: self.services.store.silent(now, deadlines.silence_shards, SLICE), degrade)

    def _offer_due(self) -> int:
        return self._each(
            lambda: self.services.store.due_offers(self.services.clock(), SLICE),
            lambda row: offer_when_due(self.waves.services, row),
        )

    def _each(self, find: Callable[[], list[Installation]], action: Callable[[Installation], Outcome]) -> int:
        """Slice after slice of the rows found until the time is up; returns how many `action` changed.

        The rows of a full slice are handled side by side: a whole cluster may have fallen silent. A row that fails
        comes last in the next sweep: otherwise it could use up the time budget every time.
        """
        budget, tried, changed, faults = TimeBudget(self.services.clock), set[str](), 0, Faults()

        def handle(row: Installation) -> bool:
            tried.add(row.installation_id)
            with faults.of(row.installation_id):
                return self._has_changed(row, action)
            return False

        is_more = True
        while is_more:
            found, begun = find(), len(tried)
            rows = [row for row in found if row.installation_id not in tried]
            ordered = sorted(rows, key=lambda row: row.installation_id in self._failed_last_time)
            is_full = len(found) >= SLICE
            changed += sum(side_by_side(handle, budget.within(ordered), MOST_SIDE_BY_SIDE if is_full else 1))
            is_more = is_full and 0 < len(rows) == len(tried) - begun
        faults.raise_first()
        return changed

    def _has_changed(self, row: Installation, action: Callable[[Installation], Outcome]) -> bool:
        self._failed_last_time.add(row.installation_id)
        try:
            outcome = action(row)
        except HubError as error:
            log.warning("%s is left to the next sweep: %s", row.installation_id, error)
            return False
        self._failed_last_time.discard(row.installation_id)
        return outcome is Outcome.CHANGED

    def _take_lost_steps(self) -> int:
        """Take the steps of rollouts that have no task: a step crashed between its commit and scheduling the next."""
        due = self.services.store.due_rollouts(self.services.clock() - STEP_GRACE, SLICE)
        taken = 0
        faults = Faults()
        for rollout in TimeBudget(self.services.clock).within(due):
            with faults.of(f"the rollout of {rollout.provider_name} {rollout.rollout_id}"):
                taken += self._took_step(rollout)
        faults.raise_first()
        return taken

    def _took_step(self, rollout: Rollout) -> bool:
        try:
            self.waves.take_step(rollout)
        except HubError as error:
            log.warning("%s %s is left to the next sweep: %s", rollout.provider_name, rollout.rollout_id, error)
            return False
        return True


def _tried(job: Callable[[], int], name: str) -> int | None:
    """What the job returns, None where it failed. An alert counts the lines of failures: the sweep is answered 204."""
    failed = {"event": "sweep_job_failed", "job": name}
    try:
        return job()
    except HubError as error:
        log.warning("sweeping %s is left to the next run: %s", name, error, extra=failed)
        return None
    except Exception:  # a bug in one job must not keep the other jobs from running
        log.exception("sweeping %s failed", name, extra=failed)
        return None

"""The sweeper: what a crash left behind is found by what is due, a bounded slice at a time."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from provider_hub.domain.errors import TemporaryError
from provider_hub.domain.installation import FellSilent, Installation, Outcome
from provider_hub.operations.drift import Drift
from provider_hub.operations.expire import Expiry
from provider_hub.operations.services import Services, apply_event
from provider_hub.operations.waves import Waves

log = logging.getLogger(__name__)

SLICE = 200
# A commit is normally published within milliseconds; younger entries are somebody's who is doing it right now.
OUTBOX_GRACE = timedelta(seconds=10)
STEP_GRACE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Swept:
    """How many of each were found due and dealt with in one run."""

    outbox: int
    deadlines: int
    silences: int
    rollout_steps: int
    repairs: int
    orphans: int


@dataclass(frozen=True, slots=True)
class Sweeper:
    services: Services
    expiry: Expiry
    waves: Waves
    drift: Drift
    silence: timedelta

    def sweep(self) -> Swept:
        """One slice of everything that is due. What fails for the moment is due again at the next run."""
        return Swept(
            outbox=self._publish_left_behind(),
            deadlines=self._expire_overdue(),
            silences=self._tell_silence(),
            rollout_steps=self._take_lost_steps(),
            repairs=self.drift.repair_slice(),
            orphans=self.drift.remove_orphans(),
        )

    def _publish_left_behind(self) -> int:
        entries = self.services.store.left_behind(self.services.clock() - OUTBOX_GRACE, SLICE)
        return self.services.outbox.relay(entries)

    def _expire_overdue(self) -> int:
        rows = self.services.store.overdue(self.services.clock(), SLICE)
        return sum(_tried(self.expiry.expire, row) for row in rows)

    def _tell_silence(self) -> int:
        cutoff = self.services.clock() - self.silence

        def tell(row: Installation) -> Outcome:
            return apply_event(self.services, row, FellSilent(row.installation_id, row.generation, cutoff)).outcome

        return sum(_tried(tell, row) for row in self.services.store.silent(cutoff, SLICE))

    def _take_lost_steps(self) -> int:
        """A rollout's step whose task never came: it died between its commit and naming its successor."""
        due = self.services.store.due_rollouts(self.services.clock() - STEP_GRACE, SLICE)
        for rollout in due:
            self.waves.take_step(rollout)
        return len(due)


def _tried(action: Callable[[Installation], Outcome], row: Installation) -> bool:
    """Whether it changed something; one row that cannot be dealt with now must not keep the others waiting."""
    try:
        return action(row) is Outcome.CHANGED
    except TemporaryError as error:
        log.warning("%s is left to the next sweep: %s", row.installation_id, error)
        return False

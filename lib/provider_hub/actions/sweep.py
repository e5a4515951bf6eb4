"""The sweeper: what a crash left behind is found by what is due, a bounded slice at a time."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from provider_hub.actions.drift import Drift
from provider_hub.actions.expire import Expiry
from provider_hub.actions.ports import DueStore
from provider_hub.actions.services import Services, apply_event
from provider_hub.actions.time_budget import TimeBudget
from provider_hub.actions.waves import Waves
from provider_hub.domain.errors import HubError
from provider_hub.domain.installation import FellSilent, Installation, Outcome
from provider_hub.domain.records import OutboxEntry

log = logging.getLogger(__name__)

SLICE = 200
# A commit is normally published within milliseconds; younger entries are somebody's who is doing it right now.
OUTBOX_GRACE = timedelta(seconds=10)
STEP_GRACE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Swept:
    """How many of each were found due and dealt with in one run, and which jobs failed."""

    done: dict[str, int]
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sweeper:
    services: Services[DueStore]
    expiry: Expiry
    waves: Waves
    drift: Drift
    silence: timedelta
    _put_off: set[str] = field(default_factory=set)

    def sweep(self) -> Swept:
        """One slice of everything that is due. A job that fails keeps no other from its turn."""
        jobs: dict[str, Callable[[], int]] = {
            "outbox": self._publish_left_behind,
            "deadlines": self._expire_overdue,
            "silences": self._tell_silence,
            "rollout steps": self._take_lost_steps,
            "repairs": self.drift.repair_slice,
            "orphans": self.drift.remove_orphans,
        }
        done = {name: _tried(job, name) for name, job in jobs.items()}
        return Swept(
            {name: count for name, count in done.items() if count},
            tuple(name for name, count in done.items() if count is None),
        )

    def _publish_left_behind(self) -> int:
        """Slice after slice: what a topic that was down for an hour is owed must not take a day to pay."""
        budget, tried, published = TimeBudget(self.services.clock), set[str](), 0
        while entries := [entry for entry in self._left_behind() if entry.event_id not in tried]:
            tried |= {entry.event_id for entry in entries}
            relayed = self.services.outbox.relay(budget.within(entries))
            published += relayed
            if relayed < len(entries):
                break
        return published

    def _left_behind(self) -> list[OutboxEntry]:
        now = self.services.clock()
        entries = self.services.store.left_behind(now - OUTBOX_GRACE, SLICE)
        if entries:
            oldest = (now - entries[0].created_at).total_seconds()
            log.warning("%d outbox entries were left behind", len(entries), extra={"outbox_oldest_seconds": oldest})
        return entries

    def _expire_overdue(self) -> int:
        return self._each(self.services.store.overdue(self.services.clock(), SLICE), self.expiry.expire)

    def _tell_silence(self) -> int:
        cutoff = self.services.clock() - self.silence

        def tell(row: Installation) -> Outcome:
            return apply_event(self.services, row, FellSilent(row.installation_id, row.generation, cutoff)).outcome

        return self._each(self.services.store.silent(cutoff, SLICE), tell)

    def _each(self, rows: list[Installation], action: Callable[[Installation], Outcome]) -> int:
        """How many it changed. One that fails comes last the next time: the turn would end with it again and again."""
        changed = 0
        in_turn = sorted(rows, key=lambda row: row.installation_id in self._put_off)
        for row in TimeBudget(self.services.clock).within(in_turn):
            self._put_off.discard(row.installation_id)
            try:
                changed += action(row) is Outcome.CHANGED
            except HubError as error:
                self._put_off.add(row.installation_id)
                log.warning("%s is left to the next sweep: %s", row.installation_id, error)
        return changed

    def _take_lost_steps(self) -> int:
        """A rollout's step whose task never came: it died between its commit and naming its successor."""
        due = self.services.store.due_rollouts(self.services.clock() - STEP_GRACE, SLICE)
        return sum(1 for rollout in TimeBudget(self.services.clock).within(due) if self.waves.take_step(rollout))


def _tried(job: Callable[[], int], name: str) -> int | None:
    try:
        return job()
    except HubError as error:
        log.warning("sweeping %s is left to the next run: %s", name, error)
        return None
    except Exception:  # a fault of ours in one job is no reason to leave the others undone
        log.exception("sweeping %s failed", name)
        return None

"""The sweeper: what a crash left behind is found by what is due, a bounded slice at a time."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from provider_hub.domain.errors import HubError
from provider_hub.domain.installation import FellSilent, Installation, Outcome
from provider_hub.operations.drift import Drift
from provider_hub.operations.expire import Expiry
from provider_hub.operations.services import Services, apply_event
from provider_hub.operations.waves import Waves

log = logging.getLogger(__name__)

T = TypeVar("T")

SLICE = 200
# What is still left then is due at the next run: a cluster that hangs must not keep the outbox waiting.
RUN = timedelta(seconds=40)
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
    services: Services
    expiry: Expiry
    waves: Waves
    drift: Drift
    silence: timedelta

    def sweep(self) -> Swept:
        """One slice of everything that is due. A job that fails keeps no other from its turn."""
        until = self.services.clock() + RUN
        jobs: dict[str, Callable[[], int]] = {
            "outbox": self._publish_left_behind,
            "deadlines": lambda: self._expire_overdue(until),
            "silences": lambda: self._tell_silence(until),
            "rollout steps": lambda: self._take_lost_steps(until),
            "repairs": self.drift.repair_slice,
            "orphans": self.drift.remove_orphans,
        }
        done = {name: _tried(job, name) for name, job in jobs.items()}
        return Swept(
            {name: count for name, count in done.items() if count},
            tuple(name for name, count in done.items() if count is None),
        )

    def _publish_left_behind(self) -> int:
        now = self.services.clock()
        entries = self.services.store.left_behind(now - OUTBOX_GRACE, SLICE)
        if entries:
            oldest = (now - entries[0].created_at).total_seconds()
            log.warning("%d outbox entries were left behind", len(entries), extra={"outbox_oldest_seconds": oldest})
        return self.services.outbox.relay(entries)

    def _expire_overdue(self, until: datetime) -> int:
        rows = self.services.store.overdue(self.services.clock(), SLICE)
        return sum(_changed(self.expiry.expire, row) for row in self._in_time(rows, until))

    def _tell_silence(self, until: datetime) -> int:
        cutoff = self.services.clock() - self.silence

        def tell(row: Installation) -> Outcome:
            return apply_event(self.services, row, FellSilent(row.installation_id, row.generation, cutoff)).outcome

        rows = self.services.store.silent(cutoff, SLICE)
        return sum(_changed(tell, row) for row in self._in_time(rows, until))

    def _take_lost_steps(self, until: datetime) -> int:
        """A rollout's step whose task never came: it died between its commit and naming its successor."""
        due = self.services.store.due_rollouts(self.services.clock() - STEP_GRACE, SLICE)
        return sum(1 for rollout in self._in_time(due, until) if self.waves.take_step(rollout))

    def _in_time(self, items: Iterable[T], until: datetime) -> Iterable[T]:
        for item in items:
            if self.services.clock() >= until:
                return
            yield item


def _tried(job: Callable[[], int], name: str) -> int | None:
    try:
        return job()
    except HubError as error:
        log.warning("sweeping %s is left to the next run: %s", name, error)
        return None


def _changed(action: Callable[[Installation], Outcome], row: Installation) -> bool:
    """Whether it changed something; one row that cannot be dealt with now must not keep the others waiting."""
    try:
        return action(row) is Outcome.CHANGED
    except HubError as error:
        log.warning("%s is left to the next sweep: %s", row.installation_id, error)
        return False

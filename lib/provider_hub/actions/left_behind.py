"""Publishes the messages that were committed and, after a crash or a refusal by their topic, never published."""

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta

from provider_hub.actions.ports import DueStore
from provider_hub.actions.services import Services
from provider_hub.actions.time_budget import TimeBudget
from provider_hub.domain.records import OutboxEntry, Topic

log = logging.getLogger(__name__)

SLICE = 200
# An entry is normally published within milliseconds of its commit. A younger one is being published right now.
OUTBOX_GRACE = timedelta(seconds=10)


class LeftBehind:
    """The outbox entries that were left behind, oldest first.

    No topic keeps another one waiting. One that takes nothing is passed over for the rest of the sweep, however many of
    its entries come first. It comes last in the next sweep of this process: one that hangs would use up the time. Of
    several such topics, the one that was tried longest ago has its turn first.
    """

    def __init__(self, services: Services[DueStore]) -> None:
        self._services = services
        # In the order in which they last refused.
        self._refusing: dict[Topic, None] = {}

    def publish(self) -> int:
        """Publish slice after slice, since a topic that was down for an hour has many to catch up; returns how many.

        Of each topic that refused in the last sweep it is one slice at most.
        """
        budget = TimeBudget(self._services.clock)
        held: dict[Topic, list[OutboxEntry]] = {topic: [] for topic in self._refusing}
        published = 0
        for entries in self._slices(budget):
            for topic, of_topic in held.items():
                of_topic.extend([entry for entry in entries if entry.topic == topic][: SLICE - len(of_topic)])
            published += self._relayed((entry for entry in entries if entry.topic not in self._refusing), budget)
        return published + self._relayed((entry for of_topic in held.values() for entry in of_topic), budget)

    def _slices(self, budget: TimeBudget) -> Iterator[list[OutboxEntry]]:
        """What is in the outbox now, until the time is up. Those that stay are not found again."""
        now, last = self._services.clock(), None
        while not budget.is_used_up:
            entries = self._services.store.left_behind(now - OUTBOX_GRACE, SLICE, last)
            if entries and last is None:
                oldest = (now - entries[0].created_at).total_seconds()
                log.warning("%d outbox entries were left behind", len(entries), extra={"outbox_oldest_seconds": oldest})
            yield entries
            if len(entries) < SLICE:
                return
            last = entries[-1]

    def _relayed(self, entries: Iterable[OutboxEntry], budget: TimeBudget) -> int:
        owed: dict[Topic, list[OutboxEntry]] = {}
        for entry in entries:
            owed.setdefault(entry.topic, []).append(entry)
        published = 0
        for topic, of_topic in owed.items():
            if budget.is_used_up:
                break
            taken = self._services.outbox.relay(budget.within(of_topic))
            published += taken
            self._refusing.pop(topic, None)
            if not taken:
                self._refusing[topic] = None
        return published

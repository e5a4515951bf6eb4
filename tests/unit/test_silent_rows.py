"""The sweeper reaches every row whose silence is over, however many rows its query finds before they are due."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.builders import wish
from tests.fakes import START, FakeClock
from tests.faults.memory_firestore import MemoryFirestore
from tests.unit.walks import DEADLINES

from provider_hub.actions import keys
from provider_hub.actions.outbox import Outbox
from provider_hub.actions.services import Services
from provider_hub.actions.sweep import SLICE, Sweeper
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.domain.installation import Health, Installation, LifecycleState
from provider_hub.domain.installation.silence import watch_of

SECOND = timedelta(seconds=1)
LAST_HEARD = START + DEADLINES.silence / 3


class Silenced:
    """READY rows that check in no more, and a sweeper that looks for those alone."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = FirestoreStore(MemoryFirestore(), "p", "(default)")  # type: ignore[arg-type]
        services: Any = Services(
            store=self.store,
            outbox=Outbox(self.store, None),  # type: ignore[arg-type]
            clock=self.clock,
            new_id=str,
            deadlines=DEADLINES,
        )
        parts: Any = dict.fromkeys(("left_behind", "expiry", "waves", "drift", "mirror", "relocking", "advisories"))
        self._sweeper = Sweeper(services, **parts)

    def put(self, row: Installation) -> None:
        self.store.transact(lambda transaction: transaction.write(keys.installation_of(row), row))

    def get(self, row: Installation) -> Installation:
        found = self.store.get(keys.installation_of(row))
        assert found
        return found

    def degrade_at(self, now: datetime) -> int:
        self.clock.now = now
        return self._sweeper._degrade_silent()

    def found_at(self, now: datetime) -> list[Installation]:
        return self.store.silent(now, DEADLINES.silence_shards, SLICE)


def row_of(number: int, *heard: datetime) -> Installation:
    """A row whose runtime was heard at each of these times, and its place in the index after that."""
    row = wish(
        organization_id=f"org_{number:04}", installation_id=f"01{number:04}", lifecycle_state=LifecycleState.READY
    )
    for at in heard:
        row = replace(row, last_check_in_at=at, **watch_of(row, at, DEADLINES))
    return row


def test_rows_that_are_found_early_do_not_hide_one_that_is_due_behind_them() -> None:
    silenced = Silenced()
    for number in range(SLICE + 20):
        silenced.put(row_of(number, START, LAST_HEARD))
    due = row_of(9999, START + SECOND)
    silenced.put(due)
    assert silenced.degrade_at(START + SECOND + DEADLINES.silence) == 1
    assert silenced.get(due).health is Health.DEGRADED


def test_each_row_that_falls_silent_is_logged_once_with_its_owner(caplog: pytest.LogCaptureFixture) -> None:
    silenced = Silenced()
    silenced.put(row_of(1, START))
    silenced.put(row_of(2, START, LAST_HEARD))
    for _ in range(2):
        silenced.degrade_at(START + DEADLINES.silence)
    told = [vars(line) for line in caplog.records if getattr(line, "event", None) == "installation_silent"]
    assert [(line["organization_id"], line["provider"]) for line in told] == [("org_0001", "acme/weather")]


def test_a_row_that_is_found_early_is_found_again_when_its_silence_is_over_and_not_before() -> None:
    silenced = Silenced()
    row = row_of(1, START, LAST_HEARD)
    silenced.put(row)
    end = LAST_HEARD + DEADLINES.silence
    assert silenced.degrade_at(START + DEADLINES.silence) == 0
    assert silenced.get(row) == replace(row, silent_at=end), "its health, its timeline and its times stay"
    assert silenced.found_at(end - SECOND) == []
    assert silenced.degrade_at(end) == 1
    assert silenced.get(row).health is Health.DEGRADED


def test_a_row_that_checks_in_after_it_was_found_early_moves_on_as_any_other() -> None:
    row = replace(row_of(1, START, LAST_HEARD), silent_at=LAST_HEARD + DEADLINES.silence)
    after = watch_of(row, LAST_HEARD + DEADLINES.silence / 3, DEADLINES)
    assert after["silent_at"] == row.silent_at

"""The nightly look at advisories goes on, whatever one publisher locks, and ends where there is no export alone."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from tests.builders import IMAGE, WEATHER
from tests.fakes import START, FakeClock
from tests.faults.memory_firestore import MemoryFirestore

from provider_hub.actions import advisories, keys
from provider_hub.actions.advisories import AGAIN, WALK, AdvisoryWatch, Matches, next_night
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.domain.advisories import Advisory
from provider_hub.domain.advisories.records import TooMuchToMatch
from provider_hub.domain.catalog import StoredLock
from provider_hub.domain.dependencies import DependencyLock, LockedWheel
from provider_hub.domain.errors import PermanentError
from provider_hub.domain.records import Cursor

MOST_RUNS = 40


@dataclass
class Database:
    """An export in which each version has a hole; a look that includes a `heavy` version takes too much."""

    heavy: frozenset[str] = frozenset()
    is_broken: bool = False
    looks: list[int] = field(default_factory=list)

    def matching(self, locked: Mapping[str, Sequence[str]], now: datetime) -> Matches:
        versions = [(package, text) for package, listed in locked.items() for text in listed]
        self.looks.append(len(versions))
        if self.is_broken or any(text in self.heavy for _, text in versions):
            raise TooMuchToMatch("the export takes more than it may")
        return Matches(now, tuple(Advisory("A", (), *version, None, None, None) for version in versions))


class Ground:
    """A store with `count` locks of `tide`, each of another version, and the watch over them."""

    def __init__(self, count: int, database: Database) -> None:
        client: Any = MemoryFirestore()
        self.store, self.clock, self.database = FirestoreStore(client, "p", "(default)"), FakeClock(), database
        services: Any = SimpleNamespace(store=self.store, clock=self.clock)
        self.watch = AdvisoryWatch(services, database)
        self.locks = {f"{number}.0": lock_of(f"{number}.0") for number in range(count)}
        for lock in self.locks.values():
            self.put(StoredLock.of(WEATHER, lock, START))

    def put(self, stored: StoredLock) -> None:
        key = keys.lock(WEATHER, stored.sha256)
        self.store.transact(lambda transaction: transaction.write(key, stored))

    @property
    def cursor(self) -> Cursor:
        found = self.store.get(keys.cursor(WALK))
        assert found
        return found

    def walk(self) -> int:
        """Run until the walk is done; returns after how many runs."""
        for run in range(1, MOST_RUNS):
            self.watch.check_slice()
            if self.cursor.due_at is not None:
                return run
        raise AssertionError(f"the walk is at {self.cursor} after {MOST_RUNS} runs")

    def unknown(self) -> set[str]:
        """The versions whose lock nothing is known of."""
        return {text for text, lock in self.locks.items() if self.store.get(keys.lock_advisories(lock.sha256)) is None}


def lock_of(text: str) -> DependencyLock:
    file = f"tide-{text}-py3-none-any.whl"
    return DependencyLock.of(IMAGE, (LockedWheel("tide", text, file, f"https://files.example/{file}", "d" * 64, 1),))


def test_a_lock_that_is_too_much_by_itself_ends_the_watch_for_no_other(caplog: pytest.LogCaptureFixture) -> None:
    ground = Ground(40, Database(heavy=frozenset({"7.0", "23.0"})))
    ground.walk()
    assert ground.cursor == Cursor(WALK, None, next_night(ground.clock()))
    assert ground.unknown() == {"7.0", "23.0"}
    told = [entry for entry in caplog.records if entry.levelno == logging.ERROR]
    assert [vars(entry)["event"] for entry in told] == ["advisories_unread"] * 2
    assert {lock.sha256[:12] for text, lock in ground.locks.items() if text in {"7.0", "23.0"}} == {
        entry.getMessage().split()[2] for entry in told
    }


def test_the_slice_grows_again_after_what_was_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advisories, "LOCKS_A_RUN", 8)
    ground = Ground(40, Database())
    first = ground.store.locks_after(None, 1)[0].sha256
    ground.database.heavy = frozenset(text for text, lock in ground.locks.items() if lock.sha256 == first)
    ground.walk()
    # The look for nothing asks whether the lock is to blame, or the export.
    assert ground.database.looks == [8, 4, 2, 1, 0, 1, 2, 4, 8, 8, 8, 8]


def test_an_export_that_takes_too_much_whatever_is_locked_holds_the_walk() -> None:
    ground = Ground(3, Database(is_broken=True))
    for _ in range(2):
        ground.watch.check_slice()
    assert ground.cursor == Cursor(WALK, None, ground.clock() + AGAIN, most=1)
    assert ground.unknown() == set(ground.locks)
    ground.database.is_broken = False
    ground.clock.turn(seconds=AGAIN.total_seconds())
    ground.walk()
    assert ground.unknown() == set()


def test_a_lock_that_cannot_be_read_makes_the_run_fail_once_the_walk_went_on() -> None:
    ground = Ground(3, Database())
    ground.put(replace(StoredLock.of(WEATHER, lock_of("9.0"), START), text="no lock"))
    with pytest.raises(PermanentError, match="is no lock"):
        ground.watch.check_slice()
    assert ground.cursor.due_at == next_night(ground.clock())
    assert ground.unknown() == set()

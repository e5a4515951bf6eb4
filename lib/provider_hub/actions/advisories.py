"""Known vulnerabilities of what is locked: each night the sweeper holds all locks against a database's export.

No host is asked about what anybody runs: the export is one file, and it is matched here. What was found is kept by the
lock, so that what runs with a former lock of its version is told of that one.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Protocol

from provider_hub.actions import keys, walks
from provider_hub.actions.faults import Faults
from provider_hub.actions.ports import LockStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.actions.time_budget import TimeBudget
from provider_hub.domain.advisories import Advisory, LockAdvisories
from provider_hub.domain.advisories.records import TooMuchToMatch, by_version, names_of, worst
from provider_hub.domain.catalog import StoredLock
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.dependencies import DependencyLock, LockMalformed
from provider_hub.domain.errors import PermanentError, TemporaryError
from provider_hub.domain.records import Cursor

log = logging.getLogger(__name__)

LOCKS_A_RUN = 100
WALK = "advisories"
NIGHT = time(3)
AGAIN = timedelta(hours=1)
# What was found before is said for so long while no export can be read, and then nothing is.
KEPT = timedelta(days=30)
STALE = timedelta(days=7)

Locked = tuple[StoredLock, DependencyLock]
# By a distribution's normalised name and its version.
Found = Mapping[tuple[str, str], Sequence[Advisory]]


@dataclass(frozen=True, slots=True)
class Matches:
    """What an export has of the versions that it was asked for, and when its newest record was changed.

    `found` has each vulnerability of a distribution's version once.
    """

    export_at: datetime
    found: tuple[Advisory, ...]


class AdvisoryDatabase(Protocol):
    """An export of a database of vulnerabilities."""

    def matching(self, locked: Mapping[str, Sequence[str]], now: datetime) -> Matches:
        """The advisories for locked versions, by their distributions' normalised names.

        Raises TemporaryError where it cannot be read now, PermanentError for what is no export, and TooMuchToMatch
        where the look takes more time or memory than it may.
        """


@dataclass(frozen=True, slots=True)
class AdvisoryWatch:
    """The sweeper's part; `database` is None where the operator named no export."""

    services: Services[LockStore]
    database: AdvisoryDatabase | None

    def check_slice(self) -> int:
        """Hold the next locks against the export, once a night; returns how many have an advisory that is new.

        Raises the first fault of a lock, after the others had their turn and the cursor is written.
        """
        if self.database is None:
            return 0
        cursor = walks.reached(self.services.store, WALK)
        now = self.services.clock()
        if cursor.due_at and now < cursor.due_at:
            return 0
        faults = Faults()
        try:
            changed, following = self._looked(self.database, cursor, faults)
        except (TemporaryError, PermanentError) as error:
            log.error("no lock is held against advisories: %s", error, extra={"event": "advisories_unread"})  # noqa: TRY400
            changed, following = 0, replace(cursor, due_at=now + AGAIN)
        walks.go_on(self.services.store, following)
        faults.raise_first()
        return changed

    def _looked(self, database: AdvisoryDatabase, cursor: Cursor, faults: Faults) -> tuple[int, Cursor]:
        """How many locks of the next slice have a new advisory, and where it goes on. Raises as the database does."""
        length = min(cursor.most or LOCKS_A_RUN, LOCKS_A_RUN)
        locks = self.services.store.locks_after(cursor.place, length)
        try:
            changed, last = self._checked(database, locks, faults)
        except TooMuchToMatch as error:
            return 0, self._narrowed(database, cursor, locks, error)
        if len(locks) < length and last == len(locks):
            return changed, Cursor(WALK, None, next_night(self.services.clock()))
        longer = length * 2 if length * 2 < LOCKS_A_RUN else None
        return changed, Cursor(WALK, _place_of(locks[last - 1]) if last else cursor.place, most=longer)

    def _narrowed(
        self, database: AdvisoryDatabase, cursor: Cursor, locks: Sequence[StoredLock], error: TooMuchToMatch
    ) -> Cursor:
        """Half the slice, and past the lock that is too much by itself: one author's must not end all others' watch.

        Raises PermanentError where the export takes too much whatever is locked.
        """
        if len(locks) > 1:
            log.warning("%d locks are too many for one look at the advisories: %s", len(locks), error)
            return replace(cursor, due_at=None, most=len(locks) // 2)
        (lock,) = locks
        database.matching({}, self.services.clock())
        log.error(
            "the lock %s of %s is not held against advisories: %s",
            lock.sha256[:12],
            lock.provider_name,
            error,
            extra={"event": "advisories_unread", "provider": lock.provider_name.canonical},
        )
        return Cursor(WALK, _place_of(lock), most=1)

    def _checked(self, database: AdvisoryDatabase, locks: Sequence[StoredLock], faults: Faults) -> tuple[int, int]:
        """How many locks have a new advisory, and how many were looked at before the time was up."""
        read = list[Locked]()
        for stored in locks:
            with faults.of(f"the lock {stored.sha256[:12]} of {stored.provider_name}"):
                read.append((stored, _parsed(stored)))
        matches = database.matching(_versions_of(read), self.services.clock()) if read else None
        found: Found = by_version(matches.found) if matches else {}
        changed = looked = 0
        for stored, lock in TimeBudget(self.services.clock).within(read):
            looked += 1
            if matches:
                changed += self._keep(stored, _of_lock(lock, found), matches.export_at)
        if matches and self.services.clock() - matches.export_at > STALE:
            log.warning("the export of advisories is of %s", matches.export_at, extra={"event": "advisories_stale"})
        return changed, len(locks) if looked == len(read) else locks.index(read[looked][0])

    def _keep(self, stored: StoredLock, found: tuple[Advisory, ...], export_at: datetime) -> bool:
        """Whether one of them is new. A night that finds the same says only that it looked."""
        key = keys.lock_advisories(stored.sha256)
        now = self.services.clock()

        def decide(transaction: Transaction) -> tuple[Advisory, ...]:
            (before,) = transaction.read(key)
            known = names_of(before.found if before else ())
            transaction.write(key, LockAdvisories(stored.sha256, export_at, now, found, now + KEPT))
            return tuple(one for one in found if known.isdisjoint(one.names))

        new, _ = self.services.store.transact(decide)
        if new:
            self._tell(stored, new)
        return bool(new)

    def _tell(self, stored: StoredLock, new: tuple[Advisory, ...]) -> None:
        """Log what metrics count: once for each lock that has a new one."""
        versions = self.services.store.versions_with_lock(stored.provider_name, stored.sha256)
        named = ", ".join(f"{one.advisory_id} ({one.package} {one.version})" for one in new)
        severity = new[0].severity.value if new[0].severity else "unknown"
        log.warning(
            "%s %s: %s",
            stored.provider_name,
            ", ".join(sorted(versions)) or f"with its former lock {stored.sha256[:12]}",
            named,
            extra={
                "event": "advisory_found",
                "provider": stored.provider_name.canonical,
                "worst_severity": severity,
            },
        )


def next_night(now: datetime) -> datetime:
    """The next time that it is NIGHT in UTC, at least an hour from now."""
    tonight = datetime.combine(now.date(), NIGHT, now.tzinfo)
    return tonight if tonight - now >= AGAIN else tonight + timedelta(days=1)


def _parsed(stored: StoredLock) -> DependencyLock:
    try:
        return DependencyLock.parse(stored.text)
    except LockMalformed as error:
        raise PermanentError(f"is no lock: {error}") from error


def _versions_of(read: Sequence[Locked]) -> Mapping[str, Sequence[str]]:
    versions = defaultdict[str, set[str]](set)
    for _, lock in read:
        for wheel in lock.wheels:
            versions[wheel.name].add(wheel.version)
    return {name: sorted(of_name) for name, of_name in versions.items()}


def _of_lock(lock: DependencyLock, found: Found) -> tuple[Advisory, ...]:
    return worst(one for wheel in lock.wheels for one in found.get((wheel.name, wheel.version), ()))


def _place_of(stored: StoredLock) -> str:
    return keys.lock(stored.provider_name, stored.sha256).place

"""The mirror: the sweeper copies locked wheels into the bucket, so that no pod needs the host that served them.

A file is named by its digest there, so each digest is copied once, whichever providers lock it. Until it is copied,
pods fetch it from where the lock says, and by the same digest.
"""

import logging
import os
from dataclasses import replace
from datetime import datetime, timedelta
from tempfile import TemporaryFile
from typing import IO, Protocol

from provider_hub.actions import keys
from provider_hub.actions.artifacts import ArtifactStore
from provider_hub.actions.ports import LockStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.actions.stored_share import StoredShare
from provider_hub.actions.time_budget import TimeBudget
from provider_hub.domain.artifacts import kept_name
from provider_hub.domain.catalog import StoredLock
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.dependencies import DependencyLock, LockedWheel
from provider_hub.domain.errors import PermanentError, QuotaExceeded, TemporaryError

log = logging.getLogger(__name__)

LOCKS_A_RUN = 20
MIRROR_AGAIN = timedelta(minutes=15)
# For a wheel that is gone, has other bytes, or finds no room in its organization's share: nobody waits for it.
MIRROR_REFUSED_AGAIN = timedelta(days=1)


class LockedFiles(Protocol):
    """The hosts of locked wheels."""

    def fetch(self, wheel: LockedWheel, into: IO[bytes]) -> None:
        """Write the wheel's bytes to `into`, an empty file.

        Raises PermanentError where the host has other bytes or none, and TemporaryError where it does not answer.
        """


@dataclass(frozen=True, slots=True)
class Mirror:
    """Copies the wheels of the locks that are due."""

    services: Services[LockStore]
    artifacts: ArtifactStore
    files: LockedFiles

    def copy_slice(self) -> int:
        """Copy what is due until the time of one job is up; returns how many wheels were copied.

        A lock stays due until all of its wheels are there. One whose host fails is due again later, so that it keeps no
        other from its turn.
        """
        due = self.services.store.locks_to_mirror(self.services.clock(), LOCKS_A_RUN)
        budget = TimeBudget(self.services.clock)
        return sum(self._copied(stored, budget) for stored in budget.within(due))

    def _copied(self, stored: StoredLock, budget: TimeBudget) -> int:
        wheels = DependencyLock.parse(stored.text).wheels
        copied = looked = 0
        waits = [timedelta()]
        share = StoredShare.of(self.services, stored.provider_name.prefix)
        for wheel in budget.within(wheels):
            looked += 1
            try:
                copied += self._copy(wheel, share)
            except (PermanentError, QuotaExceeded, TemporaryError) as error:
                log.warning("%s of %s is not copied: %s", wheel.file_name, stored.provider_name, error)
                waits.append(MIRROR_AGAIN if isinstance(error, TemporaryError) else MIRROR_REFUSED_AGAIN)
        share.settle()
        if looked == len(wheels):
            wait = max(waits)
            self._set_due(stored, self.services.clock() + wait if wait else None)
        return copied

    def _copy(self, wheel: LockedWheel, share: StoredShare) -> bool:
        """Whether it was copied just now. Raises QuotaExceeded where its organization has no room for it."""
        kept = kept_name(wheel.sha256, wheel.file_name)
        if self.artifacts.size_of(kept) is not None:
            return False
        share.check_room(wheel.size or 1)
        with TemporaryFile() as spool:
            self.files.fetch(wheel, spool)
            size = spool.seek(0, os.SEEK_END)
            share.check_room(size)
            is_new = self.artifacts.put(kept, spool)
        if is_new:
            share.charge(size)
        return is_new

    def _set_due(self, seen: StoredLock, due_at: datetime | None) -> None:
        key = keys.lock(seen.provider_name, seen.sha256)

        def decide(transaction: Transaction) -> None:
            (stored,) = transaction.read(key)
            # The provider may have been deleted meanwhile, or a version published that shares the lock.
            if stored is not None and stored.mirror_due_at == seen.mirror_due_at:
                transaction.write(key, replace(stored, mirror_due_at=due_at))

        self.services.store.transact(decide)

"""Locking again: an author asks for it (`relock_request`), and the sweeper does it: an index may take a minute.

A lock that comes out the same changes nothing. Another one is what new installations of the version get. Those that
have the version are offered it as a new version is: in waves where the policy is `auto` (`actions.waves`), else by
hand. What runs keeps the lock of its own revision until then, and goes back to that one.

What was published before there were locks is found by a walk through all versions, once, and is locked in the same way.
The same walk tells providers of which distributions their versions are, for the package index.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from provider_hub.actions import keys, walks
from provider_hub.actions.faults import Faults
from provider_hub.actions.lock_dependencies import locked_dependencies
from provider_hub.actions.outbox import version_entry
from provider_hub.actions.ports import Store, Transaction
from provider_hub.actions.services import Services
from provider_hub.actions.time_budget import TimeBudget
from provider_hub.domain.catalog import ProviderVersion, StoredLock, VersionStatus, with_distribution
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.dependencies import DependencyLock
from provider_hub.domain.errors import Invalid, PermanentError, TemporaryError
from provider_hub.domain.messages import VersionPublished
from provider_hub.domain.records import Cursor

log = logging.getLogger(__name__)

LOCKS_A_RUN = 10
VERSIONS_A_RUN = 20
LOCK_AGAIN = timedelta(minutes=15)
WALK = "versions-of-before"
# No document's path: the walk has seen every version that was published before there were locks and the index.
WALKED = Cursor(WALK, "done")

Change = Callable[[ProviderVersion], ProviderVersion]


@dataclass(frozen=True, slots=True)
class OldWheel:
    """A wheel that was published before and is kept now: its Requires-Dist lines, and its object's name."""

    requirements: tuple[str, ...]
    wheel_object: str


class PublishedWheels(Protocol):
    """The hosts of wheels that were published before the hub kept wheels."""

    def keep(self, version: ProviderVersion, charge: Callable[[int], None]) -> OldWheel:
        """Keep the version's wheel in the bucket, and tell `charge` its bytes where they are new there.

        Raises PermanentError where the host has other bytes or none, and TemporaryError where it does not answer.
        """


@dataclass(frozen=True, slots=True)
class Relocking:
    """The sweeper's part: it locks the versions that are due."""

    services: Services[Store]
    wheels: PublishedWheels

    def lock_slice(self) -> int:
        """Lock what is due until the time of one job is up; returns how many versions got another lock.

        One resolution may take longer than that time: it is ended, and its own limit holds.
        """
        due = self.services.store.versions_to_lock(self.services.clock(), LOCKS_A_RUN)
        faults, changed = Faults(), 0
        for version in TimeBudget(self.services.clock).within(due):
            with faults.of(f"the lock of {version.provider_name} {version.version}"):
                changed += self._locked(version)
        faults.raise_first()
        return changed

    def find_slice(self) -> int:
        """Mark the next versions without a lock as due; returns how many. It ends for good once it has seen all."""
        cursor = walks.reached(self.services.store, WALK)
        if cursor == WALKED:
            return 0
        seen = self.services.store.versions_after(cursor.place, VERSIONS_A_RUN)
        unlocked = [one for one in seen if one.status is VersionStatus.PUBLISHED and one.lock_sha256 is None]
        for version in unlocked:
            self._change(
                version, lambda current: replace(current, lock_due_at=current.lock_due_at or self.services.clock())
            )
        for version in seen:
            self._tell_distribution(version)
        is_last = len(seen) < VERSIONS_A_RUN
        walks.go_on(self.services.store, WALKED if is_last else Cursor(WALK, _place_of(seen[-1])))
        return len(unlocked)

    def _tell_distribution(self, version: ProviderVersion) -> None:
        key, distribution = keys.provider(version.provider_name), version.distribution_name
        if distribution is None:
            return

        def decide(transaction: Transaction) -> None:
            (provider,) = transaction.read(key)
            if provider is not None and (told := with_distribution(provider, distribution)) is not provider:
                transaction.write(key, told)

        self.services.store.transact(decide)

    def _locked(self, version: ProviderVersion) -> bool:
        try:
            if version.requirements is None:
                kept = self._kept(version)
            else:
                kept = OldWheel(version.requirements, version.wheel_object or "")
            lock = self._lock_of(version, kept.requirements)
        except TemporaryError as error:
            self._put_off(version, str(error), self.services.clock() + LOCK_AGAIN)
            return False
        except (Invalid, PermanentError) as error:
            self._put_off(version, str(error), None)
            return False
        return self._keep(version, kept, lock)

    def _kept(self, version: ProviderVersion) -> OldWheel:
        """The wheel, charged to its organization. It is never refused: who has the version installed needs its lock."""
        # The catalog asks for another lock, and keeps no wheel: it does without the share's rules.
        from provider_hub.actions.stored_share import StoredShare  # noqa: PLC0415

        share = StoredShare.of(self.services, version.prefix)
        kept = self.wheels.keep(version, share.charge)
        share.settle()
        return kept

    def _put_off(self, version: ProviderVersion, why: str, until: datetime | None) -> None:
        log.warning("%s %s is not locked: %s", version.provider_name, version.version, why)
        self._change(version, lambda current: replace(current, lock_due_at=until, lock_message=why))

    def _lock_of(self, version: ProviderVersion, requirements: tuple[str, ...]) -> DependencyLock:
        runtime = self.services.store.get(keys.runtime_version(version.runtime_version))
        if runtime is None:
            raise PermanentError(f"runtime version {version.runtime_version} is not registered any more")
        distribution = version.distribution_name or version.name
        return locked_dependencies(self.services, requirements, distribution, runtime.image, version.prefix)

    def _keep(self, version: ProviderVersion, kept: OldWheel, lock: DependencyLock) -> bool:
        """Whether the lock is another one. A text that is stored already stays as it is."""
        key = keys.version(version.provider_name, version.version)
        lock_key = keys.lock(version.provider_name, lock.sha256)

        def decide(transaction: Transaction) -> bool:
            current, stored, provider = transaction.read(key, lock_key, keys.provider(version.provider_name))
            if current is None:
                return False
            now = self.services.clock()
            if stored is None:
                transaction.write(lock_key, StoredLock.of(version.provider_name, lock, now))
            changed = current.lock_sha256 != lock.sha256
            relocked = replace(
                current,
                requirements=kept.requirements,
                wheel_object=current.wheel_object or kept.wheel_object or None,
                lock_sha256=lock.sha256,
                lock_packages=len(lock.wheels),
                # Somebody may have asked for it once more meanwhile.
                lock_due_at=None if current.lock_due_at == version.lock_due_at else current.lock_due_at,
                lock_message=None if changed else "locked again: nothing changed",
                updated_at=now if changed else current.updated_at,
            )
            transaction.write(key, relocked)
            if provider and relocked.wheel_object != current.wheel_object:
                # The package index lists it from now on: it reads versions again once their provider's row is another.
                transaction.write(keys.provider(version.provider_name), replace(provider, updated_at=now))
            if changed and provider and current.status is VersionStatus.PUBLISHED:
                author = provider.author.organization_id
                event = VersionPublished(provider.canonical, current.version, now, author, lock.sha256)
                transaction.emit(version_entry(event, now))
            return changed

        return self.services.outbox.transact(decide)

    def _change(self, version: ProviderVersion, change: Change) -> None:
        key = keys.version(version.provider_name, version.version)

        def decide(transaction: Transaction) -> None:
            (current,) = transaction.read(key)
            known = (version.lock_sha256, version.lock_due_at)
            # Somebody may have asked for it once more meanwhile: that attempt is still to be made.
            if current is not None and (current.lock_sha256, current.lock_due_at) == known:
                transaction.write(key, change(current))

        self.services.store.transact(decide)


def _place_of(version: ProviderVersion) -> str:
    return keys.version(version.provider_name, version.version).place

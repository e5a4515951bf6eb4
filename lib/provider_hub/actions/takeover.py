"""Takeovers: a newer rollout ends an older one, and a yank of the newer version brings the older one back.

Both transactions read the newer version and the older rollout. If they run at the same time, one of them runs again.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import replace
from datetime import datetime

from provider_hub.actions import keys
from provider_hub.actions.outbox import version_entry
from provider_hub.actions.ports import RolloutStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.domain.catalog import Provider, StoredLock, VersionStatus
from provider_hub.domain.messages import VersionPublished
from provider_hub.domain.names import ProviderName
from provider_hub.domain.offers import offered, published_of
from provider_hub.domain.records import OutboxEntry
from provider_hub.domain.rollout import ACTIVE, Rollout, RolloutState, from_the_start, resumed
from provider_hub.domain.takeover import superseded, supersedes, took_over, unsuperseded
from provider_hub.domain.versions import relock_id

LISTED = 50
# The states in which a rollout keeps older ones from the installations.
LEADING = ACTIVE | {RolloutState.DONE}
# The states of those that a yank may bring back: what is listed may be older than what the transaction reads.
BROUGHT_BACK = ACTIVE | {RolloutState.SUPERSEDED}

Statuses = Mapping[str, VersionStatus]


def supersede_older(services: Services[RolloutStore], newer: Rollout) -> None:
    """Two rollouts of one line would upgrade the same installations, so the newer version takes over."""
    for other in services.store.rollouts_of(newer.provider_name, LISTED):
        if other.state in ACTIVE and supersedes(newer, other):
            _supersede(services, other, newer)


def _supersede(services: Services[RolloutStore], other: Rollout, newer: Rollout) -> None:
    """End a rollout whatever step it is at: it may take one at this moment, and would go on beside the newer one.

    If the newer one was yanked meanwhile, the other one goes on: the yank came too early to bring it back.
    """
    key, version_key = keys.rollout_of(other), keys.version(newer.provider_name, newer.version)

    def decide(transaction: Transaction) -> None:
        current, version = transaction.read(key, version_key)
        is_published = version is not None and version.status is VersionStatus.PUBLISHED
        if is_published and current is not None and current.state in ACTIVE:
            transaction.write(key, superseded(current, newer.version, services.clock()))

    services.store.transact(decide)


def rollouts_after_status_change(
    services: Services[RolloutStore], transaction: Transaction, name: ProviderName, before: Statuses, after: Statuses
) -> list[Rollout]:
    """The rollouts that start again or end because versions were yanked or published again. The caller writes them.

    `before` and `after` are the statuses of all of the provider's versions by their numbers. A superseded rollout goes
    on if the change left no published version that supersedes it. Otherwise nobody would be offered what is the latest
    version again. It supersedes active ones, as it did when it began. There are no tasks for the next steps: the
    sweeper finds them by `due_at`.

    The rollout of a version that is published again looks at all installations again, also one that was done. It
    supersedes the older ones again that the yank had brought back. A halted or paused one does so only once it is
    resumed: until then the older one reaches the installations.
    """
    shown_again = published_of(after) - published_of(before)
    listed = _newest_and_those_of(services, name, shown_again | (offered(after) - offered(before)))
    now = services.clock()
    free_before = unsuperseded(listed, before)
    free = [one for one in unsuperseded(listed, after) if one not in free_before]
    concerned = [one for one in free if one.state in BROUGHT_BACK or one.version in shown_again]
    read = _read(transaction, [one for one in concerned if _has_present_lock(transaction, one)])
    back = [gone_on(one, now) for one in read if one.state is RolloutState.SUPERSEDED]
    others = [one for one in read if one.state is not RolloutState.SUPERSEDED and one.version in shown_again]
    restarted = [again for one in others if (again := from_the_start(one, now)) != one]
    leading = [one for one in _read(transaction, _of(listed, shown_again)) if one.state in LEADING]

    def newer(rollout: Rollout) -> Rollout | None:
        over = [one for one in back if supersedes(one, rollout)] + [one for one in leading if took_over(one, rollout)]
        return next(iter(over), None)

    return back + restarted + _ended(transaction, listed, newer, now)


def _newest_and_those_of(services: Services[RolloutStore], name: ProviderName, versions: Set[str]) -> list[Rollout]:
    """The newest rollouts, and those of `versions`: since that of an older major there may be LISTED newer ones."""
    listed = services.store.rollouts_of(name, LISTED)
    missing = sorted(versions - {one.rollout_id for one in listed})
    older = services.store.get_all([keys.rollout(name, text) for text in missing]) if missing else []
    return listed + [one for one in older if one is not None]


def _of(rollouts: Iterable[Rollout], versions: Collection[str]) -> list[Rollout]:
    return [one for one in rollouts if one.rollout_id in versions]


def offers_after_status_change(
    services: Services[RolloutStore], transaction: Transaction, provider: Provider, before: Statuses, after: Statuses
) -> list[OutboxEntry]:
    """The messages that begin rollouts which no publish has begun. The caller emits them.

    A version that was published below a higher one has no rollout, and is the one to offer once that is yanked. One
    that was yanked before its message came has none either, once it is published again; neither has a lock that the
    version got meanwhile. A rollout that exists is left to `rollouts_after_status_change`.
    """
    name, now, author = provider.provider_name, services.clock(), provider.author.organization_id
    events = []
    for text in sorted(offered(after) - offered(before)):
        rollout, version = transaction.read(keys.rollout(name, text), keys.version(name, text))
        if rollout is None and version is not None:
            published_at = version.published_at or version.created_at
            events.append(VersionPublished(provider.canonical, text, published_at, author, offered_again_at=now))
    for text in sorted(published_of(after) - published_of(before)):
        lock = _lock_without_rollout(transaction, name, text)
        if lock is not None:
            events.append(VersionPublished(provider.canonical, text, lock.created_at, author, lock.sha256, now))
    return [version_entry(event, now) for event in events]


def _lock_without_rollout(transaction: Transaction, name: ProviderName, text: str) -> StoredLock | None:
    """The version's lock, if it is a later one than the version was published with, and was never rolled out."""
    (version,) = transaction.read(keys.version(name, text))
    if version is None or version.lock_sha256 is None:
        return None
    rollout_key = keys.rollout(name, relock_id(text, version.lock_sha256))
    rollout, lock = transaction.read(rollout_key, keys.lock(name, version.lock_sha256))
    is_later = lock is not None and lock.created_at > (version.published_at or version.created_at)
    return lock if is_later and rollout is None else None


def rollouts_that_end_for(services: Services[RolloutStore], transaction: Transaction, newer: Rollout) -> list[Rollout]:
    """The active rollouts that end because `newer` is resumed. The caller writes them."""
    listed = services.store.rollouts_of(newer.provider_name, LISTED)
    return _ended(transaction, listed, lambda one: newer if supersedes(newer, one) else None, services.clock())


def _ended(
    transaction: Transaction, listed: Iterable[Rollout], newer: Callable[[Rollout], Rollout | None], now: datetime
) -> list[Rollout]:
    """Those under way that a newer rollout ends, each as it is then."""
    under_way = _read(transaction, [one for one in listed if one.state in ACTIVE and newer(one)])
    ended = [(one, newer(one)) for one in under_way if one.state in ACTIVE]
    return [superseded(one, by.version, now) for one, by in ended if by]


def gone_on(rollout: Rollout, now: datetime) -> Rollout:
    """A rollout that is resumed. Its step is a new one, so that an earlier task is stale."""
    return replace(resumed(rollout, now), step=rollout.step + 1)


def _has_present_lock(transaction: Transaction, rollout: Rollout) -> bool:
    """Whether its version was not locked again since. A version that is being published again is still yanked here."""
    if rollout.lock_sha256 is None:
        return True
    (version,) = transaction.read(keys.version(rollout.provider_name, rollout.version))
    return version is not None and version.lock_sha256 == rollout.lock_sha256


def _read(transaction: Transaction, rollouts: Iterable[Rollout]) -> list[Rollout]:
    read = [transaction.read(keys.rollout_of(rollout))[0] for rollout in rollouts]
    return [rollout for rollout in read if rollout is not None]

"""Offer an installation the version that its policy asks for, after the rollout of that version has passed it by.

A rollout walks once through the READY installations with policy `auto`. It passes by one that is PENDING, PROCESSING or
FAILED at that time, or that takes the version only later. Such a row has `offer_due_at`: the sweeper offers it the
version once the rollout is done, so that it jumps no wave. If the version missed its deadline on the installation
before, the sweeper waits until `overdue_until`: else the same failure and rollback would come again at once, for ever.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from provider_hub.actions import keys
from provider_hub.actions.configuration import ConfigCheck, Passed, stored_check_needed, transact_checked
from provider_hub.actions.ports import RolloutStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.actions.steps import apply_event, record_step
from provider_hub.actions.version_choice import check_provenance
from provider_hub.domain.catalog import ProviderVersion, VersionStatus, is_lock_offered
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import Invalid, TemporaryError
from provider_hub.domain.installation import (
    ChangeRequested,
    Installation,
    Outcome,
    UpgradeSkipped,
    advance,
    waits_until,
)
from provider_hub.domain.offers import is_due_for, published_of, what_changes
from provider_hub.domain.provenance import Origin, refusal_of
from provider_hub.domain.rollout import ACTIVE, HELD, Rollout, RolloutState
from provider_hub.domain.versions import Version, rollout_id

log = logging.getLogger(__name__)

OFFER_AGAIN = timedelta(minutes=10)
# How many versions are looked through for one that comes from where the organization requires, the newest first.
MOST_LOOKED_THROUGH = 100


def offer_latest(services: Services[RolloutStore], row: Installation) -> Installation:
    """Upgrade `row` to the newest version that its policy takes and that comes from where its organization requires.

    Returns the row, upgraded or as it was.

    Only a version whose rollout is done is offered. A rollout that is not done reaches the installation by itself, or
    was halted or paused for a reason. Never raises: the change of the policy is committed, and must not look refused.
    """
    try:
        offer = _newest_wanted(services, row)
        return _upgraded(services, row, offer) if offer else row
    except TemporaryError as error:
        log.warning("%s is offered no version now: %s", row.installation_id, error)
        return row


def offer_when_due(services: Services[RolloutStore], row: Installation) -> Outcome:
    """Upgrade a row whose offer is due, or note when to look again: while the version's rollout is not done.

    Raises TemporaryError.
    """
    offer = _newest_wanted(services, row)
    rollout = services.store.get(keys.rollout(row.provider_name, offer.rollout_id)) if offer else None
    if rollout and rollout.state in ACTIVE | HELD:
        return _next_offer(services, row, services.clock() + OFFER_AGAIN)
    if offer and _upgraded(services, row, offer).generation != row.generation:
        return Outcome.CHANGED
    return _next_offer(services, row, waits_until(row, services.clock()))


def offer_later(services: Services[RolloutStore], row: Installation) -> None:
    """Have the sweeper offer `row` what its policy takes, after OFFER_AGAIN. Raises TemporaryError."""
    _next_offer(services, row, services.clock() + OFFER_AGAIN)


def _next_offer(services: Services[RolloutStore], seen: Installation, due_at: datetime | None) -> Outcome:
    """Write when to look again, unless somebody asked for another offer meanwhile."""
    key = keys.installation_of(seen)

    def decide(transaction: Transaction) -> Outcome:
        (row,) = transaction.read(key)
        known = (seen.installation_id, seen.offer_due_at)
        if row is None or (row.installation_id, row.offer_due_at) != known:
            return Outcome.STALE
        transaction.write(key, replace(row, offer_due_at=due_at))
        return Outcome.UNCHANGED

    return services.store.transact(decide)[0]


@dataclass(frozen=True, slots=True)
class _Offer:
    """A newer version, or with `lock_sha256` the installed one as it was locked again."""

    version: str
    lock_sha256: str | None = None

    @property
    def rollout_id(self) -> str:
        return rollout_id(self.version, self.lock_sha256)

    def is_open(self, rollout: Rollout | None, version: ProviderVersion) -> bool:
        """Whether the rollout of the offer no longer decides.

        A version is locked again without a rollout where no installation that follows by itself was on it.
        """
        if version.status is not VersionStatus.PUBLISHED:
            return False
        if rollout is None:
            return self.lock_sha256 is not None and is_lock_offered(version, self.lock_sha256)
        return rollout.state is RolloutState.DONE and self.lock_sha256 in (None, version.lock_sha256)


def _newest_wanted(services: Services[RolloutStore], row: Installation) -> _Offer | None:
    now = services.clock()
    statuses = services.store.version_statuses(row.provider_name)
    published = [Version.parse(text) for text in published_of(statuses)]
    fitting = [
        version for version in published if not version.is_prerelease and is_due_for(row, str(version), None, now)
    ]
    newest_first = [str(version) for version in sorted(fitting, reverse=True)]
    taken = _first_taken(services, row, newest_first)
    if taken is not None:
        return _Offer(taken)
    (lock,) = services.store.current_locks([keys.version(row.provider_name, row.installed_version)])
    if lock is not None and is_due_for(row, row.installed_version, lock, now):
        return _Offer(row.installed_version, lock)
    # The organization's rule refuses all of them. The newest is offered, so that the row says why it is skipped.
    return _Offer(newest_first[0]) if newest_first else None


def _first_taken(services: Services[RolloutStore], row: Installation, newest_first: Sequence[str]) -> str | None:
    """The first of the versions that comes from where the row's organization requires."""
    policy = services.store.get(keys.provenance_policy(row.organization_id)) if newest_first else None
    if policy is None or policy.rule_for(row.provider_name) is None:
        return next(iter(newest_first), None)
    among = newest_first[:MOST_LOOKED_THROUGH]
    origins = services.store.get_parts(Origin, [keys.version(row.provider_name, text) for text in among])
    return next((origin.version for origin in origins if origin and refusal_of(policy, origin) is None), None)


def _upgraded(services: Services[RolloutStore], seen: Installation, offer: _Offer) -> Installation:
    name, text = seen.provider_name, offer.version
    row_key, version_key = keys.installation_of(seen), keys.version(name, text)
    rollout_key, policy_key = keys.rollout(name, offer.rollout_id), keys.provenance_policy(seen.organization_id)

    def decide(transaction: Transaction, passed: Passed) -> Installation | ConfigCheck:
        row, rollout, version, policy = transaction.read(row_key, rollout_key, version_key, policy_key)
        now = services.clock()
        if row is None or row.installation_id != seen.installation_id:
            return row or seen
        if not is_due_for(row, text, offer.lock_sha256, now):
            return row
        if version is None or not offer.is_open(rollout, version):
            return row
        check_provenance(policy, version, installed=row.installed_version)
        needed = stored_check_needed(row, version)
        if needed and needed not in passed:
            return needed
        reason = f"{what_changes(row, text, offer.lock_sha256)}, which its policy takes"
        revision = row.revision.at(text, version.lock_sha256)
        event = ChangeRequested(row.installation_id, revision, "auto-upgrade", reason)
        return record_step(transaction, advance(row, event, now, services.deadlines), now).kept

    try:
        return transact_checked(services, decide)
    except Invalid as unfit:
        reason = f"auto-upgrade to {text} skipped: {unfit}"
        skipped = UpgradeSkipped(seen.installation_id, seen.generation, reason)
        return apply_event(services, seen, skipped).row or seen

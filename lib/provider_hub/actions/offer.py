"""Offer an installation the version that its policy asks for, after the rollout of that version has passed it by.

A rollout walks once through the READY installations with policy `auto`. It passes by one that is PENDING, PROCESSING or
FAILED at that time, or that takes the version only later. Such a row has `offer_due_at`: the sweeper offers it the
version once the rollout is done, so that it jumps no wave.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from provider_hub.actions import keys
from provider_hub.actions.configuration import ConfigCheck, Passed, stored_check_needed, transact_checked
from provider_hub.actions.ports import RolloutStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.actions.steps import apply_event, record_step
from provider_hub.domain.catalog import VersionStatus
from provider_hub.domain.errors import Invalid, TemporaryError
from provider_hub.domain.installation import ChangeRequested, Installation, Outcome, UpgradeSkipped, advance
from provider_hub.domain.rollout import ACTIVE, RESUMABLE, RolloutState, wants
from provider_hub.domain.versions import Version, latest

log = logging.getLogger(__name__)

OFFER_AGAIN = timedelta(minutes=10)


def offer_latest(services: Services[RolloutStore], row: Installation) -> Installation:
    """Upgrade `row` to the newest version that its policy takes; returns the row, upgraded or as it was.

    Only a version whose rollout is done is offered. A rollout that is not done reaches the installation by itself, or
    was halted or paused for a reason. Never raises: the change of the policy is committed, and must not look refused.
    """
    try:
        version = _newest_wanted(services, row)
        return _upgraded(services, row, version) if version else row
    except TemporaryError as error:
        log.warning("%s is offered no version now: %s", row.installation_id, error)
        return row


def offer_when_due(services: Services[RolloutStore], row: Installation) -> Outcome:
    """Upgrade a row whose offer is due, or note when to look again: while the version's rollout is not done.

    Raises TemporaryError.
    """
    version = _newest_wanted(services, row)
    rollout = services.store.get(keys.rollout(row.provider_name, version)) if version else None
    if rollout and rollout.state in ACTIVE | RESUMABLE:
        return _next_offer(services, row, services.clock() + OFFER_AGAIN)
    if version and _upgraded(services, row, version).generation != row.generation:
        return Outcome.CHANGED
    return _next_offer(services, row, None)


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


def _newest_wanted(services: Services[RolloutStore], row: Installation) -> str | None:
    published = [Version.parse(text) for text in services.store.published_versions(row.provider_name)]
    newest = latest([version for version in published if not version.is_prerelease and wants(row, str(version))])
    return str(newest) if newest else None


def _upgraded(services: Services[RolloutStore], seen: Installation, text: str) -> Installation:
    name = seen.provider_name
    row_key, rollout_key, version_key = keys.installation_of(seen), keys.rollout(name, text), keys.version(name, text)

    def decide(transaction: Transaction, passed: Passed) -> Installation | ConfigCheck:
        row, rollout, version = transaction.read(row_key, rollout_key, version_key)
        if row is None or row.installation_id != seen.installation_id or not wants(row, text):
            return row or seen
        if version is None or version.status is not VersionStatus.PUBLISHED:
            return row
        if rollout is None or rollout.state is not RolloutState.DONE:
            return row
        needed = stored_check_needed(row, version)
        if needed and needed not in passed:
            return needed
        now = services.clock()
        reason = f"{row.installed_version} to {text}, which its policy takes"
        revision = row.revision.at(text, version.lock_sha256)
        event = ChangeRequested(row.installation_id, revision, "auto-upgrade", reason)
        return record_step(transaction, advance(row, event, now, services.deadlines), now).kept

    try:
        return transact_checked(services, decide)
    except Invalid as unfit:
        reason = f"auto-upgrade to {text} skipped: {unfit}"
        skipped = UpgradeSkipped(seen.installation_id, seen.generation, reason)
        return apply_event(services, seen, skipped).row or seen

"""How many installations an organization has, without counting its rows at every install.

The commit that makes a row adds one to the organization's number, and the commit that deletes a row takes one away: no
crash comes between the two. Additions of concurrent commits do not conflict with each other.

The number can be wrong all the same: rows may be older than it, a function of an older release may run during a
deployment, and a database may have been restored in part. So no install is refused by the number alone: the rows are
counted first. And the sweeper compares the numbers of a few organizations with their rows in every run.
"""

import logging
from typing import TYPE_CHECKING

from provider_hub.actions import keys, walks
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import QuotaExceeded
from provider_hub.domain.records import Cursor, InstalledCount

if TYPE_CHECKING:
    from provider_hub.actions.ports import CountedStore, NumbersStore, Transaction, Writes
    from provider_hub.actions.services import Services

log = logging.getLogger(__name__)

COUNTS_A_RUN = 10
WALK = "installed-counts"


def add_installed(writes: "Writes", organization_id: str, amount: int) -> None:
    """Move the organization's number with the commit that makes or deletes a row."""
    writes.add(keys.installed_count(organization_id), "installations", amount, organization_id=organization_id)


def admit_installation(services: "Services[CountedStore]", organization_id: str) -> None:
    """Return if the organization may have one more installation. Raises QuotaExceeded, or TemporaryError.

    This comes before the transaction that makes the row: installs that run at the same time may exceed the quota by as
    many as `QuotaCache` says.
    """
    now = services.clock()
    if services.quota_cache.take(organization_id, now):
        return
    with services.locks.hold(organization_id):
        if services.quota_cache.take(organization_id, now):
            return
        quota = services.limits.installations
        installed = _installed(services, organization_id, quota)
        if installed >= quota:
            raise QuotaExceeded(
                f"the organization has {installed} installations, as many as it may have: "
                "uninstall one, or ask for more"
            )
        services.quota_cache.counted(organization_id, quota - installed - 1, now)


def _installed(services: "Services[CountedStore]", organization_id: str, quota: int) -> int:
    """The organization's number; its rows are counted if they never were, or if the number would refuse an install."""
    kept = services.store.get(keys.installed_count(organization_id))
    if kept is None or kept.counted_at is None or kept.installations >= quota:
        return recount(services, organization_id).installed
    return kept.installations


@dataclass(frozen=True, slots=True)
class Recount:
    """How many rows an organization has, and what its number said of them; None where it had no number."""

    installed: int
    said: int | None

    @property
    def is_correction(self) -> bool:
        """Whether there was a number, and it was wrong."""
        return self.said is not None and self.said != self.installed


def recount(services: "Services[CountedStore]", organization_id: str) -> Recount:
    """Count the organization's rows, and correct the number if it is another. Raises TemporaryError.

    The number is read before the rows are counted. A commit that makes or deletes a row meanwhile writes the number, so
    this transaction conflicts with it and counts again.
    """
    key = keys.installed_count(organization_id)

    def decide(transaction: "Transaction") -> Recount:
        (kept,) = transaction.read(key)
        installed = services.store.count_installations_of(organization_id)
        if kept is None or kept.counted_at is None or kept.installations != installed:
            transaction.write(key, InstalledCount(organization_id, installed, services.clock()))
        return Recount(installed, kept.installations if kept else None)

    return services.store.transact(decide)[0]


def correct_slice(services: "Services[NumbersStore]") -> int:
    """Compare the next organizations' numbers with their rows; returns how many were corrected."""
    kept = services.store.installed_counts_after(walks.reached(services.store, WALK).place, COUNTS_A_RUN)
    corrected = sum(_corrected(services, count) for count in kept)
    place = keys.installed_count(kept[-1].organization_id).place if len(kept) == COUNTS_A_RUN else None
    walks.go_on(services.store, Cursor(WALK, place))
    return corrected


def _corrected(services: "Services[NumbersStore]", kept: InstalledCount) -> bool:
    if (
        kept.counted_at is not None
        and services.store.count_installations_of(kept.organization_id) == kept.installations
    ):
        return False
    # `kept` was read before the rows of others were counted: an install since then has moved the number.
    found = recount(services, kept.organization_id)
    if found.is_correction:
        log.warning(
            "%s has %d installations, and its number said %d",
            kept.organization_id,
            found.installed,
            found.said,
            extra={"event": "installed_count_corrected"},
        )
    return found.is_correction

"""How much one organization publishes: its share of the few publishes that run at a time, and of a day's."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from provider_hub.domain.errors import QuotaExceeded

# Longer than the publishing function may run (functions/functions.json), with a minute for clocks that differ: a lease
# that its holder could not give back ends then, and none ends while its holder still publishes.
LEASE = timedelta(seconds=300)
_BUSY_RETRY_SECONDS = 10


@dataclass(frozen=True, slots=True)
class PublishingLimits:
    """The most that one organization may publish: at a time, a day (in UTC), and in all."""

    at_once: int = 2
    a_day: int = 1000
    providers: int = 200
    versions: int = 2000


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to have one publish under way, until `ends_at` or until it is given back."""

    lease_id: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class PublishingUse:
    """What an organization publishes: `leases` are under way.

    `published` counts versions of `day` (`2025-01-31`), and `uploads` the wheels that were announced on it.
    """

    organization_id: str
    day: str
    published: int = 0
    leases: tuple[Lease, ...] = ()
    uploads: int = 0

    def begun(self, lease_id: str, now: datetime, limits: PublishingLimits) -> Self:
        """With one more publish under way. Raises QuotaExceeded."""
        known = self._on(now)
        if known.published >= limits.a_day:
            raise QuotaExceeded(
                f"the organization published {known.published} versions today, as many as it may: try again tomorrow",
                _seconds_until_tomorrow(now),
            )
        current = tuple(lease for lease in self.leases if lease.ends_at > now)
        if len(current) >= limits.at_once:
            raise QuotaExceeded(
                f"the organization has {len(current)} publishes under way, as many as it may: wait for one to end",
                retry_after_seconds=_BUSY_RETRY_SECONDS,
            )
        return replace(known, leases=(*current, Lease(lease_id, now + LEASE)))

    def counted(self, now: datetime) -> Self:
        """With one more version published."""
        known = self._on(now)
        return replace(known, published=known.published + 1)

    def ended(self, lease_id: str) -> Self:
        """Without that publish under way."""
        return replace(self, leases=tuple(lease for lease in self.leases if lease.lease_id != lease_id))

    def with_upload(self, now: datetime, limits: PublishingLimits) -> Self:
        """With one more wheel announced: a day has as many as versions. Raises QuotaExceeded."""
        known = self._on(now)
        if known.uploads >= limits.a_day:
            raise QuotaExceeded(
                f"the organization began {known.uploads} uploads today, as many as it may: try again tomorrow",
                _seconds_until_tomorrow(now),
            )
        return replace(known, uploads=known.uploads + 1)

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing that its absence would not say."""
        return not self.leases and not self.published and not self.uploads

    def _on(self, now: datetime) -> Self:
        today = now.date().isoformat()
        return self if self.day == today else replace(self, day=today, published=0, uploads=0)


def _seconds_until_tomorrow(now: datetime) -> int:
    tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), now.tzinfo)
    return int((tomorrow - now).total_seconds()) + 1

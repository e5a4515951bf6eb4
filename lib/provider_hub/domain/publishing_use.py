"""How much one organization publishes and has kept: its share of the publishes at a time, of a day's, and of bytes."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Self

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.deadlines import LONGEST_REQUEST
from provider_hub.domain.errors import QuotaExceeded

# Longer than any request may take, with a minute for clocks that differ: a lease that its holder could not give back
# ends then, and none ends while its holder still publishes.
LEASE = LONGEST_REQUEST + timedelta(minutes=1)
_BUSY_RETRY_SECONDS = 10
_FULL_RETRY_SECONDS = 3600
_GIB = 1024**3


@dataclass(frozen=True, slots=True)
class PublishingLimits:
    """The most that one organization may publish: at a time, a day (in UTC), and in all; and have kept, in bytes."""

    at_once: int = 2
    a_day: int = 1000
    providers: int = 200
    versions: int = 2000
    stored_bytes: int = 50 * _GIB


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to have one publish under way, until `ends_at` or until it is given back."""

    lease_id: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Announced:
    """The bytes of the uploads that end in the hour before `ends_at`, whether they came or not."""

    ends_at: datetime
    size: int


@dataclass(frozen=True, slots=True)
class PublishingUse:
    """What an organization publishes: `leases` are under way.

    `published` counts versions of `day` (`2025-01-31`), and `uploads` the wheels that were announced on it.
    `kept_bytes` are of the objects that were first put into the bucket for this organization: nothing ever deletes
    those. `announced` are uploads, which the bucket deletes after a day, published or not. `allowed_bytes` is what the
    platform lets this one organization have kept, None for as much as any other.
    """

    organization_id: str
    day: str
    published: int = 0
    leases: tuple[Lease, ...] = ()
    uploads: int = 0
    kept_bytes: int = 0
    announced: tuple[Announced, ...] = ()
    allowed_bytes: int | None = None

    @classmethod
    def unused(cls, organization_id: str, now: datetime) -> Self:
        """The use of an organization that has published nothing yet."""
        return cls(organization_id, now.date().isoformat())

    def most_bytes(self, limits: PublishingLimits) -> int:
        """The most that may be kept for the organization."""
        return limits.stored_bytes if self.allowed_bytes is None else self.allowed_bytes

    def stored_bytes(self, now: datetime) -> int:
        """What is kept for the organization, and what may come of its uploads."""
        return self.kept_bytes + sum(each.size for each in self.announced if each.ends_at > now)

    def check_room(self, size: int, now: datetime, limits: PublishingLimits) -> None:
        """Raises QuotaExceeded where `size` more bytes are over what may be kept for the organization."""
        stored, most = self.stored_bytes(now), self.most_bytes(limits)
        if stored + size <= most:
            return
        waiting = stored - self.kept_bytes
        ended = f", {shown_size(waiting)} of it for uploads that end within a day" if waiting else ""
        raise QuotaExceeded(
            f"the hub keeps {shown_size(stored)} for the organization{ended}, of {shown_size(most)} at most; this "
            f"takes {shown_size(size)} more, and deleting versions frees nothing: ask the platform to allow more",
            _FULL_RETRY_SECONDS,
        )

    def with_kept(self, size: int, now: datetime) -> Self:
        """With that many bytes more that are kept for good."""
        known = self._on(now)
        return replace(known, kept_bytes=known.kept_bytes + size)

    def begun(self, lease_id: str, now: datetime, limits: PublishingLimits) -> Self:
        """With one more publish under way. Raises QuotaExceeded."""
        known = self._on(now)
        if known.published >= limits.a_day:
            raise QuotaExceeded(
                f"the organization published {known.published} versions today, as many as it may: try again tomorrow",
                _seconds_until_tomorrow(now),
            )
        known.check_room(1, now, limits)
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

    def with_upload(self, size: int, ends_at: datetime, now: datetime, limits: PublishingLimits) -> Self:
        """With one more wheel announced: a day has as many as versions. Raises QuotaExceeded.

        Uploads are added up by the hour in which they end, so that a day's are few entries.
        """
        known = self._on(now)
        if known.uploads >= limits.a_day:
            raise QuotaExceeded(
                f"the organization began {known.uploads} uploads today, as many as it may: try again tomorrow",
                _seconds_until_tomorrow(now),
            )
        known.check_room(size, now, limits)
        hour = ends_at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        same = sum(each.size for each in known.announced if each.ends_at == hour)
        others = tuple(each for each in known.announced if each.ends_at != hour)
        return replace(known, uploads=known.uploads + 1, announced=(*others, Announced(hour, same + size)))

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing that its absence would not say."""
        counts = self.leases or self.published or self.uploads or self.kept_bytes or self.announced
        return not counts and self.allowed_bytes is None

    def _on(self, now: datetime) -> Self:
        today = now.date().isoformat()
        known = self if self.day == today else replace(self, day=today, published=0, uploads=0)
        return replace(known, announced=tuple(each for each in self.announced if each.ends_at > now))


def _seconds_until_tomorrow(now: datetime) -> int:
    tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), now.tzinfo)
    return int((tomorrow - now).total_seconds()) + 1


def shown_size(size: int) -> str:
    """A number of bytes, as a sentence says it."""
    return f"{size / _GIB:.1f} GiB" if size >= _GIB else f"{size / 1024**2:.1f} MiB"

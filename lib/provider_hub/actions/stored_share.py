"""An organization's share of the bucket: what a publish keeps, and what is kept without one.

Without a publish the sweeper keeps wheels that locks need, and those of versions that were published before the hub
kept any.
"""

from dataclasses import dataclass
from typing import Self

from provider_hub.actions import keys
from provider_hub.actions.ports import DocumentStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.domain.publishing_use import PublishingUse


@dataclass(slots=True)
class StoredShare:
    """What is kept for one organization meanwhile; `use` is what it had before, None for the platform.

    A file is kept once, whoever needs it: it is the organization's whose lock needed it first.
    """

    services: Services[DocumentStore]
    use: PublishingUse | None = None
    kept_bytes: int = 0

    @classmethod
    def of(cls, services: Services[DocumentStore], slug: str) -> Self:
        """The share of the organization of that slug; nobody's where the slug belongs to none any more."""
        claim = services.store.get(keys.slug(slug))
        if claim is None:
            return cls(services)
        use = services.store.get(keys.publishing_use(claim.organization_id))
        return cls(services, use or PublishingUse.unused(claim.organization_id, services.clock()))

    def check_room(self, size: int) -> None:
        """Raises QuotaExceeded where the organization may not have `size` more bytes kept.

        What others keep for it at this time is not seen: it may be over the limit by that, once.
        """
        if self.use is not None:
            kept = self.kept_bytes + size
            self.use.check_room(kept, self.services.clock(), self.services.publishing_rules.limits)

    def charge(self, size: int) -> None:
        """Count `size` more bytes as kept for the organization, once it is settled or its publish ends."""
        self.kept_bytes += size

    def settle(self) -> None:
        """Count what was kept. Raises TemporaryError; what was kept by then is nobody's."""
        if self.use is None or not self.kept_bytes:
            return
        organization_id = self.use.organization_id
        key = keys.publishing_use(organization_id)

        def decide(transaction: Transaction) -> None:
            now = self.services.clock()
            (use,) = transaction.read(key)
            transaction.write(key, (use or PublishingUse.unused(organization_id, now)).with_kept(self.kept_bytes, now))

        self.services.store.transact(decide)

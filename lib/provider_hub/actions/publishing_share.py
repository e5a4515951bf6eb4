"""An organization's share of publishing: a slow wheel host, or a CI that loops, takes nobody else's turn."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from provider_hub.actions import keys
from provider_hub.actions.ports import CatalogStore, DocumentStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.domain.errors import QuotaExceeded, TemporaryError
from provider_hub.domain.names import ProviderName
from provider_hub.domain.publishing_use import PublishingUse

log = logging.getLogger(__name__)


def unused(owner: str, now: datetime) -> PublishingUse:
    """The use of an organization that has published nothing yet."""
    return PublishingUse(owner, now.date().isoformat())


@dataclass(slots=True)
class PublishingTurn:
    """One publish that is under way. `use` is what its organization used when it began, None for the platform.

    What the publish keeps is counted when the turn ends, however it ends. A process that is killed in between leaves
    bytes that nobody is charged for.
    """

    services: Services[DocumentStore]
    use: PublishingUse | None = None
    kept_bytes: int = 0

    def check_room(self, size: int) -> None:
        """Raises QuotaExceeded where the organization may not have `size` more bytes kept.

        Its other publishes at this time are not seen. They may be over the limit by their wheels, once.
        """
        if self.use is not None:
            self.use.check_room(size, self.services.clock(), self.services.publishing_rules.limits)

    def charge(self, size: int) -> None:
        """Count `size` more bytes as kept for the organization once the turn ends."""
        self.kept_bytes += size


@contextmanager
def publishing_turn(services: Services[DocumentStore], organization_id: str | None) -> Iterator[PublishingTurn]:
    """One of the publishes that the organization may have under way; None is the platform, which has no limit.

    Raises QuotaExceeded.
    """
    if organization_id is None:
        yield PublishingTurn(services)
        return
    key = keys.publishing_use(organization_id)
    lease_id = services.new_id(services.clock())

    def begin(transaction: Transaction) -> PublishingUse:
        now = services.clock()
        (use,) = transaction.read(key)
        begun = (use or unused(organization_id, now)).begun(lease_id, now, services.publishing_rules.limits)
        transaction.write(key, begun)
        return begun

    def end(transaction: Transaction) -> None:
        now = services.clock()
        (use,) = transaction.read(key)
        left = (use or unused(organization_id, now)).ended(lease_id).with_kept(turn.kept_bytes, now)
        if left.is_empty:
            transaction.delete(key)
        else:
            transaction.write(key, left)

    turn = PublishingTurn(services, services.store.transact(begin)[0])
    try:
        yield turn
    finally:
        try:
            services.store.transact(end)
        except TemporaryError as error:
            log.warning("a publishing lease is not given back, and ends by itself: %s", error)


def check_room(
    services: Services[CatalogStore], organization_id: str | None, name: ProviderName, *, is_new: bool
) -> None:
    """Raises QuotaExceeded where the organization has as many providers, or the provider as many versions, as may be.

    The counts come before the transaction: two publishes at once may exceed the number by one, which is harmless.
    """
    if organization_id is None:
        return
    limits = services.publishing_rules.limits
    if is_new and (count := services.store.count_providers_under(name.prefix)) >= limits.providers:
        raise QuotaExceeded(f"the organization has {count} providers, as many as it may have: delete one")
    if not is_new and (count := services.store.count_versions_of(name)) >= limits.versions:
        raise QuotaExceeded(f"{name} has {count} versions, as many as a provider may have: publish under another name")

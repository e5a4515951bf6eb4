"""An organization's share of publishing: a slow wheel host, or a CI that loops, takes nobody else's turn."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from provider_hub.actions import keys
from provider_hub.actions.ports import CatalogStore, DocumentStore, Key, Writes
from provider_hub.actions.services import Services
from provider_hub.actions.stored_share import StoredShare
from provider_hub.domain.errors import QuotaExceeded, TemporaryError
from provider_hub.domain.names import ProviderName
from provider_hub.domain.publishing_use import PublishingUse

log = logging.getLogger(__name__)

R = TypeVar("R")


@contextmanager
def publishing_turn(services: Services[DocumentStore], organization_id: str | None) -> Iterator[StoredShare]:
    """One of the publishes that the organization may have under way; None is the platform, which has no limit.

    What the publish keeps is counted when its turn ends, however it ends. A process that is killed in between leaves
    bytes that nobody is charged for. Raises QuotaExceeded.
    """
    if organization_id is None:
        yield StoredShare(services)
        return
    key = keys.publishing_use(organization_id)
    lease_id = services.new_id(services.clock())

    def begin(use: PublishingUse | None, writes: Writes) -> PublishingUse:
        now = services.clock()
        known = use or PublishingUse.unused(organization_id, now)
        begun = known.begun(lease_id, now, services.publishing_rules.limits)
        writes.write(key, begun)
        return begun

    def end(use: PublishingUse | None, writes: Writes) -> None:
        now = services.clock()
        left = (use or PublishingUse.unused(organization_id, now)).ended(lease_id).with_kept(share.kept_bytes, now)
        if not left.is_empty:
            writes.write(key, left)
        elif use:
            writes.delete(key)

    share = StoredShare(services, _changed(services, key, begin))
    try:
        yield share
    finally:
        try:
            _changed(services, key, end)
        except TemporaryError as error:
            log.warning("a publishing lease is not given back, and ends by itself: %s", error)


def _changed(
    services: Services[DocumentStore],
    key: Key[PublishingUse],
    decide: Callable[[PublishingUse | None, Writes], R],
) -> R:
    """One publish of an organization after the other in this process: they would conflict over its document."""
    with services.locks.hold(key.place):
        return services.store.change(key, decide)[0]


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

"""The outbox: a message exists if and only if the change that it tells of was committed.

Committed, then published, then forgotten. A crash between the first two leaves the entry behind, and the
sweeper publishes it; a crash between the last two publishes it twice, which every consumer takes as once.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from provider_hub.actions import keys
from provider_hub.actions.ports import DocumentStore, Publisher, Transaction
from provider_hub.domain import messages
from provider_hub.domain.errors import TemporaryError
from provider_hub.domain.installation import InstallationRequest
from provider_hub.domain.messages import VersionPublished
from provider_hub.domain.records import OutboxEntry, Topic

log = logging.getLogger(__name__)

R = TypeVar("R")


class Outbox:
    """Commits changes together with what they owe to topics, and pays it."""

    def __init__(self, store: DocumentStore, publisher: Publisher) -> None:
        self.store = store
        self._publisher = publisher

    def transact(self, decide: Callable[[Transaction], R]) -> R:
        """Commit what `decide` writes and emits, then publish. Raises what `decide` raises, or TemporaryError.

        A message that cannot be published now is left to the sweeper: the change is committed, and
        telling the caller otherwise would be wrong.
        """
        result, emitted = self.store.transact(decide)
        self.relay(emitted)
        return result

    def relay(self, entries: Iterable[OutboxEntry]) -> int:
        """Publish `entries` and forget those that were published; returns how many."""
        published = [entry for entry in entries if self._published(entry)]
        try:
            self.store.delete_all([keys.outbox(entry.event_id) for entry in published])
        except TemporaryError as error:
            log.warning("%s; %d published entries stay and will be published again", error, len(published))
        return len(published)

    def _published(self, entry: OutboxEntry) -> bool:
        try:
            self._publisher.publish(entry)
        except TemporaryError as error:
            log.warning("%s; the sweeper will publish %s", error, entry.event_id)
            return False
        return True


def installation_entry(request: InstallationRequest, now: datetime) -> OutboxEntry:
    """Ordered by installation: the installer sees one installation's generations one after the other."""
    return OutboxEntry(
        event_id=request.event_id,
        topic=Topic.INSTALLATION_EVENTS,
        ordering_key=request.installation_id,
        payload=messages.encode(request).decode(),
        created_at=now,
        attributes={"event_type": request.kind.value},
    )


def version_entry(event: VersionPublished, now: datetime) -> OutboxEntry:
    return OutboxEntry(
        event_id=event.event_id,
        topic=Topic.VERSION_EVENTS,
        ordering_key=event.provider,
        payload=messages.encode(event).decode(),
        created_at=now,
        attributes={"event_type": "VERSION_PUBLISHED"},
    )

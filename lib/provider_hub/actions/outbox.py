"""The outbox: a message exists if and only if the change that it reports was committed.

An entry is committed, then published, then deleted. After a crash before the publish, the sweeper publishes it. After
a crash before the deletion it is published twice, and every consumer handles the second one as a repetition.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from provider_hub.actions import keys
from provider_hub.actions.ports import DocumentStore, Key, Reading, Topics, Transaction, Writes
from provider_hub.domain import messages
from provider_hub.domain.errors import TemporaryError
from provider_hub.domain.messages import VersionPublished
from provider_hub.domain.records import OutboxEntry, Topic

if TYPE_CHECKING:
    from provider_hub.domain.installation import InstallationRequest

log = logging.getLogger(__name__)

R = TypeVar("R")
T = TypeVar("T")


class Outbox:
    """Commits changes together with the messages about them, and publishes those messages."""

    def __init__(self, store: DocumentStore, topics: Topics) -> None:
        self.store = store
        self._topics = topics

    def transact(self, decide: Callable[[Transaction], R]) -> R:
        """Commit what `decide` writes and emits, then publish. Raises what `decide` raises, or TemporaryError.

        A message that cannot be published now is left to the sweeper. The change is committed, so the caller must not
        get an error for it.
        """
        result, emitted = self.store.transact(decide)
        self.relay(emitted)
        return result

    def change(self, key: Key[T], decide: Callable[[T | None, Writes], R], reading: Reading[T] | None = None) -> R:
        """As `transact`, for what concerns one record (`DocumentStore.change`)."""
        result, emitted = self.store.change(key, decide, reading)
        self.relay(emitted)
        return result

    def relay(self, entries: Iterable[OutboxEntry]) -> int:
        """Publish `entries` and delete those that were published; returns how many.

        Never raises for a topic or the store: what fails is left to the sweeper.
        """
        published = [entry for entry in entries if self._published(entry)]
        try:
            self.store.delete_all([keys.outbox(entry.event_id) for entry in published])
        except TemporaryError as error:
            log.warning("%s; %d published entries stay and will be published again", error, len(published))
        return len(published)

    def _published(self, entry: OutboxEntry) -> bool:
        try:
            self._topics.publish(entry)
        except TemporaryError as error:
            log.warning("%s; the sweeper will publish %s", error, entry.event_id)
            return False
        return True


def installation_entry(request: "InstallationRequest", now: datetime) -> OutboxEntry:
    """The entry of a request to the installer; its key is the installation."""
    return OutboxEntry(
        event_id=request.event_id,
        topic=Topic.INSTALLATION_EVENTS,
        ordering_key=request.installation_id,
        payload=messages.encode(request).decode(),
        created_at=now,
        attributes={"event_type": request.kind.value},
    )


def version_entry(event: VersionPublished, now: datetime) -> OutboxEntry:
    """The entry of a published version; its key is the provider."""
    return OutboxEntry(
        event_id=event.event_id,
        topic=Topic.VERSION_EVENTS,
        ordering_key=event.provider,
        payload=messages.encode(event).decode(),
        created_at=now,
        attributes={"event_type": "VERSION_PUBLISHED"},
    )

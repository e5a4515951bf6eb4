"""Dead letters: messages that no consumer could handle, kept with the reason until somebody retries or deletes them.

An organization has those of its own messages. The platform has those that belong to no organization (None): of its own
providers, of check-ins, and of what could not be read.
"""

import json
import re
from collections.abc import Mapping, Set
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from provider_hub.actions import keys
from provider_hub.actions.ports import DeadLetterStore, DocumentStore, Key, Transaction
from provider_hub.actions.services import Services
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import Conflict, NotFound
from provider_hub.domain.records import DeadLetter, DeliveryError, OutboxEntry, Topic

if TYPE_CHECKING:
    from provider_hub.domain.audit import Actor

KEPT = timedelta(days=30)
LISTED = 500
# A Firestore document holds at most 1 MiB. The hub's own messages are far smaller.
PAYLOAD_BYTES = 512 * 1024
_ID = re.compile(r"[A-Za-z0-9-][A-Za-z0-9_-]{0,199}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A Pub/Sub message as a consumer received it."""

    topic: Topic
    event_id: str
    event_type: str
    ordering_key: str
    payload: str
    attempt: int


def note_failure(services: Services[DocumentStore], delivery: Delivery, reason: str) -> None:
    """Keep the reason of a failed delivery, since Pub/Sub does not pass it on to the dead-letter topic."""
    now = services.clock()
    error = DeliveryError(delivery.event_id, reason, now, expires_at=now + KEPT)

    def decide(transaction: Transaction) -> None:
        transaction.write(keys.delivery_error(delivery.event_id), error)

    services.store.transact(decide)


def bury(services: Services[DocumentStore], delivery: Delivery, reason: str | None = None) -> DeadLetter:
    """Keep a message as a dead letter; the reason is the given one, or the last that a consumer noted.

    A second call for the same message changes nothing. Raises TemporaryError.
    """
    key = keys.dead_letter(delivery.event_id)

    def decide(transaction: Transaction) -> DeadLetter:
        known, noted = transaction.read(key, keys.delivery_error(delivery.event_id))
        if known:
            return known
        why = reason or (noted.reason if noted else "its tries were used up; no consumer said why")
        letter = _letter(delivery, why, services.clock())
        transaction.write(key, letter)
        transaction.delete(keys.delivery_error(delivery.event_id))
        return letter

    return services.store.transact(decide)[0]


def list_letters(
    services: Services[DeadLetterStore], organization_id: str | None, provider: str | None
) -> list[DeadLetter]:
    """The organization's dead letters, of one provider or of all (None), newest first; at most LISTED."""
    return services.store.dead_letters_of(organization_id, provider, LISTED)


def get_letter(services: Services[DocumentStore], organization_id: str | None, dead_letter_id: str) -> DeadLetter:
    """One dead letter. Raises NotFound, also for another organization's."""
    return _owned(services.store.get(_key(dead_letter_id)), organization_id, dead_letter_id)


def retry_letter(
    services: Services[DocumentStore], organization_id: str | None, dead_letter_id: str, by: "Actor | None" = None
) -> None:
    """Publish the message to its topic again, through the outbox, and delete the dead letter.

    `by` is recorded if it is given. Raises NotFound, and Conflict where the message was not kept.
    """

    def decide(transaction: Transaction) -> None:
        (found,) = transaction.read(_key(dead_letter_id))
        letter = _owned(found, organization_id, dead_letter_id)
        if not letter.payload:
            raise Conflict(
                f"the message of {dead_letter_id} was not kept, so it cannot be retried: delete the dead letter"
            )
        transaction.delete(keys.dead_letter(dead_letter_id))
        transaction.emit(_revived(letter, services.clock()))
        if by:
            _record(services, transaction, by, "dead-letter-retried", letter)

    services.outbox.transact(decide)


def retry_all(services: Services[DeadLetterStore], organization_id: str) -> int:
    """Retry every dead letter of the organization; returns how many.

    One that fails again meanwhile comes back under its id, as the newest, and is not retried twice.
    """
    retried, seen = 0, set[str]()
    while fresh := _others_than(seen, services, organization_id):
        seen.update(fresh)
        for letter_id in fresh:
            try:
                retry_letter(services, organization_id, letter_id)
            except NotFound:
                continue  # another retry or delete came first
            retried += 1
    return retried


def _others_than(seen: Set[str], services: Services[DeadLetterStore], organization_id: str) -> list[str]:
    """Ids of further letters, empty where there are none: all of `seen` may be back, and newer than the others."""
    letters = services.store.dead_letters_of(organization_id, None, LISTED + len(seen))
    return [letter.dead_letter_id for letter in letters if letter.dead_letter_id not in seen]


def delete_letter(
    services: Services[DocumentStore], organization_id: str | None, dead_letter_id: str, by: "Actor | None" = None
) -> None:
    """Delete one dead letter; `by` is recorded if it is given. Raises NotFound."""

    def decide(transaction: Transaction) -> None:
        (found,) = transaction.read(_key(dead_letter_id))
        letter = _owned(found, organization_id, dead_letter_id)
        transaction.delete(keys.dead_letter(dead_letter_id))
        if by:
            _record(services, transaction, by, "dead-letter-deleted", letter)

    services.store.transact(decide)


def delete_letters(services: Services[DeadLetterStore], organization_id: str, provider: str | None) -> int:
    """Delete the organization's dead letters, of one provider or of all (None); returns how many."""
    deleted = 0
    while letters := list_letters(services, organization_id, provider):
        services.store.delete_all([keys.dead_letter(letter.dead_letter_id) for letter in letters])
        deleted += len(letters)
    return deleted


def _owned(letter: DeadLetter | None, organization_id: str | None, dead_letter_id: str) -> DeadLetter:
    """Raises NotFound for one that is not there, and for another organization's."""
    if letter is None or letter.organization_id != organization_id:
        raise NotFound(f"there is no dead letter {dead_letter_id[:80]}")
    return letter


def _record(
    services: Services[DocumentStore], transaction: Transaction, by: "Actor", action: str, letter: DeadLetter
) -> None:
    from provider_hub.actions import audit  # noqa: PLC0415 - a consumer of messages keeps letters and records nothing
    from provider_hub.domain.audit import AuditAction  # noqa: PLC0415

    subject, detail = f"dead letter {letter.dead_letter_id}", f"{letter.event_type} of {letter.topic}"
    audit.record(services, transaction, by, AuditAction(action), subject, detail=detail)


def read_payload(payload: str) -> dict[str, Any]:
    """A letter's message as a JSON object; empty where it is none, or was not kept."""
    try:
        about = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return about if isinstance(about, dict) else {}


def _key(dead_letter_id: str) -> Key[DeadLetter]:
    """The key of a letter. Raises NotFound for an id that no letter has: it may not even be a legal document id."""
    if not _ID.fullmatch(dead_letter_id):
        raise NotFound(f"there is no dead letter {dead_letter_id[:80]}")
    return keys.dead_letter(dead_letter_id)


def _letter(delivery: Delivery, reason: str, now: datetime) -> DeadLetter:
    # Every tenant's pod can publish to the check-in topic and name any organization, so such a letter has no owner.
    claimed = delivery.topic is Topic.CHECK_INS
    payload = "" if claimed or len(delivery.payload.encode()) > PAYLOAD_BYTES else delivery.payload
    about = read_payload(payload)
    return DeadLetter(
        dead_letter_id=delivery.event_id,
        event_id=delivery.event_id,
        topic=delivery.topic,
        ordering_key=delivery.ordering_key,
        payload=payload,
        organization_id=_text(about, "organization_id"),
        provider=_text(about, "provider"),
        event_type=delivery.event_type,
        error_message=reason,
        attempt_count=delivery.attempt,
        failed_at=now,
        expires_at=now + KEPT,
    )


def _revived(letter: DeadLetter, now: datetime) -> OutboxEntry:
    return OutboxEntry(
        event_id=letter.event_id,
        topic=letter.topic,
        ordering_key=letter.ordering_key,
        payload=letter.payload,
        created_at=now,
        attributes={"event_type": letter.event_type},
    )


def _text(about: Mapping[str, Any], field: str) -> str | None:
    value = about.get(field)
    return value if isinstance(value, str) else None

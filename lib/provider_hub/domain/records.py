"""The records that are kept beside the catalog and the installations, and the topics and queues that they pass."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from provider_hub.domain.dataclass import dataclass


class Topic(StrEnum):
    """The topics by their role, as `functions/functions.json` has them; a deployment may put a prefix before them."""

    INSTALLATION_EVENTS = "installation-events"
    VERSION_EVENTS = "version-events"
    CHECK_INS = "runtime-check-ins"


class Queue(StrEnum):
    """The queues of Cloud Tasks by their role, as `functions/functions.json` has them."""

    DEADLINES = "deadlines"
    UPGRADES = "upgrades"


@dataclass(frozen=True, slots=True)
class ScheduledCall:
    """A call, at `at` or soon after, of the function that serves `queue`, with `body` as JSON.

    `name` tells it from every other call of the queue: while one of that name waits, and for a while after it was made,
    another one is not taken.
    """

    queue: Queue
    name: str
    at: datetime
    body: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A message that still has to be published: written with the change it reports, deleted once published.

    `event_id` is unique, so writing the same event twice leaves one entry. `ordering_key` names what the
    message is about; subscriptions are unordered. `payload` is JSON text.
    """

    event_id: str
    topic: Topic
    ordering_key: str
    payload: str
    created_at: datetime
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that no consumer could handle, with the reason. Firestore deletes it at `expires_at`.

    `organization_id` and `provider` are None where the message does not say, or cannot be believed.
    """

    dead_letter_id: str
    event_id: str
    topic: Topic
    ordering_key: str
    payload: str
    organization_id: str | None
    provider: str | None
    event_type: str
    error_message: str
    attempt_count: int
    failed_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class InstalledCount:
    """How many installations an organization has; the commits that make and delete rows move it.

    `counted_at` is when the rows were counted last and the number set; None as long as it misses older rows.
    """

    organization_id: str
    installations: int
    counted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeliveryError:
    """Why the last delivery of a message failed. It is kept until the message is delivered or becomes a dead letter."""

    event_id: str
    reason: str
    at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The answer to the first request with an idempotency key; `status` is None while that request is under way.

    `fingerprint` tells the request's body from another.
    """

    fingerprint: str
    status: int | None
    body: str
    headers: Mapping[str, str]
    reserved_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a job has read through everything, a slice at a time; `place` None is the beginning.

    `due_at` is when it goes on, None for at once. `most` is how many items its next slice has, where one of full length
    was too much; None is the full length.
    """

    name: str
    place: str | None
    due_at: datetime | None = None
    most: int | None = None

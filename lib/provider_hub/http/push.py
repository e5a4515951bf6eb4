"""Pub/Sub push deliveries: from the envelope to one operation, and back to an acknowledgement or a retry.

The envelope is read here and not turned into a CloudEvent first: that conversion drops the ordering key and
the count of tries, and it refuses a message without data, which would then be delivered again and again
where it belongs in the dead letters at once.
"""

import json
import logging
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Generic

from flask import Request, Response

from provider_hub.actions.dead_letters import Delivery, bury, note_failure
from provider_hub.actions.services import Services
from provider_hub.domain import messages
from provider_hub.domain.errors import MalformedMessage, TemporaryError
from provider_hub.domain.messages import Received
from provider_hub.domain.records import Topic
from provider_hub.http.arrival import pushed_body
from provider_hub.logs import remember_trace

log = logging.getLogger(__name__)

# The sender of a message may set this attribute as well: nothing but a small number is one.
_COUNT = re.compile(r"[0-9]{1,6}")
ACKNOWLEDGED = 204
TRY_AGAIN = 503


@dataclass(frozen=True, slots=True)
class PushConsumer(Generic[Received]):
    """Reads messages of one kind from one topic's subscription and hands each to `handle`.

    `handle` returns to be done and raises TemporaryError to get the message again; anything else it raises
    is a fault of ours, logged whole, and tried again too until the tries are used up.
    """

    services: Services
    topic: Topic
    kind: type[Received]
    handle: Callable[[Received], object]

    def respond(self, request: Request) -> Response:
        """204 acknowledges the push, dead letters included; 503 asks for it again."""
        remember_trace(request.headers.get("X-Cloud-Trace-Context"))
        delivery = delivery_of(self.topic, pushed_body(request))
        try:
            message = messages.decode(self.kind, delivery.payload.encode())
        except MalformedMessage as error:
            if self.topic is Topic.CHECK_INS:
                # Anybody's pod could fill the dead letters with these: they are dropped and counted.
                log.warning("%s is dropped: %s", delivery.event_id, error, extra={"event": "check_in_dropped"})
                return Response(status=ACKNOWLEDGED)
            log.warning("%s is dead: %s", delivery.event_id, error)
            return _buried(self.services, delivery, str(error))
        try:
            outcome = self.handle(message)
        except TemporaryError as error:
            return self._again(delivery, str(error))
        except Exception as error:
            log.exception("handling %s failed", delivery.event_id)
            return self._again(delivery, f"unexpected {type(error).__name__}")
        log.info("%s: %s", delivery.event_id, outcome or "done", extra={"event": "delivery_handled"})
        return Response(status=ACKNOWLEDGED)

    def _again(self, delivery: Delivery, reason: str) -> Response:
        log.warning(
            "%s will be delivered again (try %d): %s",
            delivery.event_id,
            delivery.attempt,
            reason,
            extra={"event": "delivery_retried"},
        )
        try:
            note_failure(self.services, delivery, reason)
        except TemporaryError as error:
            log.warning("%s: its reason could not be noted: %s", delivery.event_id, error)
        return Response(status=TRY_AGAIN)


@dataclass(frozen=True, slots=True)
class DeadLetterKeeper:
    """Keeps what arrives on any dead-letter topic; `names` are what the topics are called in this deployment."""

    services: Services
    names: Mapping[Topic, str]

    def respond(self, request: Request) -> Response:
        """204 once the message is kept, 503 to get it again."""
        topic = pushed_topic(request.path, self.names)
        return _buried(self.services, delivery_of(topic, pushed_body(request)), None)


def pushed_topic(path: str, names: Mapping[Topic, str]) -> Topic:
    """The topic whose dead-letter subscription pushed to `path`: `…/topics/<its name>-dead-letter`.

    An unknown one is taken for the check-ins', whose dead letters are shown to no tenant.
    """
    pushed = path.rstrip("/").rpartition("/")[2].removesuffix("-dead-letter")
    return next((topic for topic, name in names.items() if name == pushed), Topic.CHECK_INS)


def delivery_of(topic: Topic, body: bytes) -> Delivery:
    """The message in a push body. What cannot be read is a delivery all the same, with what there is as its payload."""
    envelope = _object(body)
    message = _mapping(envelope.get("message"))
    attributes = _mapping(message.get("attributes"))
    payload = _data(message)
    tries = attributes.get("CloudPubSubDeadLetterSourceDeliveryCount") or envelope.get("deliveryAttempt") or 1
    return Delivery(
        topic=topic,
        event_id=_document_id(_identity(topic, message, attributes, body)),
        event_type=str(attributes.get("event_type") or "UNKNOWN")[:100],
        ordering_key=str(message.get("orderingKey") or "")[:1000],
        payload=payload,
        attempt=int(tries) if _COUNT.fullmatch(str(tries)) else 1,
    )


def _identity(topic: Topic, message: Mapping[str, Any], attributes: Mapping[str, Any], body: bytes) -> str:
    """What tells this event from others, the same at each delivery and on the dead-letter topic.

    A check-in comes out of a tenant's pod, which could give it the id of another tenant's event: it is told
    by its content.
    """
    if topic is Topic.CHECK_INS:
        return f"check-in-{sha256(str(message.get('data')).encode()).hexdigest()[:40]}"
    return str(attributes.get("event_id") or message.get("messageId") or sha256(body).hexdigest()[:40])


def _buried(services: Services, delivery: Delivery, reason: str | None) -> Response:
    try:
        letter = bury(services, delivery, reason)
    except TemporaryError as error:
        log.warning("%s could not be kept as a dead letter: %s", delivery.event_id, error)
        return Response(status=TRY_AGAIN)
    log.error("%s is a dead letter: %s", letter.event_id, letter.error_message, extra={"event": "dead_letter"})
    return Response(status=ACKNOWLEDGED)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(body))
    except (ValueError, RecursionError):
        return {}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _data(message: Mapping[str, Any]) -> str:
    try:
        return b64decode(message.get("data") or "", validate=True).decode()
    except (Base64Error, ValueError, TypeError):
        return ""


def _document_id(text: str) -> str:
    """An attribute is the sender's to choose; a document's id must be short, without slashes, and not reserved."""
    if len(text) <= 200 and text.isascii() and text.replace("-", "").replace("_", "").isalnum() and text[0] != "_":
        return text
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]

"""What Pub/Sub pushes: the envelope of a message, and the answers that acknowledge it or ask for it again.

The envelope is read here and not turned into a CloudEvent first: that conversion drops the ordering key and
the count of tries, and it refuses a message without data, which would then be delivered again and again
where it belongs in the dead letters at once.
"""

import json
import logging
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from flask import Response

from provider_hub.actions.dead_letters import Delivery, bury
from provider_hub.actions.services import Services
from provider_hub.domain.errors import TemporaryError
from provider_hub.domain.records import Topic

log = logging.getLogger(__name__)

# The sender of a message may set this attribute as well: nothing but a small number is one.
_COUNT = re.compile(r"[0-9]{1,6}")
ACKNOWLEDGED = 204
TRY_AGAIN = 503


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


def buried(services: Services, delivery: Delivery, reason: str | None) -> Response:
    """The answer to a push whose message is kept as a dead letter, or is to come again where that failed."""
    try:
        letter = bury(services, delivery, reason)
    except TemporaryError as error:
        log.warning("%s could not be kept as a dead letter: %s", delivery.event_id, error)
        return Response(status=TRY_AGAIN)
    about = {
        "dead_letter_id": letter.dead_letter_id,
        "topic": letter.topic.value,
        "organization_id": letter.organization_id,
        "provider": letter.provider,
    }
    log.error("%s is a dead letter: %s", letter.event_id, letter.error_message, extra={"event": "dead_letter", **about})
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

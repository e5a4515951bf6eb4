"""Pub/Sub push deliveries: from a message to one operation, and back to an acknowledgement or a retry."""

import logging
from collections.abc import Callable
from typing import Generic

from flask import Request, Response

from provider_hub.actions.dead_letters import Delivery, note_failure
from provider_hub.actions.services import Services
from provider_hub.domain import messages
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import MalformedMessage, TemporaryError
from provider_hub.domain.messages import Received
from provider_hub.domain.records import Topic
from provider_hub.http.arrival import pushed_body
from provider_hub.http.deliveries import ACKNOWLEDGED, TRY_AGAIN, buried, delivery_of
from provider_hub.logs import remember_trace

log = logging.getLogger(__name__)


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
            return buried(self.services, delivery, str(error))
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

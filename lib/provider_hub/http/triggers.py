"""A function with two triggers: a topic's push subscription and a queue's tasks."""

import re

from flask import Request, Response

from provider_hub.domain.dataclass import dataclass
from provider_hub.http.callers import Responder

# The path of every push subscription's endpoint, in Terraform and in the local stack alike; tasks go to the bare URL.
_PUSHED = re.compile(r"/projects/[^/]+/topics/[^/]+/?")


@dataclass(frozen=True, slots=True)
class TopicOrQueue:
    """Hands a pushed message to `topic`, and everything else to `queue`."""

    topic: Responder
    queue: Responder

    def respond(self, request: Request) -> Response:
        """What the responder for the request's path answers."""
        chosen = self.topic if _PUSHED.fullmatch(request.path) else self.queue
        return chosen.respond(request)

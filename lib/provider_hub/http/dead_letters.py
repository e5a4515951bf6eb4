"""Pushes of the dead-letter topics: each message is kept."""

from collections.abc import Mapping

from flask import Request, Response

from provider_hub.actions.services import Services
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.records import Topic
from provider_hub.http.arrival import pushed_body
from provider_hub.http.deliveries import buried, delivery_of


@dataclass(frozen=True, slots=True)
class DeadLetterKeeper:
    """Keeps what arrives on any dead-letter topic; `names` are what the topics are called in this deployment."""

    services: Services
    names: Mapping[Topic, str]

    def respond(self, request: Request) -> Response:
        """204 once the message is kept, 503 to get it again."""
        topic = pushed_topic(request.path, self.names)
        return buried(self.services, delivery_of(topic, pushed_body(request)), None)


def pushed_topic(path: str, names: Mapping[Topic, str]) -> Topic:
    """The topic whose dead-letter subscription pushed to `path`: `…/topics/<its name>-dead-letter`.

    An unknown one is taken for the check-ins', whose dead letters are shown to no tenant.
    """
    pushed = path.rstrip("/").rpartition("/")[2].removesuffix("-dead-letter")
    return next((topic for topic, name in names.items() if name == pushed), Topic.CHECK_INS)

"""Pub/Sub: publishing one message is one call that returns when the topic has it.

This uses the generated client: the hand-written one above it batches on a background thread, which a
serverless function that answers right after would only wait for.
"""

from collections.abc import Mapping
from os import environ

import grpc
from google.api_core import exceptions
from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.types import PublishRequest, PubsubMessage

from provider_hub.domain.errors import TemporaryError
from provider_hub.domain.records import OutboxEntry, Topic

_RPC_SECONDS = 20.0


def connect(project: str, topics: Mapping[Topic, str]) -> "PubSubTopics":
    """The topics over one channel: to the emulator when PUBSUB_EMULATOR_HOST is set, else to Google."""
    emulator = environ.get("PUBSUB_EMULATOR_HOST")
    if not emulator:
        return PubSubTopics(PublisherClient(), project, topics)
    transport = PublisherGrpcTransport(channel=grpc.insecure_channel(emulator))
    return PubSubTopics(PublisherClient(transport=transport), project, topics)


class PubSubTopics:
    """The topics of one project (`actions.ports.Topics`)."""

    def __init__(self, client: PublisherClient, project: str, topics: Mapping[Topic, str]) -> None:
        self._client = client
        self._names = {topic: f"projects/{project}/topics/{name}" for topic, name in topics.items()}

    def publish(self, entry: OutboxEntry) -> None:
        """Publish the payload once, with the event's id as an attribute and the entry's ordering key.

        Returns when the topic has it. Raises TemporaryError where the topic does not take it within the call's time:
        the entry then stays in the outbox, and the sweeper publishes it.
        """
        message = PubsubMessage(
            data=entry.payload.encode(),
            attributes={**entry.attributes, "event_id": entry.event_id},
            ordering_key=entry.ordering_key,
        )
        request = PublishRequest(topic=self._names[entry.topic], messages=[message])
        try:
            self._client.publish(request, timeout=_RPC_SECONDS, retry=None)
        except exceptions.GoogleAPICallError as error:
            raise TemporaryError(f"the topic did not take the message: {type(error).__name__}") from error

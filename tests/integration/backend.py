"""One test's own project on the emulators: services over it, what is stored in it, what its topics received."""

import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

import grpc
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport
from google.cloud.firestore_v1.types import RunQueryRequest, RunQueryResponse
from google.cloud.firestore_v1.types.query import StructuredQuery
from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from google.pubsub_v1.types import PubsubMessage
from tests.builders import IMAGE
from tests.fakes import FakeClock, FakeResolver
from tests.integration.rpcs import Rpcs

from local_stack.emulators import EmulatorHosts
from provider_hub.actions.checkers import ConfigChecker
from provider_hub.actions.outbox import Outbox
from provider_hub.actions.ports import Key
from provider_hub.actions.publishing_rules import PublishingRules
from provider_hub.actions.services import Services
from provider_hub.adapters.config_schema import JsonSchemaChecker
from provider_hub.adapters.firestore.encoding import plain_map
from provider_hub.adapters.firestore.store import CHANNEL_OPTIONS, FirestoreStore
from provider_hub.adapters.published_schemas import LimitedSchemaChecker
from provider_hub.adapters.pubsub import PubSubTopics
from provider_hub.adapters.sealing import Envelope, NoKey
from provider_hub.domain.identifiers import RANDOM_BYTES, ulid
from provider_hub.domain.installation import Deadlines
from provider_hub.domain.limits import OrganizationLimits
from provider_hub.domain.records import Topic

R = TypeVar("R")

DEADLINES = Deadlines(
    queue=timedelta(hours=1),
    deploy=timedelta(minutes=10),
    check_in_writes=timedelta(minutes=5),
    silence=timedelta(minutes=15),
    silence_shards=30,
)
EMULATOR = (("authorization", "Bearer owner"),)
_PULL_SECONDS = 10.0


class Documents:
    """Everything stored in one project, read around the adapter under test."""

    def __init__(self, hosts: EmulatorHosts, project: str) -> None:
        self._channel = grpc.insecure_channel(hosts.firestore, options=CHANNEL_OPTIONS)
        self._client = FirestoreClient(transport=FirestoreGrpcTransport(channel=self._channel))
        self._root = f"projects/{project}/databases/(default)/documents"

    def all(self) -> dict[str, dict[str, Any]]:
        """Every document's fields by its path."""
        return {path: plain_map(document.fields) for path, document in self._found({})}

    def written(self) -> dict[str, datetime]:
        """When each document was last written, by its path: any write shows, even one of the same fields."""
        only_names = {"select": {"fields": [{"field_path": "__name__"}]}}
        return {path: document.update_time.ToDatetime(UTC) for path, document in self._found(only_names)}

    def under(self, collection: str) -> dict[str, dict[str, Any]]:
        """Those whose path begins so."""
        return {path: fields for path, fields in self.all().items() if path.startswith(f"{collection}/")}

    def _found(self, clauses: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        query = StructuredQuery({"from_": [{"all_descendants": True}], **clauses})
        request = RunQueryRequest(parent=self._root, structured_query=query)
        for response in self._client.run_query(request, metadata=EMULATOR):
            found = RunQueryResponse.pb(response)
            if found.HasField("document"):
                yield found.document.name.removeprefix(f"{self._root}/"), found.document

    def close(self) -> None:
        self._channel.close()


class Topics:
    """The topics of one project, each with a subscription to pull from."""

    def __init__(self, hosts: EmulatorHosts, project: str) -> None:
        self._channel = grpc.insecure_channel(hosts.pubsub)
        self._publisher = PublisherClient(transport=PublisherGrpcTransport(channel=self._channel))
        self._subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=self._channel))
        self._project = project

    def create(self, *topics: Topic) -> None:
        for topic in topics or tuple(Topic):
            name = f"projects/{self._project}/topics/{topic}"
            self._publisher.create_topic(name=name)
            self._subscriber.create_subscription(name=self._subscription(topic), topic=name)

    def pull(self, topic: Topic, wanted: int = 1) -> list[PubsubMessage]:
        """Waits until so many messages came. Raises AssertionError when they do not."""
        received: list[PubsubMessage] = []
        deadline = time.monotonic() + _PULL_SECONDS
        while len(received) < wanted:
            if time.monotonic() > deadline:
                raise AssertionError(f"{topic} received {len(received)} of {wanted} messages")
            received += self.pull_now(topic)
        return received

    def pull_now(self, topic: Topic) -> list[PubsubMessage]:
        """What is there at this moment."""
        request = {"subscription": self._subscription(topic), "max_messages": 100, "return_immediately": True}
        with warnings.catch_warnings():
            # Discouraged for its cost at Google's; nothing else can tell that there is no message.
            warnings.simplefilter("ignore", DeprecationWarning)
            response = self._subscriber.pull(request=request)
        acknowledged = [item.ack_id for item in response.received_messages]
        if acknowledged:
            self._subscriber.acknowledge(subscription=self._subscription(topic), ack_ids=acknowledged)
        return [item.message for item in response.received_messages]

    def close(self) -> None:
        self._channel.close()

    def _subscription(self, topic: Topic) -> str:
        return f"projects/{self._project}/subscriptions/pull-{topic}"


@dataclass
class Backend:
    """A project of its own; the clock of its services stands until it is turned."""

    project: str
    store: FirestoreStore
    publisher: PubSubTopics
    documents: Documents
    topics: Topics
    rpcs: Rpcs
    clock: FakeClock = field(default_factory=FakeClock)
    quota: int = 100
    config_checker: ConfigChecker = field(default_factory=JsonSchemaChecker)
    resolver: FakeResolver = field(default_factory=FakeResolver)
    envelope: Envelope | NoKey = field(default_factory=NoKey)
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def services(self) -> Services:
        return Services(
            store=self.store,
            outbox=Outbox(self.store, self.publisher),
            clock=self.clock,
            new_id=self._new_id,
            deadlines=DEADLINES,
            publishing=PublishingRules(IMAGE),
            limits=OrganizationLimits(self.quota),
            config_checker=self.config_checker,
            sealer=self.envelope,
            schema_checker=LimitedSchemaChecker(),
            resolver=self.resolver,
        )

    def put(self, key: Key[R], record: R) -> None:
        self.store.transact(lambda transaction: transaction.write(key, record))

    def _new_id(self, at: datetime) -> str:
        return ulid(at, next(self._numbers).to_bytes(RANDOM_BYTES, "big"))


@contextmanager
def backend_on(hosts: EmulatorHosts) -> Iterator[Backend]:
    """A fresh project with its topics; the channels close with the block."""
    project = f"test-{uuid.uuid4().hex[:12]}"
    rpcs = Rpcs()
    documents, topics = Documents(hosts, project), Topics(hosts, project)
    with (
        grpc.insecure_channel(hosts.firestore, options=CHANNEL_OPTIONS) as documents_channel,
        grpc.insecure_channel(hosts.pubsub) as channel,
    ):
        firestore = FirestoreGrpcTransport(channel=grpc.intercept_channel(documents_channel, rpcs))
        pubsub = PublisherGrpcTransport(channel=grpc.intercept_channel(channel, rpcs))
        names = {topic: topic.value for topic in Topic}
        yield Backend(
            project=project,
            store=FirestoreStore(FirestoreClient(transport=firestore), project, "(default)", EMULATOR),
            publisher=PubSubTopics(PublisherClient(transport=pubsub), project, names),
            documents=documents,
            topics=topics,
            rpcs=rpcs,
        )
    documents.close()
    topics.close()

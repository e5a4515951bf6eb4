"""The legs of an install on a whole stack: commit, PROCESSING, last object applied, READY.

Firestore's own commit times are taken for the rows, so that no polling is measured, and the cluster's watch
for the Deployment, which is applied last.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import grpc
from google.cloud import firestore
from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.types import PubsubMessage
from kubernetes import client, config, watch

from local_stack.running import Stack
from tests.bench.figures import Bar, Figure, Spread
from tests.bench.ground import put, serve_floor, wait_until
from tests.bench.tenants import Platform

ROUNDS = 6
_TOPIC = "bench-deliveries"
_WATCH_SECONDS = 60


@dataclass
class Commits:
    """When each document got into each state, by Firestore's clock in seconds."""

    at: dict[tuple[str, str], float] = field(default_factory=dict)

    def note(self, _documents: Any, changes: Any, _read_time: Any) -> None:
        for change in changes:
            document = change.document
            owner = document.reference.parent.parent
            state = document.get("lifecycle_state") if owner else ""
            key = (owner.id if owner else document.id, state)
            self.at.setdefault(key, document.update_time.timestamp())


def legs() -> Iterator[Figure]:
    """Each leg's time over several installs by new organizations, and a bare delivery between any two."""
    with TemporaryDirectory(prefix="provider-hub-bench-") as folder, Stack(deadline=120) as stack:
        platform = Platform(stack)
        platform.publish("1.0.0", Path(folder))
        with _bare_consumer(stack, Path(folder)) as publisher, commits_of(stack) as commits:
            pairs = [
                (_install(platform, commits, n), _delivery(stack, publisher, commits, n)) for n in range(ROUNDS + 1)
            ]
    installs, deliveries = zip(*pairs[1:], strict=True)
    taken, applied, ready, whole = zip(*installs, strict=True)
    yield Figure("commit → PROCESSING", "ms", Spread.of(taken), Spread.of(deliveries), Bar(150, absolute=True))
    yield Figure("PROCESSING → last object applied", "ms", Spread.of(applied))
    yield Figure("last object applied → READY", "ms", Spread.of(ready))
    yield Figure("commit → READY", "ms", Spread.of(whole))


def _install(platform: Platform, commits: Commits, number: int) -> tuple[float, float, float, float]:
    """Milliseconds to PROCESSING, from there to the Deployment, from there to READY, and in all."""
    slug = f"legs-{number}"
    with deployment_in(platform.stack, platform.stack.info.namespace(slug)) as appeared:
        platform.install(slug, "1.0.0")
        organization_id = f"org_{slug}"
        wait_until(lambda: (organization_id, "ready") in commits.at, f"{slug} is not READY")
    pending, processing, ready = (commits.at[organization_id, state] for state in ("pending", "processing", "ready"))
    applied = appeared[0]
    legs = (processing - pending, applied - processing, ready - applied, ready - pending)
    taken, apply, start, whole = (seconds * 1000 for seconds in legs)
    return taken, apply, start, whole


def _delivery(stack: Stack, publisher: PublisherClient, commits: Commits, number: int) -> float:
    """Milliseconds from a publish to the document that the bare consumer writes."""
    began = time.time()
    topic = f"projects/{stack.info.project}/topics/{_TOPIC}"
    answer = publisher.publish(topic=topic, messages=[PubsubMessage(data=b'{"number": %d}' % number)])
    key = (answer.message_ids[0], "")
    wait_until(lambda: key in commits.at, "the bare consumer wrote nothing")
    return (commits.at[key] - began) * 1000


@contextmanager
def commits_of(stack: Stack) -> Iterator[Commits]:
    """Watches the rows for as long as the block lasts."""
    commits = Commits()
    with patch.dict(os.environ, {"FIRESTORE_EMULATOR_HOST": stack.info.firestore_emulator_host}):
        database: Any = firestore.Client(project=stack.info.project)
    listeners = [
        database.collection_group("installations").on_snapshot(commits.note),
        database.collection("consumed").on_snapshot(commits.note),
    ]
    try:
        yield commits
    finally:
        for listener in listeners:
            listener.unsubscribe()
        database.close()


@contextmanager
def _bare_consumer(stack: Stack, folder: Path) -> Iterator[PublisherClient]:
    info = stack.info
    environment = {
        **os.environ,
        "FIRESTORE_EMULATOR_HOST": info.firestore_emulator_host,
        "GOOGLE_CLOUD_PROJECT": info.project,
    }
    with serve_floor("consumer", "consume", environment, folder) as served:
        topic = f"projects/{info.project}/topics/{_TOPIC}"
        push = {"pushEndpoint": f"http://127.0.0.1:{served.port}/{topic}"}
        put(info.pubsub_emulator_host, topic, {})
        put(
            info.pubsub_emulator_host,
            f"projects/{info.project}/subscriptions/{_TOPIC}",
            {"topic": topic, "pushConfig": push, "ackDeadlineSeconds": 60},
        )
        with grpc.insecure_channel(info.pubsub_emulator_host) as channel:
            yield PublisherClient(transport=PublisherGrpcTransport(channel=channel))


@contextmanager
def deployment_in(stack: Stack, namespace: str) -> Iterator[list[float]]:
    """Gets the time at which the namespace's first Deployment was there, by the end of the block."""
    appeared: list[float] = []
    api = client.AppsV1Api(config.new_client_from_config(stack.info.kubeconfig))  # type: ignore[no-untyped-call]
    stream: Any = watch.Watch()  # type: ignore[no-untyped-call]

    def look() -> None:
        for event in stream.stream(api.list_namespaced_deployment, namespace, timeout_seconds=_WATCH_SECONDS):
            if event["type"] == "ADDED":
                appeared.append(time.time())
                stream.stop()

    thread = threading.Thread(target=look, name=f"watch of {namespace}")
    thread.start()
    try:
        yield appeared
    finally:
        thread.join()
        api.api_client.close()

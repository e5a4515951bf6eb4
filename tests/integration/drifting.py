"""One READY installation, in the store and in a cluster, for what is done to it there."""

from pathlib import Path
from typing import Any

from kubernetes import client, config
from tests.builders import RUNTIME, actor_of
from tests.fakes import FakeTasks, FakeWheels
from tests.integration.backend import Backend

from provider_hub.actions import keys
from provider_hub.actions.deploy import Installer
from provider_hub.actions.desired_state import DesiredStates
from provider_hub.actions.drift import Drift
from provider_hub.actions.install import request_install
from provider_hub.actions.publish import publish
from provider_hub.actions.steps import apply_event
from provider_hub.actions.wishes.installations import InstallWish
from provider_hub.actions.wishes.publishing import MetadataWish, PublishWish
from provider_hub.adapters import kubernetes
from provider_hub.adapters.kubernetes import Kubernetes
from provider_hub.adapters.kubernetes.api import connected
from provider_hub.adapters.kubernetes.credentials import IamToken
from provider_hub.domain.catalog import Author, AuthorKind
from provider_hub.domain.cells import DEFAULT_CELL
from provider_hub.domain.installation import (
    CheckedIn,
    Health,
    Installation,
    InstallationRequest,
    ResourceTier,
    Trigger,
)
from provider_hub.domain.manifests import RuntimeFacts
from provider_hub.domain.messages import decode
from provider_hub.domain.names import ProviderName, namespace_for
from provider_hub.domain.organizations import Organization
from provider_hub.domain.records import Topic
from provider_hub.settings.everything import Cluster

NAME = ProviderName("drifting", "weather")
NAMESPACE = namespace_for("drifting")
FACTS = RuntimeFacts("runtime:1", "projects/p/topics/t", "http://pubsub", 300, "", 600, 400)


class Installed:
    """One READY installation, in the store and in the cluster."""

    def __init__(self, backend: Backend, kubeconfig: Path, **settings: str) -> None:
        self.backend = backend
        given = Cluster.model_validate({"kubeconfig": str(kubeconfig), **settings})
        clusters = kubernetes.connect(given)
        self.cluster: Kubernetes = clusters.by_cell[DEFAULT_CELL]
        self.api = connected(given.kubeconfig, IamToken())
        backend.put(keys.runtime_version(RUNTIME.version), RUNTIME)
        self.desired_states = DesiredStates(backend.store, FACTS, b"key")
        self.drift = Drift(backend.services, clusters, self.desired_states)
        self.installer = Installer(backend.services, clusters, FakeTasks(), self.desired_states)
        connection = config.new_client_from_config(str(kubeconfig))  # type: ignore[no-untyped-call]
        self.core: Any = client.CoreV1Api(connection)
        self.apps: Any = client.AppsV1Api(connection)
        self.row = self._ready()

    def _ready(self) -> Installation:
        services = self.backend.services
        metadata = MetadataWish(display_name="Weather", description="Readings")
        version = PublishWish(
            name=str(NAME), version="1.0.0", wheel_url="https://x/w-1.0.0-py3-none-any.whl", metadata=metadata
        )
        author = Author(AuthorKind.CUSTOMER, "org_drifting", "Drifting")
        publish(services, FakeWheels(), NAME, version, author, actor_of(author.organization_id))
        now = self.backend.clock()
        organization = Organization("org_drifting", "Drifting", "drifting", "active", now, now)
        wish = InstallWish(
            provider_name=NAME, version="1.0.0", resource_tier=ResourceTier.FREE, config={"KEY": "value"}
        )
        row = request_install(services, organization, wish, "a test").row
        (message,) = self.backend.topics.pull(Topic.INSTALLATION_EVENTS)
        self.installer.handle(decode(InstallationRequest, message.data))
        event = CheckedIn(row.installation_id, 1, "1.0.0", Health.HEALTHY)
        return apply_event(services, row, event).kept

    def timeline(self) -> list[Trigger]:
        row = self.backend.store.get(keys.installation_of(self.row))
        assert row is not None
        return [entry.event for entry in row.timeline]

    def remove(self) -> None:
        self.cluster.remove(NAMESPACE, self.row.installation_id)

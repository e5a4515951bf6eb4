"""What somebody changed or deleted in the cluster comes back, what nobody stands behind goes."""

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config
from tests.fakes import FakeTasks, FakeWheels
from tests.integration.backend import Backend

from local_kubernetes.cluster.embedded import serving
from provider_hub.actions import keys
from provider_hub.actions.deploy import Installer
from provider_hub.actions.desired_state import DesiredStates
from provider_hub.actions.drift import Drift
from provider_hub.actions.install import request_install
from provider_hub.actions.publish import publish
from provider_hub.actions.services import apply_event
from provider_hub.actions.wishes.installations import InstallWish
from provider_hub.actions.wishes.publishing import MetadataWish, PublishWish
from provider_hub.adapters import kubernetes
from provider_hub.adapters.kubernetes import Kubernetes, KubernetesApi
from provider_hub.domain.catalog import Author, AuthorKind, Organization
from provider_hub.domain.installation import (
    CheckedIn,
    Health,
    Installation,
    InstallationRequest,
    ResourceTier,
    Trigger,
)
from provider_hub.domain.manifests import Manifest, RuntimeFacts
from provider_hub.domain.messages import decode
from provider_hub.domain.names import ProviderName, namespace_for
from provider_hub.domain.records import Topic
from provider_hub.settings import Settings

NAME = ProviderName("drifting", "weather")
NAMESPACE = namespace_for("drifting")
FACTS = RuntimeFacts("runtime:1", "projects/p/topics/t", "http://pubsub", 300, "", 600, 400)


@pytest.fixture(scope="module")
def kubeconfig() -> Iterator[Path]:
    if given := os.environ.get("KUBECONFIG"):
        yield Path(given)
        return
    with serving() as cluster:
        yield cluster.kubeconfig_file


class Installed:
    """One READY installation, in the store and in the cluster."""

    def __init__(self, backend: Backend, kubeconfig: Path) -> None:
        self.backend = backend
        self.cluster: Kubernetes = kubernetes.connect(Settings(project="p", kubeconfig=str(kubeconfig)))
        self.desired_states = DesiredStates(backend.store, FACTS, b"key")
        self.drift = Drift(backend.services, self.cluster, self.desired_states)
        self.installer = Installer(backend.services, self.cluster, FakeTasks(), self.desired_states)
        connection = config.new_client_from_config(str(kubeconfig))  # type: ignore[no-untyped-call]
        self.core: Any = client.CoreV1Api(connection)
        self.apps: Any = client.AppsV1Api(connection)
        self.row = self._ready()

    def _ready(self) -> Installation:
        services = self.backend.services
        metadata = MetadataWish(display_name="Weather", description="Readings")
        version = PublishWish(name=str(NAME), version="1.0.0", wheel_url="https://x/w.whl", metadata=metadata)
        author = Author(AuthorKind.CUSTOMER, "org_drifting", "Drifting")
        publish(services, FakeWheels(), NAME, version, author)
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


@pytest.fixture
def installed(backend: Backend, kubeconfig: Path) -> Iterator[Installed]:
    made = Installed(backend, kubeconfig)
    yield made
    made.remove()


def test_a_cluster_that_is_as_it_should_be_is_left_alone(installed: Installed) -> None:
    assert installed.drift.repair_slice() == 0
    assert installed.drift.remove_orphans() == 0
    assert Trigger.DRIFT not in installed.timeline()


def test_a_deleted_deployment_comes_back_and_the_timeline_says_so(installed: Installed) -> None:
    name = NAME.object_name
    installed.apps.delete_namespaced_deployment(name, NAMESPACE)
    assert installed.drift.repair_slice() == 1
    assert installed.apps.read_namespaced_deployment(name, NAMESPACE).spec.replicas == 1
    row = installed.backend.store.get(keys.installation_of(installed.row))
    assert row is not None
    assert (row.timeline[-1].event, row.timeline[-1].reason) == (Trigger.DRIFT, f"Deployment {name}")
    assert installed.drift.repair_slice() == 0


def test_a_changed_deployment_is_brought_back(installed: Installed) -> None:
    name = NAME.object_name
    change = {"spec": {"replicas": 5}}
    installed.apps.patch_namespaced_deployment(name, NAMESPACE, change, field_manager="somebody")
    assert installed.drift.repair_slice() == 1
    assert installed.apps.read_namespaced_deployment(name, NAMESPACE).spec.replicas == 1


def test_what_a_controller_writes_meanwhile_is_no_repair_of_ours(
    installed: Installed, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = count(1)
    apply = KubernetesApi.apply

    def apply_behind_a_controller(api: KubernetesApi, manifest: Manifest, manager: str) -> Any:
        if manifest["kind"] == "ResourceQuota":
            status = {"status": {"used": {"pods": str(next(used))}}}
            installed.core.patch_namespaced_resource_quota_status("tenant", NAMESPACE, status)
        return apply(api, manifest, manager)

    monkeypatch.setattr(KubernetesApi, "apply", apply_behind_a_controller)
    # One that trusts no namespace yet, and so applies the quota too.
    cluster = kubernetes.connect(Settings(project="p", kubeconfig=str(kubeconfig)))
    drift = Drift(installed.backend.services, cluster, installed.desired_states)
    assert drift.repair_slice() == 0
    assert next(used) == 2


def test_a_new_check_in_key_leaves_what_runs_with_its_token(installed: Installed) -> None:
    (before,) = installed.core.list_namespaced_secret(NAMESPACE).items
    drift = Drift(installed.backend.services, installed.cluster, replace(installed.desired_states, check_in_key=b"new"))
    installed.apps.delete_namespaced_deployment(NAME.object_name, NAMESPACE)
    assert drift.repair_slice() == 1
    assert installed.apps.read_namespaced_deployment(NAME.object_name, NAMESPACE).spec.replicas == 1
    (after,) = installed.core.list_namespaced_secret(NAMESPACE).items
    assert after.data == before.data


def test_a_secret_that_lost_its_label_gets_it_back(installed: Installed) -> None:
    (before,) = installed.core.list_namespaced_secret(NAMESPACE).items
    change = {"metadata": {"labels": {"provider-hub/installation-id": None}}}
    installed.core.patch_namespaced_secret(before.metadata.name, NAMESPACE, change, field_manager="somebody")
    assert installed.drift.repair_slice() == 1
    (after,) = installed.core.list_namespaced_secret(NAMESPACE).items
    assert after.metadata.labels == before.metadata.labels


def test_a_deleted_secret_comes_back_with_the_same_token(installed: Installed) -> None:
    (before,) = installed.core.list_namespaced_secret(NAMESPACE).items
    installed.core.delete_namespaced_secret(before.metadata.name, NAMESPACE)
    assert installed.drift.repair_slice() == 1
    (after,) = installed.core.list_namespaced_secret(NAMESPACE).items
    assert after.data == before.data


def test_objects_without_a_row_are_removed(installed: Installed) -> None:
    installed.backend.store.delete_all([keys.installation_of(installed.row)])
    removed = sum(installed.drift.remove_orphans() for _ in range(4))
    assert removed == 1
    assert installed.apps.list_namespaced_deployment(NAMESPACE).items == []
    assert installed.core.list_namespaced_secret(NAMESPACE).items == []


def test_objects_of_an_earlier_life_are_removed_and_the_present_one_stays(installed: Installed) -> None:
    (secret,) = installed.core.list_namespaced_secret(NAMESPACE).items
    earlier = "00000000000000000000000000"
    secret.metadata.labels["provider-hub/installation-id"] = earlier
    secret.metadata.annotations["provider-hub/installation-id"] = earlier
    leftover = client.V1Secret(
        metadata=client.V1ObjectMeta(
            name="leftover", labels=secret.metadata.labels, annotations=secret.metadata.annotations
        ),
        data=secret.data,
    )
    installed.core.create_namespaced_secret(NAMESPACE, leftover)
    assert sum(installed.drift.remove_orphans() for _ in range(4)) == 1
    names = [item.metadata.name for item in installed.core.list_namespaced_secret(NAMESPACE).items]
    assert names == [f"{NAME.object_name}-g1"]

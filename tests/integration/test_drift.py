"""What somebody changed or deleted in the cluster comes back, what nobody stands behind goes."""

from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import only
from tests.integration.drifting import NAME, NAMESPACE, Installed

from provider_hub.actions import keys
from provider_hub.actions.drift import Drift
from provider_hub.adapters import kubernetes
from provider_hub.adapters.kubernetes import HUB_ID, KubernetesApi
from provider_hub.domain.installation import (
    Trigger,
)
from provider_hub.domain.manifests import INSTALLATION_ID, MANAGER, ORGANIZATION_ID, PROVIDER, Manifest
from provider_hub.settings.everything import Cluster


def test_a_cluster_that_is_as_it_should_be_is_left_alone(installed: Installed) -> None:
    assert installed.drift.repair_slices() == 0
    assert installed.drift.remove_orphans() == 0
    assert Trigger.DRIFT not in installed.timeline()


def test_a_deleted_deployment_comes_back_and_the_timeline_says_so(installed: Installed) -> None:
    name = NAME.object_name
    installed.apps.delete_namespaced_deployment(name, NAMESPACE)
    assert installed.drift.repair_slices() == 1
    assert installed.apps.read_namespaced_deployment(name, NAMESPACE).spec.replicas == 1
    row = installed.backend.store.get(keys.installation_of(installed.row))
    assert row is not None
    assert (row.timeline[-1].event, row.timeline[-1].reason) == (Trigger.DRIFT, f"Deployment {name}")
    assert installed.drift.repair_slices() == 0


def test_a_changed_deployment_is_brought_back(installed: Installed) -> None:
    name = NAME.object_name
    change = {"spec": {"replicas": 5}}
    installed.apps.patch_namespaced_deployment(name, NAMESPACE, change, field_manager="somebody")
    assert installed.drift.repair_slices() == 1
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
    clusters = kubernetes.connect(Cluster(kubeconfig=str(kubeconfig)))
    drift = Drift(installed.backend.services, clusters, installed.desired_states)
    assert drift.repair_slices() == 0
    assert next(used) == 2


def test_a_new_check_in_key_leaves_what_runs_with_its_token(installed: Installed) -> None:
    (before,) = installed.core.list_namespaced_secret(NAMESPACE).items
    other_key = replace(installed.desired_states, check_in_key=b"new")
    drift = Drift(installed.backend.services, only(installed.cluster), other_key)
    installed.apps.delete_namespaced_deployment(NAME.object_name, NAMESPACE)
    assert drift.repair_slices() == 1
    assert installed.apps.read_namespaced_deployment(NAME.object_name, NAMESPACE).spec.replicas == 1
    (after,) = installed.core.list_namespaced_secret(NAMESPACE).items
    assert after.data == before.data


def test_a_secret_that_lost_its_label_gets_it_back(installed: Installed) -> None:
    (before,) = installed.core.list_namespaced_secret(NAMESPACE).items
    change = {"metadata": {"labels": {"provider-hub/installation-id": None}}}
    installed.core.patch_namespaced_secret(before.metadata.name, NAMESPACE, change, field_manager="somebody")
    assert installed.drift.repair_slices() == 1
    (after,) = installed.core.list_namespaced_secret(NAMESPACE).items
    assert after.metadata.labels == before.metadata.labels


def test_a_deleted_secret_comes_back_with_the_same_token(installed: Installed) -> None:
    (before,) = installed.core.list_namespaced_secret(NAMESPACE).items
    installed.core.delete_namespaced_secret(before.metadata.name, NAMESPACE)
    assert installed.drift.repair_slices() == 1
    (after,) = installed.core.list_namespaced_secret(NAMESPACE).items
    assert after.data == before.data


def test_objects_without_a_row_are_removed(installed: Installed) -> None:
    installed.backend.store.delete_all([keys.installation_of(installed.row)])
    removed = sum(installed.drift.remove_orphans() for _ in range(4))
    assert removed == 1
    assert installed.apps.list_namespaced_deployment(NAMESPACE).items == []
    assert installed.core.list_namespaced_secret(NAMESPACE).items == []


def orphans(installed: Installed, count: int) -> None:
    """Secrets of so many installations that the database knows nothing of."""
    for number in range(count):
        installation_id = f"0000000000000000000000000{number}"
        metadata = {
            "name": f"orphan-{number}",
            "namespace": NAMESPACE,
            "labels": {INSTALLATION_ID: installation_id, HUB_ID: "provider-hub"},
            "annotations": {
                INSTALLATION_ID: installation_id,
                ORGANIZATION_ID: "org_unknown",
                PROVIDER: f"unknown/p{number}",
            },
        }
        installed.api.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata}, MANAGER)


def test_where_most_installations_have_no_row_none_is_removed_and_an_alert_is_raised(
    installed: Installed, caplog: pytest.LogCaptureFixture
) -> None:
    orphans(installed, 5)
    try:
        assert sum(installed.drift.remove_orphans() for _ in range(6)) == 0
        assert "orphans_kept" in {getattr(record, "event", "") for record in caplog.records}
        assert len(installed.core.list_namespaced_secret(NAMESPACE).items) == 6
    finally:
        for number in range(5):
            installed.core.delete_namespaced_secret(f"orphan-{number}", NAMESPACE)


def test_a_few_orphans_are_removed(installed: Installed) -> None:
    orphans(installed, 4)
    assert sum(installed.drift.remove_orphans() for _ in range(6)) == 4
    assert len(installed.core.list_namespaced_secret(NAMESPACE).items) == 1


def test_objects_of_an_earlier_life_are_removed_and_the_present_one_stays(installed: Installed) -> None:
    (secret,) = installed.core.list_namespaced_secret(NAMESPACE).items
    earlier = "00000000000000000000000000"
    metadata = {
        "name": "leftover",
        "namespace": NAMESPACE,
        "labels": {**secret.metadata.labels, INSTALLATION_ID: earlier},
        "annotations": {**secret.metadata.annotations, INSTALLATION_ID: earlier},
    }
    leftover = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": secret.data}
    installed.api.apply(leftover, MANAGER)
    assert sum(installed.drift.remove_orphans() for _ in range(4)) == 1
    names = [item.metadata.name for item in installed.core.list_namespaced_secret(NAMESPACE).items]
    assert names == [f"{NAME.object_name}-g1"]

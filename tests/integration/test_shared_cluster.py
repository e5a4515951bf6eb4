"""Others use the cluster too: another hub, and people with `kubectl`. None of them is hurt, and none stops the hub."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import only
from tests.integration.backend import Backend
from tests.integration.drifting import NAME, NAMESPACE, Installed

from provider_hub.actions import keys
from provider_hub.actions.drift import Drift
from provider_hub.adapters import kubernetes
from provider_hub.adapters.kubernetes import HUB_ID
from provider_hub.domain.cells import DEFAULT_CELL
from provider_hub.domain.errors import PermanentError, TemporaryError
from provider_hub.domain.installation import LifecycleState
from provider_hub.domain.manifests import GENERATION, INSTALLATION_ID, ORGANIZATION_ID, PROVIDER
from provider_hub.domain.names import prefixed_namespace
from provider_hub.settings.everything import Cluster

DEPLOYMENT = NAME.object_name


def hub_on(kubeconfig: Path, **settings: str) -> kubernetes.Kubernetes:
    clusters = kubernetes.connect(Cluster.model_validate({"kubeconfig": str(kubeconfig), **settings}))
    return clusters.by_cell[DEFAULT_CELL]


def patched(installed: Installed, change: dict[str, Any], manager: str = "kubectl-edit") -> None:
    installed.apps.patch_namespaced_deployment(DEPLOYMENT, NAMESPACE, change, field_manager=manager)


def pod_spec(installed: Installed) -> Any:
    return installed.apps.read_namespaced_deployment(DEPLOYMENT, NAMESPACE).spec.template.spec


def swept(installed: Installed) -> int:
    return sum(installed.drift.remove_orphans() for _ in range(6))


ADDED = {
    "a variable that tenants may not set": {
        "spec": {
            "template": {
                "spec": {
                    "containers": [
                        {"name": "runtime", "env": [{"name": "PIP_INDEX_URL", "value": "https://elsewhere"}]}
                    ]
                }
            }
        }
    },
    "an init container": {
        "spec": {"template": {"spec": {"initContainers": [{"name": "first", "image": "x", "command": ["true"]}]}}}
    },
    "a second container": {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "x"}]}}}},
    "a node selector": {"spec": {"template": {"spec": {"nodeSelector": {"disk": "none"}}}}},
    "a pause": {"spec": {"paused": True}},
    "a label": {"metadata": {"labels": {"team": "blue"}}},
    "an annotation of the pods": {"spec": {"template": {"metadata": {"annotations": {"team": "blue"}}}}},
    "other replicas": {"spec": {"replicas": 0}},
    "another generation": {"metadata": {"annotations": {GENERATION: "999"}}},
    "a generation that is none": {"metadata": {"annotations": {GENERATION: "²"}}},
    "another installation": {"metadata": {"annotations": {INSTALLATION_ID: "ZZZZZZZZZZZZZZZZZZZZZZZZZZ"}}},
    "another organization": {"metadata": {"annotations": {ORGANIZATION_ID: "org_other"}}},
    "a provider that is none": {"metadata": {"annotations": {PROVIDER: "///"}}},
    "another hub": {"metadata": {"labels": {HUB_ID: "another"}}},
}


@pytest.mark.parametrize("added", ADDED)
def test_what_somebody_changed_with_kubectl_is_undone_and_the_installation_stays(
    installed: Installed, added: str
) -> None:
    before = installed.apps.read_namespaced_deployment(DEPLOYMENT, NAMESPACE)
    patched(installed, ADDED[added])
    assert swept(installed) == 0
    assert installed.drift.repair_slices() == 1
    after = installed.apps.read_namespaced_deployment(DEPLOYMENT, NAMESPACE)
    assert after.metadata.uid == before.metadata.uid
    assert after.spec.to_dict() == before.spec.to_dict()
    assert after.metadata.labels == before.metadata.labels
    for name, value in before.metadata.annotations.items():
        if name.startswith("provider-hub/"):
            assert after.metadata.annotations[name] == value
    assert installed.drift.repair_slices() == 0


def test_a_restart_by_kubectl_is_left_alone(installed: Installed) -> None:
    asked = {"kubectl.kubernetes.io/restartedAt": "2030-01-01T00:00:00Z"}
    patched(installed, {"spec": {"template": {"metadata": {"annotations": asked}}}}, "kubectl-rollout")
    assert installed.drift.repair_slices() == 0


def test_a_copy_of_a_deployment_is_removed(installed: Installed) -> None:
    original = installed.apps.read_namespaced_deployment(DEPLOYMENT, NAMESPACE)
    metadata = {"name": "copy", "labels": original.metadata.labels, "annotations": original.metadata.annotations}
    copy = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": original.spec}
    installed.apps.create_namespaced_deployment(NAMESPACE, copy, field_manager="kubectl-create")
    installed.drift.repair_slices()
    assert [item.metadata.name for item in installed.apps.list_namespaced_deployment(NAMESPACE).items] == [DEPLOYMENT]


@pytest.mark.parametrize("hard", [{"count/secrets": "1"}, {"secrets": "1"}], ids=["count/secrets", "secrets"])
def test_a_quota_that_is_used_up_is_waited_for_and_names_itself(installed: Installed, hard: dict[str, str]) -> None:
    version = installed.backend.store.get(keys.version(NAME, "1.0.0"))
    wanted = installed.desired_states.of(replace(installed.row, generation=2), version).installation
    installed.core.create_namespaced_resource_quota(NAMESPACE, {"metadata": {"name": "q"}, "spec": {"hard": hard}})
    with pytest.raises(TemporaryError, match="exceeded quota: q"):
        installed.cluster.apply(wanted)
    installed.core.delete_namespaced_resource_quota("q", NAMESPACE)
    assert f"Deployment {DEPLOYMENT}" in installed.cluster.apply(wanted)


def test_an_object_of_somebody_else_that_has_the_name_of_one_of_ours_is_not_taken_over(installed: Installed) -> None:
    installed.core.delete_namespaced_service(DEPLOYMENT, NAMESPACE)
    theirs = {"metadata": {"name": DEPLOYMENT}, "spec": {"selector": {"app": "theirs"}, "ports": [{"port": 80}]}}
    installed.core.create_namespaced_service(NAMESPACE, theirs, field_manager="kubectl-create")
    version = installed.backend.store.get(keys.version(NAME, "1.0.0"))
    wanted = installed.desired_states.of(installed.row, version).installation
    with pytest.raises(PermanentError, match=f"Service {DEPLOYMENT} in {NAMESPACE} was made by somebody else"):
        installed.cluster.apply(wanted)
    assert installed.drift.repair_slices() == 0
    installed.remove()
    assert installed.core.read_namespaced_service(DEPLOYMENT, NAMESPACE).spec.selector == {"app": "theirs"}
    installed.core.delete_namespaced_service(DEPLOYMENT, NAMESPACE)


def test_an_object_that_somebody_replaced_with_a_copy_is_made_again(installed: Installed) -> None:
    before = installed.core.read_namespaced_service(DEPLOYMENT, NAMESPACE)
    metadata = {"name": DEPLOYMENT, "labels": before.metadata.labels, "annotations": before.metadata.annotations}
    installed.core.delete_namespaced_service(DEPLOYMENT, NAMESPACE)
    copy = {"metadata": metadata, "spec": {"selector": {"app": "theirs"}, "ports": [{"port": 80}]}}
    installed.core.create_namespaced_service(NAMESPACE, copy, field_manager="kubectl-replace")
    assert installed.drift.repair_slices() == 1
    assert installed.core.read_namespaced_service(DEPLOYMENT, NAMESPACE).spec.selector == before.spec.selector


def test_an_object_that_lost_its_labels_is_removed_with_its_installation(installed: Installed) -> None:
    patched(installed, {"metadata": {"labels": {INSTALLATION_ID: None, HUB_ID: None}}})
    installed.remove()
    assert installed.apps.list_namespaced_deployment(NAMESPACE).items == []


def test_what_a_webhook_writes_at_every_apply_is_no_drift(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutation = {"spec": {"template": {"spec": {"nodeSelector": {"autopilot": "yes"}}}}}
    patched(installed, mutation, "webhook")
    apply = kubernetes.KubernetesApi.apply

    def apply_with_mutation(api: kubernetes.KubernetesApi, manifest: Any, manager: str) -> Any:
        made = apply(api, manifest, manager)
        if manifest["kind"] != "Deployment":
            return made
        patched(installed, mutation, "webhook")
        return api.get("Deployment", NAMESPACE, DEPLOYMENT)

    monkeypatch.setattr(kubernetes.KubernetesApi, "apply", apply_with_mutation)
    assert [installed.drift.repair_slices() for _ in range(3)] == [0, 0, 0]


def test_a_second_hub_removes_nothing_of_the_first(installed: Installed, kubeconfig: Path) -> None:
    other = hub_on(kubeconfig, cluster_hub_id="second")
    installed.backend.store.delete_all([keys.installation_of(installed.row)])  # as in the second hub's own database
    drift = Drift(installed.backend.services, only(other), installed.desired_states)
    assert sum(drift.remove_orphans() for _ in range(6)) == 0
    assert installed.apps.read_namespaced_deployment(DEPLOYMENT, NAMESPACE).spec.replicas == 1


def test_two_hubs_serve_the_same_organization_side_by_side(
    installed: Installed, backend: Backend, kubeconfig: Path
) -> None:
    namespace = prefixed_namespace("b-", NAMESPACE)
    other = hub_on(kubeconfig, cluster_hub_id="second", cluster_namespace_prefix="b-")
    row = installed.row
    version = backend.store.get(keys.version(row.provider_name, row.installed_version))
    wanted = installed.desired_states.of(row, version)
    other.ensure_namespace(wanted.namespace)
    other.apply(wanted.installation)
    assert installed.apps.read_namespaced_deployment(DEPLOYMENT, namespace).metadata.labels[HUB_ID] == "second"
    assert [owner.namespace for owner in other.object_owners(None, 100)[0]] == [namespace]
    assert swept(installed) == 0
    assert installed.drift.repair_slices() == 0
    other.remove(NAMESPACE, row.installation_id)
    assert installed.apps.list_namespaced_deployment(namespace).items == []
    assert installed.apps.read_namespaced_deployment(DEPLOYMENT, NAMESPACE).spec.replicas == 1


def namespace_manifests(installed: Installed) -> Any:
    row = installed.row
    version = installed.backend.store.get(keys.version(row.provider_name, row.installed_version))
    return installed.desired_states.of(row, version).namespace


def test_the_namespace_of_another_hub_is_refused_with_the_reason(installed: Installed, kubeconfig: Path) -> None:
    other = hub_on(kubeconfig, cluster_hub_id="second")
    with pytest.raises(PermanentError, match=f"{NAMESPACE} belongs to another hub"):
        other.ensure_namespace(namespace_manifests(installed))
    labels = installed.core.read_namespace(NAMESPACE).metadata.labels
    assert labels[HUB_ID] == "provider-hub"


def test_the_namespace_of_another_organization_is_refused(installed: Installed, kubeconfig: Path) -> None:
    manifests = namespace_manifests(installed)
    manifests[0]["metadata"]["annotations"] = {ORGANIZATION_ID: "org_intruder"}
    with pytest.raises(PermanentError, match="belongs to another organization"):
        hub_on(kubeconfig).ensure_namespace(manifests)


def test_a_namespace_that_somebody_made_is_not_taken_over(installed: Installed, kubeconfig: Path) -> None:
    manifests = namespace_manifests(installed)
    for manifest in manifests:
        key = "name" if manifest["kind"] == "Namespace" else "namespace"
        manifest["metadata"][key] = "org-theirs"
    installed.core.create_namespace({"metadata": {"name": "org-theirs", "labels": {"team": "blue"}}})
    try:
        with pytest.raises(PermanentError, match="org-theirs was there before"):
            hub_on(kubeconfig).ensure_namespace(manifests)
        assert installed.core.read_namespace("org-theirs").metadata.labels["team"] == "blue"
    finally:
        installed.core.delete_namespace("org-theirs")


def test_the_installation_is_ready_throughout(installed: Installed) -> None:
    row = installed.backend.store.get(keys.installation_of(installed.row))
    assert row is not None
    assert row.lifecycle_state is LifecycleState.READY

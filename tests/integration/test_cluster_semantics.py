"""What the Kubernetes API promises, asked through the official client.

Runs against the embedded cluster, or against a real API server when KUBECONFIG names one.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from kubernetes import client, config, dynamic
from kubernetes.client.exceptions import ApiException

STRICT_SINCE = 27  # the minor version from which servers validate strictly when asked
Object = dict[str, Any]
connect: Any = config.new_client_from_config
DynamicClient: Any = dynamic.DynamicClient


@pytest.fixture
def api(kubeconfig: Path) -> Iterator[Any]:
    with connect(str(kubeconfig)) as connected:
        yield connected


@pytest.fixture
def core(api: Any) -> Any:
    return client.CoreV1Api(api)


@pytest.fixture
def apps(api: Any) -> Any:
    return client.AppsV1Api(api)


@pytest.fixture
def objects(api: Any) -> Any:
    return DynamicClient(api)


@pytest.fixture
def namespace(core: Any) -> Iterator[str]:
    name = f"test-{uuid4().hex[:10]}"
    core.create_namespace({"metadata": {"name": name}})
    yield name
    core.delete_namespace(name)


def config_map(name: str, **fields: Any) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **fields.pop("metadata", {})}, **fields}


def deployment(name: str, image: str = "registry.test/web:1", **spec: Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "web", "image": image, "ports": [{"containerPort": 80}]}]},
            },
            **spec,
        },
    }


def refused(call: Any, *arguments: Any, **options: Any) -> Object:
    """The Status with which the call is refused."""
    with pytest.raises(ApiException) as error:
        call(*arguments, **options)
    status: Object = json.loads(error.value.body or "")
    assert status["kind"] == "Status"
    assert status["code"] == error.value.status
    return status


def apply(objects: Any, body: Object, namespace: str, manager: str = "alice", **options: Any) -> Any:
    resource = objects.resources.get(api_version=body["apiVersion"], kind=body["kind"])
    options = {"field_manager": manager, **options}
    return objects.server_side_apply(resource, body, body["metadata"]["name"], namespace, **options)


def test_an_object_is_created_with_identity_and_defaults(apps: Any, namespace: str) -> None:
    made = apps.create_namespaced_deployment(namespace, deployment("web"))

    assert made.metadata.uid
    assert made.metadata.resource_version
    assert made.metadata.generation == 1
    assert made.metadata.creation_timestamp.tzinfo
    assert made.spec.replicas == 1
    assert made.spec.strategy.rolling_update.max_surge == "25%"
    assert made.spec.revision_history_limit == 10
    assert made.spec.progress_deadline_seconds == 600
    assert made.spec.template.spec.restart_policy == "Always"
    assert made.spec.template.spec.containers[0].image_pull_policy == "IfNotPresent"
    assert made.spec.template.spec.containers[0].ports[0].protocol == "TCP"


def test_the_same_name_twice_already_exists(core: Any, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map("c"))

    status = refused(core.create_namespaced_config_map, namespace, config_map("c"))

    assert (status["code"], status["reason"]) == (409, "AlreadyExists")
    assert status["message"] == 'configmaps "c" already exists'
    assert status["details"] == {"name": "c", "kind": "configmaps"}


def test_a_missing_object_is_not_found(apps: Any, namespace: str) -> None:
    status = refused(apps.read_namespaced_deployment, "none", namespace)

    assert (status["code"], status["reason"]) == (404, "NotFound")
    assert status["message"] == 'deployments.apps "none" not found'
    assert status["details"] == {"name": "none", "group": "apps", "kind": "deployments"}


def test_a_missing_namespace_takes_no_objects(core: Any) -> None:
    status = refused(core.create_namespaced_config_map, "no-such-namespace", config_map("c"))

    assert (status["code"], status["message"]) == (404, 'namespaces "no-such-namespace" not found')


def test_generate_name_makes_names_of_its_own(core: Any, namespace: str) -> None:
    body = {"metadata": {"generateName": "c-"}}

    names = {core.create_namespaced_config_map(namespace, body).metadata.name for _ in range(3)}

    assert len(names) == 3
    assert all(name.startswith("c-") and len(name) == 7 for name in names)


def test_an_update_of_an_old_version_conflicts(core: Any, namespace: str) -> None:
    read = core.create_namespaced_config_map(namespace, config_map("c", data={"a": "1"}))
    core.patch_namespaced_config_map("c", namespace, {"data": {"a": "2"}})
    read.data = {"a": "3"}

    status = refused(core.replace_namespaced_config_map, "c", namespace, read)

    assert (status["code"], status["reason"]) == (409, "Conflict")
    assert "the object has been modified" in status["message"]


def test_an_update_that_changes_nothing_keeps_the_version(core: Any, namespace: str) -> None:
    read = core.create_namespaced_config_map(namespace, config_map("c", data={"a": "1"}))

    written = core.replace_namespaced_config_map("c", namespace, read)

    assert written.metadata.resource_version == read.metadata.resource_version


def test_a_strategic_patch_merges_containers(apps: Any, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, deployment("web"))
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "registry.test/web:2"}]}}}}

    patched = apps.patch_namespaced_deployment(
        "web", namespace, patch, _content_type="application/strategic-merge-patch+json"
    )

    assert patched.spec.template.spec.containers[0].image == "registry.test/web:2"
    assert patched.spec.template.spec.containers[0].ports[0].container_port == 80
    assert patched.metadata.generation == 2


def test_a_json_patch_changes_one_value(apps: Any, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, deployment("web"))

    patched = apps.patch_namespaced_deployment(
        "web",
        namespace,
        [{"op": "replace", "path": "/spec/replicas", "value": 0}],
        _content_type="application/json-patch+json",
    )

    assert patched.spec.replicas == 0


def test_metadata_alone_does_not_raise_the_generation(apps: Any, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, deployment("web"))

    patched = apps.patch_namespaced_deployment("web", namespace, {"metadata": {"labels": {"a": "b"}}})

    assert patched.metadata.generation == 1


def test_annotations_of_a_deployment_raise_its_generation_unless_its_controller_writes_them(
    apps: Any, namespace: str
) -> None:
    apps.create_namespaced_deployment(namespace, deployment("web"))

    patched = apps.patch_namespaced_deployment("web", namespace, {"metadata": {"annotations": {"a": "b"}}})
    with_status = apps.patch_namespaced_deployment_status("web", namespace, {"metadata": {"annotations": {"a": "c"}}})
    without = apps.patch_namespaced_deployment_status("web", namespace, {"metadata": {"annotations": {"a": None}}})

    assert [one.metadata.generation for one in (patched, with_status, without)] == [2, 2, 2]
    assert with_status.metadata.annotations == {"a": "c"}
    assert not without.metadata.annotations


def test_the_status_is_written_apart_from_the_spec(core: Any, namespace: str) -> None:
    hard = {"hard": {"count/leases.coordination.k8s.io": "9"}}
    core.create_namespaced_resource_quota(namespace, {"metadata": {"name": "q"}, "spec": hard})

    by_main = core.patch_namespaced_resource_quota("q", namespace, {"status": {"hard": {"pods": "77"}}})
    by_status = core.patch_namespaced_resource_quota_status("q", namespace, {"spec": {"hard": {"pods": "88"}}})

    assert (by_main.status.hard or {}).get("pods") != "77"
    assert "pods" not in by_status.spec.hard


def test_applying_the_same_manifest_again_changes_nothing(objects: Any, namespace: str) -> None:
    first = apply(objects, deployment("web", replicas=0), namespace)
    again = apply(objects, deployment("web", replicas=0), namespace)

    assert again.metadata.resourceVersion == first.metadata.resourceVersion
    managed = first.to_dict()["metadata"]["managedFields"]
    (mine,) = [entry for entry in managed if entry["manager"] == "alice"]
    assert mine["operation"] == "Apply"
    assert mine["fieldsV1"]["f:spec"]["f:replicas"] == {}
    assert "f:strategy" not in mine["fieldsV1"]["f:spec"]


def test_a_quantity_written_otherwise_changes_nothing(objects: Any, namespace: str) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}}
    apply(objects, {**quota, "spec": {"hard": {"requests.cpu": "0.5"}}}, namespace)

    again = apply(objects, {**quota, "spec": {"hard": {"requests.cpu": "500m"}}}, namespace)

    assert again.spec.hard["requests.cpu"] == "500m"
    assert again.metadata.generation in (None, 1)


def test_a_second_manager_conflicts_and_force_takes_over(objects: Any, namespace: str) -> None:
    apply(objects, config_map("c", data={"a": "1", "b": "1"}), namespace)

    status = refused(apply, objects, config_map("c", data={"a": "2"}), namespace, "bob")
    taken = apply(objects, config_map("c", data={"a": "2"}), namespace, "bob", force_conflicts=True)
    left = apply(objects, config_map("c"), namespace, "alice")

    assert (status["code"], status["reason"]) == (409, "Conflict")
    (cause,) = status["details"]["causes"]
    assert cause == {"reason": "FieldManagerConflict", "message": 'conflict with "alice"', "field": ".data.a"}
    assert taken.data.to_dict() == {"a": "2", "b": "1"}
    assert left.data.to_dict() == {"a": "2"}


def test_an_apply_of_an_old_version_conflicts(objects: Any, namespace: str) -> None:
    first = apply(objects, config_map("c", data={"a": "1"}), namespace)
    apply(objects, config_map("c", data={"a": "2"}), namespace)
    stale = config_map("c", data={"a": "3"}, metadata={"resourceVersion": first.metadata.resourceVersion})

    status = refused(apply, objects, stale, namespace)

    assert (status["code"], status["reason"]) == (409, "Conflict")


def test_an_apply_to_a_missing_object_creates_it_whatever_version_it_names(objects: Any, namespace: str) -> None:
    made = apply(objects, config_map("c", data={"a": "1"}, metadata={"resourceVersion": "1"}), namespace)

    assert made.data.to_dict() == {"a": "1"}


def test_an_apply_needs_a_manager_and_known_fields(api: Any, objects: Any, namespace: str) -> None:
    core = client.CoreV1Api(api)
    anonymous = refused(
        core.patch_namespaced_config_map,
        "c",
        namespace,
        config_map("c"),
        _content_type="application/apply-patch+yaml",
    )
    unknown = refused(apply, objects, config_map("c", colour="red"), namespace)

    assert anonymous["code"] in (400, 422)
    assert "fieldManager" in anonymous["message"]
    assert ".colour: field not declared in schema" in unknown["message"]


def test_a_dry_run_says_what_would_be_and_changes_nothing(core: Any, namespace: str) -> None:
    made = core.create_namespaced_config_map(namespace, config_map("c"), dry_run="All")

    assert made.metadata.uid
    assert refused(core.read_namespaced_config_map, "c", namespace)["code"] == 404


def test_unknown_fields_are_refused_when_validation_is_strict(api: Any, objects: Any, namespace: str) -> None:
    if int(client.VersionApi(api).get_code().minor.rstrip("+")) < STRICT_SINCE:
        pytest.skip("this server is too old to be strict")
    body = config_map("c", colour="red")
    config_maps = objects.resources.get(api_version="v1", kind="ConfigMap")

    status = refused(config_maps.create, body, namespace, query_params=[("fieldValidation", "Strict")])
    made = config_maps.create(body, namespace)

    assert status["code"] == 400
    assert 'unknown field "colour"' in status["message"]
    assert made.metadata.name == "c"


def test_an_invalid_object_names_its_faulty_fields(apps: Any, namespace: str) -> None:
    body = deployment("Bad_Name")
    body["spec"]["template"]["metadata"]["labels"] = {"app": "else"}

    status = refused(apps.create_namespaced_deployment, namespace, body)

    assert (status["code"], status["reason"]) == (422, "Invalid")
    assert status["message"].startswith('Deployment.apps "Bad_Name" is invalid: [')
    assert {"metadata.name", "spec.template.metadata.labels"} <= {
        cause["field"] for cause in status["details"]["causes"]
    }


def test_string_data_is_stored_encoded_and_immutable_secrets_keep_it(core: Any, namespace: str) -> None:
    body = {"metadata": {"name": "s"}, "stringData": {"key": "value"}, "immutable": True}
    made = core.create_namespaced_secret(namespace, body)

    status = refused(core.patch_namespaced_secret, "s", namespace, {"stringData": {"key": "other"}})

    assert made.data == {"key": "dmFsdWU="}
    assert made.string_data is None
    assert made.type == "Opaque"
    assert status["code"] == 422
    assert "field is immutable when `immutable` is set" in status["message"]


def test_a_service_gets_an_address_or_none_as_it_asks(core: Any, namespace: str) -> None:
    ports = [{"port": 80}]
    given = core.create_namespaced_service(namespace, {"metadata": {"name": "given"}, "spec": {"ports": ports}})
    spec = {"ports": ports, "clusterIP": "None"}
    headless = core.create_namespaced_service(namespace, {"metadata": {"name": "headless"}, "spec": spec})

    assert given.spec.cluster_ip.count(".") == 3
    assert given.spec.ports[0].target_port == 80
    assert headless.spec.cluster_ip == "None"
    status = refused(core.patch_namespaced_service, "given", namespace, {"spec": {"clusterIP": "10.96.77.77"}})
    assert status["code"] == 422


def test_lists_select_by_labels_and_fields_and_come_in_pages(core: Any, namespace: str) -> None:
    for name, tier in (("a", "front"), ("b", "back"), ("c", "front")):
        core.create_namespaced_config_map(namespace, config_map(name, metadata={"labels": {"tier": tier}}))
    mine = "tier in (front,back)"

    def names(**options: Any) -> list[str]:
        return [item.metadata.name for item in core.list_namespaced_config_map(namespace, **options).items]

    assert names(label_selector="tier=front") == ["a", "c"]
    assert names(field_selector="metadata.name=b") == ["b"]
    page = core.list_namespaced_config_map(namespace, label_selector=mine, limit=2)
    assert [item.metadata.name for item in page.items] == ["a", "b"]
    assert names(label_selector=mine, limit=2, _continue=page.metadata._continue) == ["c"]
    everywhere = core.list_config_map_for_all_namespaces(field_selector=f"metadata.namespace={namespace}")
    assert {"a", "b", "c"} <= {item.metadata.name for item in everywhere.items}


def test_deleting_with_another_uid_conflicts(core: Any, namespace: str) -> None:
    made = core.create_namespaced_config_map(namespace, config_map("c"))

    status = refused(core.delete_namespaced_config_map, "c", namespace, body={"preconditions": {"uid": str(uuid4())}})
    core.delete_namespaced_config_map("c", namespace, body={"preconditions": {"uid": made.metadata.uid}})

    assert (status["code"], status["reason"]) == (409, "Conflict")
    assert refused(core.read_namespaced_config_map, "c", namespace)["code"] == 404


def test_a_quota_refuses_the_pod_that_exceeds_it(core: Any, namespace: str) -> None:
    hard = {"hard": {"pods": "1", "limits.memory": "1Gi"}}
    core.create_namespaced_resource_quota(namespace, {"metadata": {"name": "q"}, "spec": hard})

    def pod(name: str, **resources: Any) -> Object:
        container = {"name": "c", "image": "registry.test/c:1", "resources": resources}
        return {"metadata": {"name": name}, "spec": {"containers": [container]}}

    unstated = refused(core.create_namespaced_pod, namespace, pod("unstated"))
    too_big = refused(core.create_namespaced_pod, namespace, pod("big", limits={"memory": "2Gi"}))

    assert unstated["code"] == 403
    assert "failed quota: q: must specify limits.memory" in unstated["message"]
    assert (too_big["code"], too_big["reason"]) == (403, "Forbidden")
    assert too_big["message"] == (
        'pods "big" is forbidden: exceeded quota: q, requested: limits.memory=2Gi, used: limits.memory=0, '
        "limited: limits.memory=1Gi"
    )


def test_a_limit_range_completes_the_containers_of_a_pod(core: Any, namespace: str) -> None:
    limits = [{"type": "Container", "default": {"memory": "64Mi"}, "max": {"memory": "128Mi"}}]
    core.create_namespaced_limit_range(namespace, {"metadata": {"name": "l"}, "spec": {"limits": limits}})
    pod: Object = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "registry.test/c:1"}]}}

    made = core.create_namespaced_pod(namespace, pod, dry_run="All")
    pod["spec"]["containers"][0]["resources"] = {"limits": {"memory": "1Gi"}}
    status = refused(core.create_namespaced_pod, namespace, pod)

    assert made.spec.containers[0].resources.limits == {"memory": "64Mi"}
    assert made.spec.containers[0].resources.requests == {"memory": "64Mi"}
    assert "maximum memory usage per Container is 128Mi, but limit is 1Gi" in status["message"]

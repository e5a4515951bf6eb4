"""How objects end in the embedded cluster: finalizers, grace, dependents, namespaces; and how watches see it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException

from local_kubernetes.cluster import Fault, ServedCluster, serving

Object = dict[str, Any]
connect: Any = config.new_client_from_config
Watch: Any = watch.Watch


@pytest.fixture(scope="module")
def cluster() -> Iterator[ServedCluster]:
    with serving(fault_route=True) as served:
        yield served


@pytest.fixture
def api(cluster: ServedCluster) -> Iterator[Any]:
    with connect(str(cluster.kubeconfig_file)) as connected:
        yield connected


@pytest.fixture
def core(api: Any) -> Any:
    return client.CoreV1Api(api)


@pytest.fixture
def namespace(core: Any) -> str:
    name = core.create_namespace({"metadata": {"generateName": "test-"}}).metadata.name
    assert isinstance(name, str)
    return name


def config_map(name: str, **metadata: Any) -> Object:
    return {"metadata": {"name": name, **metadata}}


def pod(name: str, **metadata: Any) -> Object:
    return {
        "metadata": {"name": name, **metadata},
        "spec": {"containers": [{"name": "c", "image": "registry.test/c:1"}]},
    }


def owner(of: Any, *, blocks: bool = False) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": of.metadata.name,
        "uid": of.metadata.uid,
        "blockOwnerDeletion": blocks,
    }


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.01)


def gone(read: Callable[..., Any], *arguments: Any) -> Callable[[], bool]:
    def check() -> bool:
        try:
            read(*arguments)
        except ApiException as error:
            if error.status != 404:
                raise
            return True
        return False

    return check


def test_a_finalizer_holds_an_object_until_it_is_taken_away(core: Any, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map("c", finalizers=["test.io/hold"]))

    core.delete_namespaced_config_map("c", namespace)

    held = core.read_namespaced_config_map("c", namespace)
    assert held.metadata.deletion_timestamp
    with pytest.raises(ApiException, match="no new finalizers can be added"):
        core.patch_namespaced_config_map("c", namespace, {"metadata": {"finalizers": ["test.io/hold", "test.io/b"]}})
    core.patch_namespaced_config_map("c", namespace, {"metadata": {"finalizers": None}})
    assert gone(core.read_namespaced_config_map, "c", namespace)()


def test_dependents_follow_their_owner(core: Any, namespace: str) -> None:
    root = core.create_namespaced_config_map(namespace, config_map("root"))
    child = core.create_namespaced_config_map(namespace, config_map("child", ownerReferences=[owner(root)]))
    core.create_namespaced_config_map(namespace, config_map("grandchild", ownerReferences=[owner(child)]))

    core.delete_namespaced_config_map("root", namespace)

    eventually(gone(core.read_namespaced_config_map, "grandchild", namespace))


def test_a_dependent_of_an_owner_that_is_gone_already_goes_too(core: Any, namespace: str) -> None:
    root = core.create_namespaced_config_map(namespace, config_map("root"))
    core.delete_namespaced_config_map("root", namespace)

    core.create_namespaced_config_map(namespace, config_map("late", ownerReferences=[owner(root)]))

    eventually(gone(core.read_namespaced_config_map, "late", namespace))


def test_a_dependent_of_two_owners_stays_for_the_other(core: Any, namespace: str) -> None:
    first = core.create_namespaced_config_map(namespace, config_map("first"))
    second = core.create_namespaced_config_map(namespace, config_map("second"))
    references = [owner(first), owner(second)]
    core.create_namespaced_config_map(namespace, config_map("shared", ownerReferences=references))

    core.delete_namespaced_config_map("first", namespace)

    def owners() -> list[str]:
        shared = core.read_namespaced_config_map("shared", namespace)
        return [reference.name for reference in shared.metadata.owner_references]

    eventually(lambda: owners() == ["second"])


def test_orphans_lose_their_owner_and_stay(core: Any, namespace: str) -> None:
    root = core.create_namespaced_config_map(namespace, config_map("root"))
    core.create_namespaced_config_map(namespace, config_map("child", ownerReferences=[owner(root)]))

    core.delete_namespaced_config_map("root", namespace, propagation_policy="Orphan")

    assert core.read_namespaced_config_map("child", namespace).metadata.owner_references is None


def test_in_foreground_the_owner_waits_for_dependents_that_block_it(core: Any, namespace: str) -> None:
    root = core.create_namespaced_config_map(namespace, config_map("root"))
    held = config_map("child", ownerReferences=[owner(root, blocks=True)], finalizers=["test.io/hold"])
    core.create_namespaced_config_map(namespace, held)

    core.delete_namespaced_config_map("root", namespace, propagation_policy="Foreground")

    eventually(lambda: core.read_namespaced_config_map("child", namespace).metadata.deletion_timestamp is not None)
    assert core.read_namespaced_config_map("root", namespace).metadata.finalizers == ["foregroundDeletion"]
    core.patch_namespaced_config_map("child", namespace, {"metadata": {"finalizers": None}})
    eventually(gone(core.read_namespaced_config_map, "root", namespace))


def test_a_pod_on_a_node_goes_when_its_agent_says_so(core: Any, namespace: str) -> None:
    core.create_node({"metadata": {"name": f"node-{namespace}"}})
    core.create_namespaced_pod(namespace, pod("p"))
    target = {"kind": "Node", "name": f"node-{namespace}"}
    core.create_namespaced_pod_binding(
        "p", namespace, {"metadata": {"name": "p"}, "target": target}, _preload_content=False
    )

    core.delete_namespaced_pod("p", namespace)

    leaving = core.read_namespaced_pod("p", namespace)
    assert leaving.spec.node_name == f"node-{namespace}"
    assert leaving.metadata.deletion_timestamp
    assert leaving.metadata.deletion_grace_period_seconds == 30
    core.delete_namespaced_pod("p", namespace, grace_period_seconds=0)
    assert gone(core.read_namespaced_pod, "p", namespace)()


def test_a_pod_without_a_node_goes_at_once(core: Any, namespace: str) -> None:
    core.create_namespaced_pod(namespace, pod("p"))

    core.delete_namespaced_pod("p", namespace)

    assert gone(core.read_namespaced_pod, "p", namespace)()


def test_a_pod_gets_its_node_by_binding_only(core: Any, namespace: str) -> None:
    core.create_namespaced_pod(namespace, pod("p"))

    with pytest.raises(ApiException, match="pod updates may not change fields other than"):
        core.patch_namespaced_pod("p", namespace, {"spec": {"nodeName": "n"}})


def test_a_collection_is_deleted_by_selector(core: Any, namespace: str) -> None:
    for name in ("a", "b"):
        core.create_namespaced_config_map(namespace, config_map(name, labels={"name": name}))

    core.delete_collection_namespaced_config_map(namespace, label_selector="name=a")

    assert [item.metadata.name for item in core.list_namespaced_config_map(namespace).items] == ["b"]


def test_a_namespace_goes_after_all_it_holds(core: Any, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map("held", finalizers=["test.io/hold"]))
    core.create_namespaced_config_map(namespace, config_map("free"))

    core.delete_namespace(namespace)

    eventually(gone(core.read_namespaced_config_map, "free", namespace))
    assert core.read_namespace(namespace).status.phase == "Terminating"
    with pytest.raises(ApiException, match="because it is being terminated") as refused:
        core.create_namespaced_config_map(namespace, config_map("late"))
    assert refused.value.status == 403
    core.patch_namespaced_config_map("held", namespace, {"metadata": {"finalizers": None}})
    eventually(gone(core.read_namespace, namespace))


def test_a_watch_sees_every_change_in_order(core: Any, namespace: str) -> None:
    since = core.list_namespaced_config_map(namespace).metadata.resource_version
    core.create_namespaced_config_map(namespace, config_map("c"))
    core.patch_namespaced_config_map("c", namespace, {"data": {"a": "1"}})
    core.delete_namespaced_config_map("c", namespace)

    stream = Watch().stream(core.list_namespaced_config_map, namespace, resource_version=since, timeout_seconds=1)

    assert [event["type"] for event in stream] == ["ADDED", "MODIFIED", "DELETED"]


def test_a_watch_with_a_selector_sees_objects_come_and_go_with_their_labels(core: Any, namespace: str) -> None:
    since = core.list_namespaced_config_map(namespace).metadata.resource_version
    core.create_namespaced_config_map(namespace, config_map("c"))
    core.patch_namespaced_config_map("c", namespace, {"metadata": {"labels": {"in": "yes"}}})
    core.patch_namespaced_config_map("c", namespace, {"data": {"a": "1"}})
    core.patch_namespaced_config_map("c", namespace, {"metadata": {"labels": {"in": None}}})

    stream = Watch().stream(
        core.list_namespaced_config_map,
        namespace,
        resource_version=since,
        label_selector="in=yes",
        timeout_seconds=1,
    )

    assert [event["type"] for event in stream] == ["ADDED", "MODIFIED", "DELETED"]


def test_a_watch_without_a_version_begins_with_what_is_there(core: Any, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map("c"))
    watcher = Watch()
    seen: list[tuple[str, str]] = []

    for event in watcher.stream(core.list_namespaced_config_map, namespace, timeout_seconds=5):
        seen.append((event["type"], event["object"].metadata.name))
        if len(seen) == 1:
            core.create_namespaced_config_map(namespace, config_map("d"))
        else:
            watcher.stop()

    assert seen == [("ADDED", "c"), ("ADDED", "d")]


def test_a_watch_from_a_version_before_the_history_has_expired(core: Any, namespace: str) -> None:
    stream = Watch().stream(core.list_namespaced_config_map, namespace, resource_version="1", timeout_seconds=1)

    with pytest.raises(ApiException) as refused:
        next(stream)

    assert refused.value.status == 410


def test_the_cluster_stops_at_once_with_open_watches() -> None:
    with serving() as cluster, connect(str(cluster.kubeconfig_file)) as connected:
        ready = threading.Event()

        def follow() -> None:
            for _ in Watch().stream(client.CoreV1Api(connected).list_namespace, timeout_seconds=60):
                ready.set()

        follower = threading.Thread(target=follow, daemon=True)
        follower.start()
        assert ready.wait(5)
        started = time.monotonic()
    assert time.monotonic() - started < 1.5


def post(api: Any, cluster: ServedCluster, body: Object) -> int:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {cluster.identity.token}"}
    url = f"{cluster.url}/_faults"
    answer = api.rest_client.pool_manager.request("POST", url, body=json.dumps(body), headers=headers)
    return int(answer.status)


def test_faults_are_turned_on_and_off_at_run_time(cluster: ServedCluster, api: Any, core: Any) -> None:
    assert post(api, cluster, {"status": 500, "seconds": 60}) == 200
    with pytest.raises(ApiException) as refused:
        core.list_namespace()
    assert post(api, cluster, {"seconds": 0}) == 200

    assert refused.value.status == 500
    assert core.list_namespace().items


def test_a_fault_hook_is_asked_about_every_request() -> None:
    asked: list[tuple[str, str]] = []

    def faults(method: str, path: str) -> Fault | None:
        asked.append((method, path))
        return Fault(status=429, retry_after=0) if path.endswith("/nodes") else None

    with serving(faults=faults) as cluster, connect(str(cluster.kubeconfig_file)) as connected:
        core = client.CoreV1Api(connected)
        core.list_namespace()
        with pytest.raises(ApiException) as refused:
            core.list_node()

    assert refused.value.status == 429
    assert (refused.value.headers or {})["Retry-After"] == "0"
    assert asked[0] == ("GET", "/api/v1/namespaces")


def test_faults_are_not_for_everyone() -> None:
    with serving() as cluster, connect(str(cluster.kubeconfig_file)) as connected:
        assert post(connected, cluster, {"seconds": 1}) == 404

"""ResourceQuotas, LimitRanges and service accounts: what a namespace has no room for is refused, and why."""

from typing import Any

import pytest
from tests.unit.cluster_objects import NAMESPACE, BareCluster, container, deployment, pod, refusal

from local_kubernetes.cluster.kinds import Object


def limited(**hard: str) -> BareCluster:
    """A cluster whose namespace has a quota; `__` in a name stands for `/`, `_` for `.`."""
    cluster = BareCluster()
    written = {name.replace("__", "/").replace("_", "."): amount for name, amount in hard.items()}
    cluster.create("ResourceQuota", {"metadata": {"name": "q"}, "spec": {"hard": written}})
    return cluster


def asking(requests: Object | None = None, limits: Object | None = None) -> list[Object]:
    return [container(resources={"requests": requests or {}, "limits": limits or {}})]


SERVICE: Object = {"spec": {"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}]}}


@pytest.mark.parametrize(
    ("name", "kind", "body"),
    [
        ("pods", "Pod", pod()),
        ("count/pods", "Pod", pod()),
        ("services", "Service", SERVICE),
        ("count/services", "Service", SERVICE),
        ("secrets", "Secret", {}),
        ("configmaps", "ConfigMap", {}),
        ("count/serviceaccounts", "ServiceAccount", {}),
        ("count/deployments.apps", "Deployment", deployment()),
        ("count/replicasets.apps", "ReplicaSet", deployment()),
        ("count/networkpolicies.networking.k8s.io", "NetworkPolicy", {"spec": {"podSelector": {}}}),
        ("count/poddisruptionbudgets.policy", "PodDisruptionBudget", {"spec": {"minAvailable": 1}}),
    ],
)
def test_every_kind_of_object_can_be_counted(name: str, kind: str, body: Object) -> None:
    cluster = BareCluster()
    there = 1 if kind == "ServiceAccount" else 0
    cluster.create("ResourceQuota", {"metadata": {"name": "q"}, "spec": {"hard": {name: str(1 + there)}}})
    cluster.create(kind, {**body, "metadata": {"name": "one"}})

    error = refusal(cluster.create, kind, {**body, "metadata": {"name": "two"}})

    assert error.code == 403
    assert error.message.endswith(
        f'"two" is forbidden: exceeded quota: q, requested: {name}=1, used: {name}={1 + there}, '
        f"limited: {name}={1 + there}"
    )


@pytest.mark.parametrize(
    ("name", "containers"),
    [
        ("cpu", asking({"cpu": "600m"})),
        ("requests.cpu", asking({"cpu": "600m"})),
        ("limits.cpu", asking({}, {"cpu": "600m"})),
        ("requests.ephemeral-storage", asking({"ephemeral-storage": "600m"})),
        ("limits.ephemeral-storage", asking({}, {"ephemeral-storage": "600m"})),
    ],
)
def test_compute_is_summed_over_the_pods_of_the_namespace(name: str, containers: list[Object]) -> None:
    cluster = BareCluster()
    cluster.create("ResourceQuota", {"metadata": {"name": "q"}, "spec": {"hard": {name: "1"}}})
    cluster.create("Pod", pod("one", containers=containers))

    error = refusal(cluster.create, "Pod", pod("two", containers=containers))

    assert error.message == (
        f'pods "two" is forbidden: exceeded quota: q, requested: {name}=600m, used: {name}=600m, limited: {name}=1'
    )


def test_each_container_states_what_a_quota_limits() -> None:
    cluster = limited(limits_memory="1Gi", requests_cpu="1", **{"requests.ephemeral-storage": "1Gi"})
    both = [*asking({"cpu": "1m"}), {**container(name="side"), "resources": {"limits": {"memory": "1Mi"}}}]

    error = refusal(cluster.create, "Pod", pod(containers=both))

    assert error.message == (
        'pods "web" is forbidden: failed quota: q: must specify limits.memory for: main; requests.cpu for: side'
    )


def test_an_init_container_counts_when_it_asks_for_more_than_all_the_others() -> None:
    cluster = limited(requests_cpu="1")
    first = [{**container(name="first"), "resources": {"requests": {"cpu": "2"}}}]

    error = refusal(cluster.create, "Pod", pod(containers=asking({"cpu": "500m"}), initContainers=first))

    assert "requested: requests.cpu=2, used: requests.cpu=0, limited: requests.cpu=1" in error.message


def test_what_is_deleted_makes_room_and_used_says_so() -> None:
    cluster = limited(pods="1", requests_cpu="1")
    cluster.create("Pod", pod("one", containers=asking({"cpu": "750m"})))
    cluster.settle()
    assert cluster.read("ResourceQuota", "q")["status"]["used"] == {"pods": "1", "requests.cpu": "750m"}

    cluster.delete("Pod", "one")
    cluster.settle()

    assert cluster.read("ResourceQuota", "q")["status"]["used"] == {"pods": "0", "requests.cpu": "0"}
    cluster.create("Pod", pod("two", containers=asking({"cpu": "1"})))


def test_a_finished_pod_leaves_room_for_another_but_still_counts_as_an_object() -> None:
    cluster = limited(pods="1", count__pods="2")
    cluster.create("Pod", pod("one"))
    cluster.patch("Pod", "one", {"status": {"phase": "Succeeded"}}, subresource="status")
    cluster.create("Pod", pod("two"))

    assert "exceeded quota: q, requested: count/pods=1,pods=1" in refusal(cluster.create, "Pod", pod("three")).message


def test_a_service_that_becomes_a_node_port_needs_room_for_its_ports() -> None:
    cluster = limited(services_nodeports="1")
    cluster.create("Service", {"metadata": {"name": "web"}, **SERVICE})

    error = refusal(cluster.patch, "Service", "web", {"spec": {"type": "NodePort"}})

    assert "requested: services.nodeports=2, used: services.nodeports=0, limited: services.nodeports=1" in error.message


def test_a_scoped_quota_counts_the_pods_of_its_scope_alone() -> None:
    cluster = BareCluster()
    spec: Any = {"hard": {"pods": "0"}, "scopes": ["BestEffort"]}
    cluster.create("ResourceQuota", {"metadata": {"name": "q"}, "spec": spec})

    cluster.create("Pod", pod("burstable", containers=asking({"cpu": "1m"})))

    assert "exceeded quota: q" in refusal(cluster.create, "Pod", pod("best-effort")).message


def test_limits_that_a_range_gives_count_against_the_quota() -> None:
    cluster = limited(limits_cpu="1")
    limits = [{"type": "Container", "default": {"cpu": "2"}}]
    cluster.create("LimitRange", {"metadata": {"name": "l"}, "spec": {"limits": limits}})

    assert "requested: limits.cpu=2" in refusal(cluster.create, "Pod", pod()).message


@pytest.mark.parametrize(
    ("limit", "containers", "fault"),
    [
        (
            {"type": "Container", "max": {"cpu": "1"}, "default": {"cpu": "1"}},
            asking({}, {"cpu": "2"}),
            "maximum cpu usage per Container is 1, but limit is 2",
        ),
        (
            {"type": "Container", "min": {"cpu": "100m"}},
            asking({"cpu": "50m"}),
            "minimum cpu usage per Container is 100m, but request is 50m",
        ),
        (
            {"type": "Pod", "max": {"memory": "1Gi"}},
            asking({}, {}),
            "maximum memory usage per Pod is 1Gi.  No limit is specified",
        ),
        (
            {"type": "Container", "maxLimitRequestRatio": {"cpu": "2"}},
            asking({"cpu": "1"}, {"cpu": "3"}),
            "cpu max limit to request ratio per Container is 2, but provided ratio is 3",
        ),
    ],
)
def test_a_limit_range_bounds_containers_and_pods(limit: Object, containers: list[Object], fault: str) -> None:
    cluster = BareCluster()
    cluster.create("LimitRange", {"metadata": {"name": "l"}, "spec": {"limits": [limit]}})

    error = refusal(cluster.create, "Pod", pod(containers=containers))

    assert error.message.startswith(f'pods "web" is forbidden: {fault}')


def test_a_pod_needs_its_service_account_and_every_namespace_has_the_default_one() -> None:
    cluster = BareCluster()
    cluster.create("Pod", pod("one"))

    error = refusal(cluster.create, "Pod", pod("two", serviceAccountName="runner"))

    assert error.message == (
        f'pods "two" is forbidden: error looking up service account {NAMESPACE}/runner: '
        'serviceaccount "runner" not found'
    )


def test_the_namespaces_of_the_system_cannot_be_deleted() -> None:
    cluster = BareCluster()
    cluster.create("Namespace", {"metadata": {"name": "kube-system"}})

    error = refusal(cluster.delete, "Namespace", "kube-system")

    assert (error.code, error.message) == (
        403,
        'namespaces "kube-system" is forbidden: this namespace may not be deleted',
    )

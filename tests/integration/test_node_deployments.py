"""The process node runs Deployments over a Kubernetes API: what a user of the cluster sees."""

import base64
import hashlib
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.node_harness import (
    Cluster,
    NodeProcess,
    api_server,
    eventually,
    processes_with,
    python,
    server,
)

from provider_hub.adapters import kubernetes
from provider_hub.domain.cells import DEFAULT_CELL
from provider_hub.domain.manifests import INSTALLATION_ID
from provider_hub.settings.everything import Cluster as Settings


@pytest.fixture(scope="module")
def kubeconfig() -> Iterator[Path]:
    with api_server() as file:
        yield file


@pytest.fixture(scope="module")
def node(kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    running = NodeProcess(kubeconfig, tmp_path_factory.mktemp("node") / "state")
    try:
        running.wait_ready()
        yield running
    finally:
        assert running.terminate() == 0


@pytest.fixture
def cluster(kubeconfig: Path, node: NodeProcess) -> Iterator[Cluster]:
    with Cluster(kubeconfig).opened() as opened:
        yield opened


def get(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}:8080/", timeout=2) as answer:
        return str(answer.read().decode())


def test_the_node_is_ready_and_says_where_its_logs_are(cluster: Cluster, node: NodeProcess) -> None:
    found = cluster.core.read_node(node.name)
    ready = next(one for one in found.status.conditions if one.type == "Ready")
    assert ready.status == "True"
    assert found.status.daemon_endpoints.kubelet_endpoint.port > 0
    assert {one.type: one.address for one in found.status.addresses}["InternalIP"] == "127.0.0.1"


def test_a_deployment_becomes_available_and_each_pod_has_an_address_of_its_own(cluster: Cluster) -> None:
    cluster.deploy("web", server(), replicas=2)
    cluster.wait_available("web")
    addresses = {pod.status.pod_ip for pod in cluster.pods("web")}
    assert len(addresses) == 2
    assert [get(address) for address in addresses] == ["1", "1"]
    status = cluster.deployment("web").status
    assert (status.replicas, status.ready_replicas, status.updated_replicas) == (2, 2, 2)
    (replica_set,) = cluster.apps.list_namespaced_replica_set(cluster.namespace).items
    assert replica_set.metadata.generation == 1, "it was made with its pods, and never scaled"
    assert cluster.condition("web", "Progressing").reason == "NewReplicaSetAvailable"
    assert all(
        {one.type: one.status for one in pod.status.conditions}["Ready"] == "True" for pod in cluster.pods("web")
    )


def test_the_old_pod_serves_until_the_new_one_is_ready(cluster: Cluster) -> None:
    cluster.deploy("web", server("1"))
    cluster.wait_available("web")
    old = cluster.pods("web")[0].status.pod_ip
    cluster.change("web", python("import time; print('never ready', flush=True); time.sleep(60)", env=[]))
    eventually(lambda: len(cluster.pods("web")) == 2, "there is a new pod beside the old one")
    assert get(old) == "1"
    assert cluster.condition("web", "Available").status == "True"
    cluster.change("web", server("2"))
    cluster.wait_rolled_out("web")
    assert get(cluster.pods("web")[0].status.pod_ip) == "2"
    assert cluster.deployment("web").metadata.annotations["deployment.kubernetes.io/revision"] == "3"


def test_going_back_to_an_earlier_template_takes_its_replica_set_again(cluster: Cluster) -> None:
    cluster.deploy("web", server("1"))
    cluster.wait_rolled_out("web")
    first = cluster.pods("web")[0].metadata.owner_references[0].name
    for version in ("2", "1"):
        cluster.change("web", server(version))
        cluster.wait_rolled_out("web")
    eventually(lambda: len(cluster.pods("web")) == 1, "only one pod is left")
    assert cluster.pods("web")[0].metadata.owner_references[0].name == first


def test_pods_orphaned_by_their_deployment_run_on_and_are_taken_over_by_the_next(cluster: Cluster) -> None:
    cluster.deploy("web", server())
    cluster.wait_rolled_out("web")
    name = cluster.pods("web")[0].metadata.name
    cluster.apps.delete_namespaced_deployment("web", cluster.namespace, propagation_policy="Orphan")
    eventually(lambda: not cluster.apps.list_namespaced_deployment(cluster.namespace).items, "the deployment is gone")
    cluster.deploy("web", server())
    cluster.wait_rolled_out("web")
    assert [pod.metadata.name for pod in cluster.pods("web")] == [name]


def test_recreate_never_runs_old_and_new_side_by_side(cluster: Cluster) -> None:
    cluster.deploy("web", server("1"), strategy={"type": "Recreate"})
    cluster.wait_rolled_out("web")
    old = cluster.pods("web")[0].metadata.name
    cluster.change("web", server("2"))

    def names() -> set[str]:
        found = {pod.metadata.name for pod in cluster.pods("web")}
        assert len(found) <= 1, f"{found} at the same time"
        return found

    eventually(lambda: names() - {old}, "the new pod is there")
    cluster.wait_rolled_out("web")


def test_a_crashing_container_tells_its_exit_code_and_its_last_line(cluster: Cluster) -> None:
    cluster.deploy("web", python("print('first'); print('no database'); raise SystemExit(3)"))

    def backing_off() -> Any:
        status = cluster.container_status("web")
        waiting = status and status.state.waiting
        return status if waiting and waiting.reason == "CrashLoopBackOff" else None

    status = eventually(backing_off, "the container is in CrashLoopBackOff")
    ended = status.last_state.terminated
    assert (ended.exit_code, ended.reason) == (3, "Error")
    assert ended.message == "first\nno database\n"
    assert status.restart_count >= 1
    assert "restarting failed container=main" in status.state.waiting.message
    pod = cluster.pods("web")[0].metadata.name
    assert cluster.logs(pod, previous=True, tail_lines=1) == "no database\n"
    assert cluster.condition("web", "Available").status == "False"


def test_a_command_that_does_not_exist_is_told(cluster: Cluster) -> None:
    cluster.deploy("web", {"command": ["no-such-program"]})
    status = eventually(
        lambda: (s := cluster.container_status("web")) and s.last_state.terminated and s, "the start failed"
    )
    assert (status.last_state.terminated.exit_code, status.last_state.terminated.reason) == (128, "StartError")
    assert status.last_state.terminated.message == 'exec: "no-such-program": executable file not found in $PATH'


def test_an_image_that_cannot_be_pulled_is_told(cluster: Cluster) -> None:
    cluster.deploy("web", {"image": "registry.test/missing:1"})
    reasons = set()

    def both_seen() -> bool:
        status = cluster.container_status("web")
        if status and status.state.waiting:
            reasons.add(status.state.waiting.reason)
        return {"ErrImagePull", "ImagePullBackOff"} <= reasons

    eventually(both_seen, "both image reasons were shown")


def test_a_secret_arrives_byte_for_byte_and_its_absence_is_waited_out(cluster: Cluster) -> None:
    values = {"HARD": "'\"\n$(HOME) $$ ${X} `id`\tü", "LARGE": "x" * 30_000, "EMPTY": ""}
    report = (
        "import os,hashlib,time; [print(n, hashlib.sha256(os.environb[n]).hexdigest()) for n in ({},)]; time.sleep(60)"
    )
    names = b",".join(repr(name.encode()).encode() for name in values).decode()
    cluster.deploy("web", python(report.format(names), envFrom=[{"secretRef": {"name": "config"}}]))
    status = eventually(
        lambda: (s := cluster.container_status("web")) and s.state.waiting and s.state.waiting.message and s,
        "the container waits for its Secret",
    )
    assert status.state.waiting.reason == "CreateContainerConfigError"
    assert status.state.waiting.message == 'secret "config" not found'
    data = {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}
    cluster.core.create_namespaced_secret(cluster.namespace, {"metadata": {"name": "config"}, "data": data})
    cluster.wait_available("web")
    pod = cluster.pods("web")[0].metadata.name
    lines = eventually(lambda: (text := cluster.logs(pod).splitlines()) and len(text) == 3 and text, "it has reported")
    assert lines == [
        f"{name.encode()!r} {hashlib.sha256(value.encode()).hexdigest()}" for name, value in values.items()
    ]


def test_a_container_sees_only_the_image_environment_and_its_own(cluster: Cluster) -> None:
    cluster.deploy("web", python("import os,time; print(sorted(os.environ)); print(os.getcwd()); time.sleep(60)"))
    cluster.wait_available("web")
    pod = cluster.pods("web")[0].metadata.name
    names, directory = eventually(lambda: len(t := cluster.logs(pod).splitlines()) == 2 and t, "it has reported")
    kept = ("PIP_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "http", "HTTP", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY")
    plain = [name for name in eval(names) if not name.startswith(kept)]  # noqa: S307 - a list the test had printed
    assert plain == ["HOME", "LANG", "PATH", "PYTHONUNBUFFERED", "TMPDIR"]
    assert directory != os.getcwd()  # noqa: PTH109 - compared as text


def test_an_unready_pod_is_not_available_and_a_failing_liveness_probe_restarts_it(cluster: Cluster) -> None:
    container = server()
    cluster.deploy("web", container)
    cluster.wait_available("web")
    probe = {**container["readinessProbe"], "failureThreshold": 1, "periodSeconds": 1}
    cluster.change("web", {**container, "livenessProbe": probe})
    cluster.wait_rolled_out("web")
    eventually(lambda: len(cluster.pods("web")) == 1, "only the new pod is left")
    pid = processes_with(cluster.pods("web")[0].metadata.uid)[0]
    environment = dict(
        entry.split(b"=", 1) for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") if b"=" in entry
    )
    broken = Path(environment[b"WORK"].decode()) / "broken"
    broken.touch()
    eventually(lambda: cluster.container_status("web").restart_count == 1, "the container was restarted")
    assert not cluster.container_status("web").ready
    broken.unlink()
    cluster.wait_available("web")


def test_a_rollout_that_misses_its_deadline_says_so(cluster: Cluster) -> None:
    container = python("import time; time.sleep(60)", readinessProbe={"exec": {"command": ["false"]}})
    cluster.deploy("web", container, progressDeadlineSeconds=1)
    eventually(
        lambda: (c := cluster.condition("web", "Progressing")) and c.reason == "ProgressDeadlineExceeded",
        "the deadline is exceeded",
    )
    assert cluster.condition("web", "Progressing").status == "False"


def test_a_quota_that_refuses_the_pod_is_told_by_the_deployment(cluster: Cluster) -> None:
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    cluster.core.create_namespaced_resource_quota(cluster.namespace, quota)
    cluster.deploy("web", server())
    condition = eventually(lambda: cluster.condition("web", "ReplicaFailure"), "the refusal is told")
    assert (condition.status, condition.reason) == ("True", "FailedCreate")
    assert "exceeded quota" in condition.message


def test_a_pod_that_the_namespace_s_level_refuses_is_reported_by_the_deployment_and_by_the_hub(
    cluster: Cluster, kubeconfig: Path
) -> None:
    cluster.deploy("web", {**server(), "securityContext": {"privileged": True}})
    installation_id = "01JGFJJZ00000000000000000A"
    labels = {"metadata": {"labels": {INSTALLATION_ID: installation_id}}}
    cluster.apps.patch_namespaced_deployment("web", cluster.namespace, labels)
    condition = eventually(lambda: cluster.condition("web", "ReplicaFailure"), "the refusal is reported")
    assert (condition.status, condition.reason) == ("True", "FailedCreate")
    assert 'violates PodSecurity "restricted:latest": privileged (container "main"' in condition.message
    hub = kubernetes.connect(Settings.model_validate({"kubeconfig": str(kubeconfig)})).by_cell[DEFAULT_CELL]
    shown = hub.status(cluster.namespace, "web", installation_id)
    assert shown is not None
    assert (shown.status, shown.healthy) == ("failed", False)
    assert str(shown.message).startswith("no pod could be made: pods")
    assert 'violates PodSecurity "restricted:latest"' in str(shown.message)


def test_a_pod_that_fits_no_node_is_unschedulable(cluster: Cluster) -> None:
    cluster.deploy("web", server(), pod={"nodeSelector": {"disk": "tape"}})

    def scheduled() -> Any:
        conditions = [one for pod in cluster.pods("web") if pod.status for one in pod.status.conditions or []]
        return next((one for one in conditions if one.type == "PodScheduled"), None)

    condition = eventually(scheduled, "the scheduler has spoken")
    assert (condition.status, condition.reason) == ("False", "Unschedulable")


def test_scaling_follows_the_spec(cluster: Cluster) -> None:
    cluster.deploy("web", server(), replicas=1)
    cluster.wait_available("web")
    for replicas in (3, 1, 0):
        cluster.apps.patch_namespaced_deployment("web", cluster.namespace, {"spec": {"replicas": replicas}})
        eventually(lambda wanted=replicas: len(cluster.pods("web")) == wanted, f"there are {replicas} pods")


def test_deleting_a_deployment_leaves_no_pod_and_no_process_not_even_one_that_hid(cluster: Cluster) -> None:
    code = (
        "import subprocess,sys,time,signal; "
        "subprocess.Popen([sys.executable,'-c','import time; time.sleep(600)'], start_new_session=True); "
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    )
    cluster.deploy("web", python(code), pod={"terminationGracePeriodSeconds": 1})
    cluster.wait_available("web")
    uid = cluster.pods("web")[0].metadata.uid
    eventually(lambda: len(processes_with(uid)) == 2, "the container and its hidden child run")
    cluster.apps.delete_namespaced_deployment("web", cluster.namespace)
    eventually(lambda: not cluster.pods("web"), "the pod is gone")
    assert processes_with(uid) == []

"""The process node through ends, restarts and a failing API server: no pod outlives it, none is lost."""

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.integration.node_harness import Cluster, NodeProcess, api_server, eventually, processes_with, python, server

from local_kubernetes.cluster import ServedCluster, serving

HIDDEN_CHILD = (
    "import subprocess,sys,time; "
    "subprocess.Popen([sys.executable,'-c','import time; time.sleep(600)'], start_new_session=True); time.sleep(600)"
)


@pytest.fixture
def kubeconfig() -> Iterator[Path]:
    with api_server() as file:
        yield file


@pytest.fixture
def cluster(kubeconfig: Path) -> Iterator[Cluster]:
    with Cluster(kubeconfig).opened() as opened:
        yield opened


@contextmanager
def running_node(kubeconfig: Path, state_dir: Path, *arguments: str, name: str = "") -> Iterator[NodeProcess]:
    node = NodeProcess(kubeconfig, state_dir, *arguments, name=name)
    try:
        node.wait_ready()
        yield node
    finally:
        node.terminate()


def test_a_node_that_is_killed_leaves_no_process_and_its_successor_starts_the_pods_again(
    kubeconfig: Path, cluster: Cluster, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    with running_node(kubeconfig, state) as node:
        cluster.deploy("web", python(HIDDEN_CHILD))
        cluster.wait_available("web")
        before = cluster.pods("web")[0]
        eventually(lambda: len(processes_with(before.metadata.uid)) == 2, "the container and its hidden child run")
        node.kill()
    eventually(lambda: not processes_with(str(state)), "every process of the dead node is gone", seconds=5)
    with running_node(kubeconfig, state, name=node.name):
        eventually(lambda: cluster.container_status("web").restart_count == 1, "the container runs again")
        after = cluster.pods("web")[0]
        assert after.metadata.uid == before.metadata.uid
        assert after.status.container_statuses[0].last_state.terminated.reason == "ContainerStatusUnknown"
        assert after.status.pod_ip == before.status.pod_ip
        cluster.wait_available("web")


def test_a_node_that_is_asked_to_end_does_so_soon_and_leaves_nothing(
    kubeconfig: Path, cluster: Cluster, tmp_path: Path
) -> None:
    with running_node(kubeconfig, tmp_path / "state") as node:
        stubborn = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        cluster.deploy("web", server(), replicas=3)
        cluster.deploy("stubborn", python(stubborn))
        cluster.wait_available("web")
        cluster.wait_available("stubborn")
        assert node.terminate() == 0
    assert processes_with(str(tmp_path / "state")) == []
    assert not (list((tmp_path / "state" / "instances").iterdir()))
    conditions = {one.type: one.status for one in cluster.pods("web")[0].status.conditions}
    assert conditions["Ready"] == "False"
    ready = next(one for one in cluster.core.read_node(node.name).status.conditions if one.type == "Ready")
    assert ready.status == "False"


def test_a_state_directory_serves_one_node_at_a_time(kubeconfig: Path, tmp_path: Path) -> None:
    with running_node(kubeconfig, tmp_path / "state") as node:
        second = NodeProcess(kubeconfig, tmp_path / "state", name="second")
        assert second.wait() == 1
        assert "is in use by another process node" in node.log.read_text()


def test_two_nodes_share_one_machine_and_one_cluster(kubeconfig: Path, cluster: Cluster, tmp_path: Path) -> None:
    with (
        running_node(kubeconfig, tmp_path / "one", "--node-label", "disk=ssd") as one,
        running_node(kubeconfig, tmp_path / "two", "--no-controllers", "--node-label", "disk=tape") as two,
    ):
        for name, disk in (("fast", "ssd"), ("slow", "tape")):
            cluster.deploy(name, server(), pod={"nodeSelector": {"disk": disk}})
        for name in ("fast", "slow"):
            cluster.wait_available(name)
        assert cluster.pods("fast")[0].spec.node_name == one.name
        assert cluster.pods("slow")[0].spec.node_name == two.name


def set_fault(cluster: ServedCluster, **fault: float) -> None:
    body = json.dumps(fault).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {cluster.identity.token}"}
    request = urllib.request.Request(f"{cluster.url}/_faults", data=body, headers=headers)  # noqa: S310
    urllib.request.urlopen(request, timeout=5, context=cluster.identity.client_tls()).close()  # noqa: S310 - the embedded cluster of this test


@pytest.mark.parametrize(
    "fault", [{"status": 500, "fraction": 0.5}, {"status": 429, "fraction": 0.5}, {"hang_seconds": 0.4}]
)
def test_an_api_server_in_trouble_delays_a_rollout_and_breaks_nothing(fault: dict[str, float], tmp_path: Path) -> None:
    with (
        serving(fault_route=True) as served,
        Cluster(served.kubeconfig_file).opened() as cluster,
        running_node(served.kubeconfig_file, tmp_path / "state"),
    ):
        cluster.deploy("web", server("1"), replicas=2)
        cluster.wait_available("web")
        cluster.change("web", server("2"))
        set_fault(served, seconds=1, **fault)
        time.sleep(1)  # the fault itself: nobody can ask this server while it has it
        cluster.wait_rolled_out("web")
        eventually(lambda: len(cluster.pods("web")) == 2, "there are as many pods as wanted")


def test_pods_outlive_a_restart_of_the_api_server_only_if_it_still_knows_them(tmp_path: Path) -> None:
    with serving() as served:
        port = int(served.url.rpartition(":")[2])
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_bytes(served.kubeconfig_file.read_bytes())
        with Cluster(kubeconfig).opened() as cluster:
            node = NodeProcess(kubeconfig, tmp_path / "state")
            node.wait_ready()
            cluster.deploy("web", server())
            cluster.wait_available("web")
            uid = cluster.pods("web")[0].metadata.uid
            assert processes_with(uid)
    try:
        with serving(port=port, identity=served.identity):
            eventually(lambda: not processes_with(uid), "the pod that the new server does not know is gone")
            with Cluster(kubeconfig).opened() as cluster:
                cluster.deploy("web", server())
                cluster.wait_available("web")
    finally:
        assert node.terminate() == 0

"""The embedded cluster as `kubectl` sees it, and as a process of its own."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config

from local_kubernetes.cluster import serving
from local_kubernetes.cluster.identity import Identity

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
connect: Any = config.new_client_from_config

MANIFEST = """
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: registry.test/web:1
          ports: [{containerPort: 80}]
          resources: {requests: {cpu: 0.5, memory: 1024Mi}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


class Kubectl:
    def __init__(self, kubeconfig: Path, home: Path) -> None:
        self.environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "HOME": str(home)}

    def __call__(self, *arguments: str, text: str = "") -> str:
        done = self.run(*arguments, text=text)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["kubectl", *arguments],
            input=text,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


@pytest.fixture(scope="module")
def kubeconfig() -> Iterator[Path]:
    with serving() as cluster:
        yield cluster.kubeconfig_file


@pytest.fixture(scope="module")
def kubectl(kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    return Kubectl(kubeconfig, tmp_path_factory.mktemp("home"))


@pytest.fixture
def shop(kubectl: Kubectl) -> Iterator[Kubectl]:
    """kubectl on a cluster with the manifest applied; its namespace goes with the test."""
    kubectl("apply", "--server-side", "-f", "-", text=MANIFEST)
    yield kubectl
    kubectl("delete", "namespace", "shop", "--timeout=10s")


@pytest.fixture
def api(kubeconfig: Path) -> Iterator[Any]:
    with connect(str(kubeconfig)) as connected:
        yield connected


def available(apps: Any) -> None:
    """Say of the Deployment what its controller would once its pods run."""
    deployment = apps.read_namespaced_deployment("web", "shop")
    apps.patch_namespaced_deployment_status(
        "web",
        "shop",
        {
            "status": {
                "observedGeneration": deployment.metadata.generation,
                "replicas": 2,
                "updatedReplicas": 2,
                "readyReplicas": 2,
                "availableReplicas": 2,
                "conditions": [{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}],
            }
        },
    )


def test_applying_server_side_again_changes_nothing(shop: Kubectl) -> None:
    before = shop("get", "deploy,svc,ns", "-n", "shop", "-o", "yaml", "--show-managed-fields")

    shop("apply", "--server-side", "-f", "-", text=MANIFEST)

    assert shop("get", "deploy,svc,ns", "-n", "shop", "-o", "yaml", "--show-managed-fields") == before


def test_applying_with_an_unknown_field_is_refused(shop: Kubectl) -> None:
    misspelt = MANIFEST.replace("replicas: 2", "replicsa: 2")

    client_side = shop.run("apply", "-f", "-", text=misspelt)
    server_side = shop.run("apply", "--server-side", "-f", "-", text=misspelt)

    assert 'unknown field "spec.replicsa"' in client_side.stderr
    assert ".spec.replicsa: field not declared in schema" in server_side.stderr


def test_tables_have_their_columns(shop: Kubectl) -> None:
    lines = shop("get", "deploy", "web", "-n", "shop").splitlines()

    assert lines[0].split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert lines[1].split()[:4] == ["web", "0/2", "0", "0"]
    assert "10.96." in shop("get", "all", "-n", "shop")


def test_scaling_and_restarting_change_the_deployment(shop: Kubectl) -> None:
    shop("scale", "deploy/web", "-n", "shop", "--replicas=5")
    shop("rollout", "restart", "deploy/web", "-n", "shop")
    shop("set", "image", "deploy/web", "web=registry.test/web:2", "-n", "shop")

    deployment = yaml.safe_load(shop("get", "deploy", "web", "-n", "shop", "-o", "yaml"))

    assert deployment["spec"]["replicas"] == 5
    assert deployment["metadata"]["generation"] == 4
    template = deployment["spec"]["template"]
    assert "kubectl.kubernetes.io/restartedAt" in template["metadata"]["annotations"]
    assert template["spec"]["containers"][0]["image"] == "registry.test/web:2"
    refused = shop.run("apply", "--server-side", "-f", "-", text=MANIFEST)
    assert "Apply failed with 2 conflicts" in refused.stderr


def test_waiting_and_rollout_status_end_once_the_status_says_so(shop: Kubectl, api: Any) -> None:
    patient = ["--timeout=10s", "-n", "shop"]
    waiting = threading.Timer(0.3, available, [client.AppsV1Api(api)])
    waiting.start()

    assert "condition met" in shop("wait", "--for=condition=Available", "deploy/web", *patient)
    assert "successfully rolled out" in shop("rollout", "status", "deploy/web", *patient)
    waiting.join()


def test_a_table_can_be_watched(shop: Kubectl) -> None:
    watching = subprocess.Popen(
        ["kubectl", "get", "deploy", "-n", "shop", "-w", "--no-headers"],
        env=shop.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert watching.stdout is not None
        first = watching.stdout.readline()
        shop("scale", "deploy/web", "-n", "shop", "--replicas=7")
        second = watching.stdout.readline()
    finally:
        watching.terminate()
        watching.communicate()

    assert first.split()[1] == "0/2"
    assert second.split()[1] == "0/7"


def test_describing_shows_the_object(shop: Kubectl) -> None:
    assert "2 desired | 0 updated" in shop("describe", "deploy", "web", "-n", "shop")
    assert "kubernetes.io/metadata.name=shop" in shop("describe", "namespace", "shop")
    assert "ClusterIP" in shop("describe", "service", "web", "-n", "shop")


def test_applying_client_side_patches_what_changed(kubectl: Kubectl) -> None:
    manifest = MANIFEST.replace("shop", "mall")
    kubectl("apply", "-f", "-", text=manifest)

    kubectl("apply", "-f", "-", text=manifest.replace("web:1", "web:2"))

    assert kubectl("get", "deploy", "web", "-n", "mall", "-o", "jsonpath={..image}") == "registry.test/web:2"
    kubectl("delete", "namespace", "mall", "--timeout=10s")
    assert kubectl.run("get", "namespace", "mall").returncode == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("namespace", "made"),
        ("configmap", "made", "--from-literal=key=value"),
        ("secret", "generic", "made", "--from-literal=key=välue"),
        ("serviceaccount", "made"),
        ("quota", "made", "--hard=pods=9,requests.cpu=500m"),
        ("deployment", "made", "--image=registry.test/web:1", "--replicas=0", "--port=80"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_generators_that_send_protobuf_make_what_they_show(kubectl: Kubectl, arguments: tuple[str, ...]) -> None:
    shown = json.loads(kubectl("create", *arguments, "--dry-run=client", "-o", "json"))
    made = json.loads(kubectl("create", *arguments, "-o", "json"))
    kubectl("delete", shown["kind"], "made", "--timeout=10s")

    shown.pop("status", None)
    assert contains(made, shown)


def contains(made: Any, shown: Any) -> bool:
    """Whether `made` has all that `shown` sets, beside what the server adds."""
    if isinstance(shown, dict):
        return all(not value or contains(made[key], value) for key, value in shown.items())
    if isinstance(shown, list):
        return len(made) == len(shown) and all(map(contains, made, shown))
    return bool(made == shown)


def test_protobuf_that_is_not_known_is_refused_with_advice(kubectl: Kubectl) -> None:
    refused = kubectl.run("create", "role", "made", "--verb=get", "--resource=pods")

    assert refused.returncode == 1
    assert "protobuf for Role is not known here: send JSON, as kubectl create -f does" in refused.stderr


class _Kubelet(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        is_there = "previous=true" not in self.path
        self.send_response(200 if is_there else 400)
        self.end_headers()
        self.wfile.write(f"log of {self.path}\n".encode() if is_there else b"previous terminated container not found")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Keep the test's output clean."""


def test_logs_come_from_the_node_of_the_pod(shop: Kubectl, api: Any) -> None:
    core: Any = client.CoreV1Api(api)
    container = {"name": "web", "image": "registry.test/web:1"}
    core.create_node({"metadata": {"name": "node-1"}})
    spec = {"nodeName": "node-1", "terminationGracePeriodSeconds": 0, "containers": [container]}
    core.create_namespaced_pod("shop", {"metadata": {"name": "web-1"}, "spec": spec})
    unreachable = shop.run("logs", "web-1", "-n", "shop")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Kubelet) as kubelet:
        kubelet.socket = Identity.new().tls().wrap_socket(kubelet.socket, server_side=True)
        serving_logs = threading.Thread(target=kubelet.serve_forever)
        serving_logs.start()
        core.patch_node_status(
            "node-1",
            {
                "status": {
                    "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                    "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet.server_port}},
                }
            },
        )
        log = shop("logs", "web-1", "-n", "shop", "--tail=3")
        wrong = shop.run("logs", "web-1", "-c", "other", "-n", "shop")
        never_ran = shop.run("logs", "web-1", "--previous", "-n", "shop")
        kubelet.shutdown()
        serving_logs.join()

    assert "no InternalIP address or kubelet port" in unreachable.stderr
    assert log == "log of /containerLogs/shop/web-1/web?tailLines=3\n"
    assert "container other is not valid for pod web-1" in wrong.stderr
    assert "(BadRequest): previous terminated container not found" in never_ran.stderr


def test_the_process_writes_its_kubeconfig_and_ends_on_sigterm_with_open_watches(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    command = [sys.executable, "-m", "local_kubernetes.cluster", "--port", "0", "--kubeconfig", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("embedded cluster: https://127.0.0.1:")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        url = yaml.safe_load(file.read_text())["clusters"][0]["cluster"]["server"]
        assert line == f"embedded cluster: {url}\n"
        watching = subprocess.Popen(
            ["kubectl", "get", "namespaces", "-w", "--no-headers"],
            env={**os.environ, "KUBECONFIG": str(file), "HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert watching.stdout is not None
        assert watching.stdout.readline()
        process.send_signal(signal.SIGTERM)
        # Long before the watch would end by itself, which is minutes away.
        assert process.wait(20) == 0
        watching.terminate()
        watching.communicate()


def test_a_taken_port_is_said_so(tmp_path: Path) -> None:
    with serving() as cluster:
        port = cluster.url.rpartition(":")[2]
        command = [sys.executable, "-m", "local_kubernetes.cluster", "--port", port, "--kubeconfig"]
        done = subprocess.run([*command, str(tmp_path / "k")], capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 1
    assert "address already in use" in done.stderr
    assert not (tmp_path / "k").exists()

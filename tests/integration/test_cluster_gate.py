"""The embedded cluster is no open door: who may ask it anything at all."""

import json
import ssl
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml
from tests.integration.node_harness import Cluster, NodeProcess, eventually, python

from local_kubernetes.cluster import ServedCluster, serving

OPEN = ["/healthz", "/livez", "/readyz", "/readyz/ping", "/version"]
CLOSED = [
    "/",
    "/api",
    "/api/v1",
    "/apis",
    "/apis/apps/v1",
    "/openapi/v2",
    "/openapi/v3/api/v1",
    "/api/v1/namespaces",
    "/api/v1/namespaces/default/secrets?watch=true",
    "/api/v1/namespaces/default/pods/web/log",
    "/_faults",
    "/no/such/path",
]


@dataclass
class Asked:
    """Requests to one cluster, as anything on this machine can send them."""

    cluster: ServedCluster

    def __call__(self, path: str, method: str = "GET", body: Any = None, **headers: str) -> tuple[int, Any]:
        with urllib3.PoolManager(ssl_context=self.cluster.identity.client_tls()) as pool:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            answer = pool.request(method, self.cluster.url + path, headers=sent, body=body, retries=False, timeout=10)
            text = answer.data.decode()
            return answer.status, json.loads(text) if text.startswith("{") else text

    @property
    def bearer(self) -> str:
        return f"Bearer {self.cluster.identity.token}"


@pytest.fixture(scope="module")
def ask() -> Iterator[Asked]:
    with serving(fault_route=True) as cluster:
        yield Asked(cluster)


@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.parametrize("credential", [None, "Bearer guessed", "Bearer ", "Basic Og==", "Bearer \xe9"])
def test_without_the_token_nothing_is_answered(ask: Asked, path: str, credential: str | None) -> None:
    headers = {} if credential is None else {"Authorization": credential}

    status, body = ask(path, **headers)

    assert (status, body["reason"], body["message"]) == (401, "Unauthorized", "Unauthorized")


@pytest.mark.parametrize("path", OPEN)
def test_health_and_version_are_open_as_in_a_real_cluster(ask: Asked, path: str) -> None:
    assert ask(path)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::2]:80", "10.0.0.1"])
@pytest.mark.parametrize("path", ["/version", "/api/v1/secrets"])
def test_a_foreign_host_is_refused_though_it_sends_the_token(ask: Asked, host: str, path: str) -> None:
    status, body = ask(path, Host=host, Authorization=ask.bearer)

    assert status == 403
    assert f"the Host header names '{host}'" in body["message"]


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost", "LOCALHOST:80", "[::1]:80"])
def test_every_name_of_this_machine_is_good(ask: Asked, host: str) -> None:
    assert ask("/api/v1/namespaces", Host=host, Authorization=ask.bearer)[0] == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:3000"])
def test_a_web_page_is_refused_whatever_else_it_sends(ask: Asked, origin: str) -> None:
    status, body = ask("/api/v1/namespaces", Origin=origin, Authorization=ask.bearer)

    assert (status, "web pages have no business" in body["message"]) == (403, True)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_a_web_form_can_send_creates_nothing(ask: Asked, content_type: str) -> None:
    body = json.dumps({"metadata": {"name": "sneaked-in"}})

    assert ask("/api/v1/namespaces", "POST", body, Authorization=ask.bearer, Content_Type=content_type)[0] == 415
    assert ask("/api/v1/namespaces", "POST", body)[0] == 401
    assert ask("/api/v1/namespaces/sneaked-in", Authorization=ask.bearer)[0] == 404


def test_a_server_that_is_started_again_keeps_its_token_and_its_file_private(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    users = []
    for _ in range(2):
        command = [sys.executable, "-m", "local_kubernetes.cluster", "--kubeconfig", str(file)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("embedded cluster: ")
            process.terminate()
        users.append(yaml.safe_load(file.read_text())["users"])
        assert [stat.S_IMODE(one.stat().st_mode) for one in (file, tmp_path / "kubeconfig.identity")] == [0o600, 0o600]

    assert users[0] == users[1]
    assert len(users[0][0]["user"]["token"]) >= 43


def test_a_node_shows_its_logs_to_the_api_server_alone(tmp_path: Path) -> None:
    with serving() as served, Cluster(served.kubeconfig_file).opened() as cluster:
        node = NodeProcess(served.kubeconfig_file, tmp_path / "state")
        try:
            node.wait_ready()
            cluster.deploy("web", python("import time; print('a secret', flush=True); time.sleep(60)"))
            cluster.wait_available("web")
            name = cluster.pods("web")[0].metadata.name
            eventually(lambda: "a secret" in cluster.logs(name), "the log is there")
            port = cluster.core.read_node(node.name).status.daemon_endpoints.kubelet_endpoint.port
            url = f"https://127.0.0.1:{port}/containerLogs/{cluster.namespace}/{name}/main"
            answers = {
                credential: _status(url, credential)
                for credential in ("", "Bearer guessed", f"Bearer {served.identity.token}")
            }
        finally:
            node.terminate()

    assert answers == {"": 401, "Bearer guessed": 401, f"Bearer {served.identity.token}": 200}


def _status(url: str, credential: str) -> int:
    unverified = ssl.create_default_context()
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    request = urllib.request.Request(url, headers={"Authorization": credential})  # noqa: S310 - the node of this test
    try:
        with urllib.request.urlopen(request, context=unverified, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)

"""A process node over an API server, for tests: the embedded cluster, or the one that KUBECONFIG names."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from kubernetes import client, config

from local_kubernetes.cluster import serving

T = TypeVar("T")
Json = dict[str, Any]

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
POD_SECURITY: Json = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
CONTAINER_SECURITY: Json = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}

SERVER = """
import http.server, os, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ok = not os.path.exists(os.environ["WORK"] + "/broken")
        body = os.environ.get("VERSION", "").encode()
        self.send_response(200 if ok else 503); self.send_header("Content-Length", str(len(body)))
        self.end_headers(); self.wfile.write(body)
    def log_message(self, *args): pass
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("serving", flush=True)
http.server.ThreadingHTTPServer((os.environ["PRAGMA_LISTEN_ADDRESS"], 8080), Handler).serve_forever()
"""


@contextmanager
def api_server() -> Iterator[Path]:
    """A kubeconfig: of the server in KUBECONFIG, which must be one without nodes, or of an embedded one."""
    given = os.environ.get("KUBECONFIG")
    if given:
        yield Path(given)
        return
    with serving() as cluster:
        yield cluster.kubeconfig_file


class NodeProcess:
    """`python -m local_kubernetes.node` as a child process."""

    def __init__(self, kubeconfig: Path, state_dir: Path, *arguments: str, name: str = "") -> None:
        self.name = name or f"node-{uuid.uuid4().hex[:8]}"
        self.log = state_dir.with_suffix(".log")
        command = [sys.executable, "-m", "local_kubernetes.node", "--kubeconfig", str(kubeconfig)]
        command += [
            "--state-dir",
            str(state_dir),
            "--name",
            self.name,
            "--backoff-base",
            "0.5",
            "--verbose",
            *arguments,
        ]
        with self.log.open("ab") as output:
            self._popen = subprocess.Popen(command, stdout=output, stderr=output)

    def wait_ready(self) -> None:
        wanted = f"process node: ready as {self.name}"
        eventually(lambda: wanted in self.log.read_text(), f"the node is ready; it wrote:\n{self.log.read_text()}")

    def terminate(self) -> int:
        if self._popen.poll() is None:
            self._popen.terminate()
        return self.wait()

    def wait(self) -> int:
        return self._popen.wait(timeout=15)

    def kill(self) -> None:
        self._popen.send_signal(signal.SIGKILL)
        self._popen.wait(timeout=5)


class Cluster:
    """The typed clients, and one namespace for one test, which admits what a tenant's namespace admits."""

    def __init__(self, kubeconfig: Path) -> None:
        configuration = client.Configuration()
        config.load_kube_config(str(kubeconfig), client_configuration=configuration, persist_config=False)
        self.api = client.ApiClient(configuration)
        self.core = client.CoreV1Api(self.api)
        self.apps = client.AppsV1Api(self.api)
        self.namespace = f"node-test-{uuid.uuid4().hex[:8]}"

    @contextmanager
    def opened(self) -> Iterator["Cluster"]:
        self.core.create_namespace({"metadata": {"name": self.namespace, "labels": RESTRICTED}})
        # A bare API server admits no pod without it, and has nobody to make it.
        self.core.create_namespaced_service_account(self.namespace, {"metadata": {"name": "runner"}})
        try:
            yield self
        finally:
            self.core.delete_namespace(self.namespace)
            self.api.close()

    def deploy(self, name: str, container: Json, *, replicas: int = 1, **spec: Any) -> None:
        self.apps.create_namespaced_deployment(self.namespace, deployment(name, container, replicas, spec))

    def change(self, name: str, container: Json) -> None:
        """Patch the deployment's one container."""
        template = {"spec": {"containers": [{"name": "main", **container}]}}
        self.apps.patch_namespaced_deployment(name, self.namespace, {"spec": {"template": template}})

    def deployment(self, name: str) -> Any:
        return self.apps.read_namespaced_deployment(name, self.namespace)

    def pods(self, name: str) -> list[Any]:
        return list(self.core.list_namespaced_pod(self.namespace, label_selector=f"app={name}").items)

    def condition(self, name: str, kind: str) -> Any:
        status = self.deployment(name).status
        conditions = (status and status.conditions) or []
        return next((one for one in conditions if one.type == kind), None)

    def wait_available(self, name: str) -> None:
        def available() -> bool:
            condition = self.condition(name, "Available")
            unavailable = condition and self.deployment(name).status.unavailable_replicas
            return bool(condition and condition.status == "True" and not unavailable)

        eventually(available, f"deployment {name} is available")

    def wait_rolled_out(self, name: str) -> None:
        def rolled_out() -> bool:
            found = self.deployment(name)
            status, wanted = found.status, found.spec.replicas
            if status is None or status.observed_generation != found.metadata.generation:
                return False
            return bool(status.updated_replicas == status.replicas == status.available_replicas == wanted)

        eventually(rolled_out, f"deployment {name} is rolled out")

    def container_status(self, name: str) -> Any:
        known = [pod.status for pod in self.pods(name) if pod.status]
        statuses = [one for status in known for one in status.container_statuses or []]
        return statuses[0] if statuses else None

    def logs(self, pod: str, **options: Any) -> str:
        return str(self.core.read_namespaced_pod_log(pod, self.namespace, **options))


def deployment(name: str, container: Json, replicas: int, spec: Json) -> Json:
    described = {"image": "provider-hub/pragma-runtime:local", "securityContext": CONTAINER_SECURITY, **container}
    pod_spec = {
        "securityContext": POD_SECURITY,
        "serviceAccountName": "runner",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 5,
        "containers": [{"name": "main", **described}],
        "volumes": [{"name": "work", "emptyDir": {}}],
        **spec.pop("pod", {}),
    }
    return {
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod_spec},
            **spec,
        },
    }


def python(code: str, **extra: Any) -> Json:
    """A container that runs a line of Python."""
    return {"command": ["python", "-c", code], "terminationMessagePolicy": "FallbackToLogsOnError", **extra}


def server(version: str = "1") -> Json:
    """A container that answers its version by HTTP, and 503 once a file `broken` is in its work directory."""
    variables = [
        {"name": "PRAGMA_LISTEN_ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "WORK", "value": "/work"},
        {"name": "VERSION", "value": version},
    ]
    return python(
        SERVER,
        env=variables,
        ports=[{"name": "http", "containerPort": 8080}],
        volumeMounts=[{"name": "work", "mountPath": "/work"}],
        readinessProbe={"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1, "failureThreshold": 1},
    )


def eventually(check: Callable[[], T], what: str, seconds: float = 15) -> T:
    """Wait until `check` gives something true, and give that."""
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < deadline, f"after {seconds:g} s it is still not so that {what}"
        time.sleep(0.05)


def processes_with(marker: str) -> list[int]:
    """Living processes that have `marker` in their environment or command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                texts = [(entry / name).read_bytes() for name in ("environ", "cmdline")]
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if state != "Z" and any(marker.encode() in text for text in texts):
                found.append(int(entry.name))
    return found

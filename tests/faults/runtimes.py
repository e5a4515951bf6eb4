"""Simulated nodes and runtimes: pods for the Deployments in the cluster, and the check-ins that they publish.

A pod is of one generation. It starts only with the Secret that its Deployment names, keeps what it read there, and
gives way once a pod of a newer generation is up, as a rolling update with no unavailability does.
"""

import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kubernetes.client.exceptions import ApiException

from provider_hub.domain.manifests import GENERATION
from tests.faults.clusters import TestCluster
from tests.faults.transport import Agenda

START_SECONDS = 2.0
SECRET_RETRY_SECONDS = 5.0
CHECK_IN_SECONDS = 300.0

HEALTHY, BROKEN, SILENT = "healthy", "broken", "silent"
BEHAVIOUR = {"1.2.0": BROKEN, "1.3.0": SILENT}
"""What a version's runtime does; any other is healthy."""

Object = dict[str, Any]
Publish = Callable[[dict[str, Any]], None]


@dataclass
class Pod:
    """A pod that was made for one generation of one Deployment; `environment` is what it read at its start."""

    namespace: str
    name: str
    deployment: str
    owner: str
    generation: int
    environment: dict[str, str]
    is_up: bool = False


class Nodes:
    """Looks at the cluster whenever it is told to, and keeps its pods' lives on the agenda."""

    def __init__(self, cluster: TestCluster, agenda: Agenda, publish: Publish) -> None:
        self._cluster = cluster
        self._agenda = agenda
        self._publish = publish
        self._pods: dict[str, Pod] = {}
        self._made = 0
        self._seen: int | None = None
        self.namespaces: set[str] = set()
        self.valid: set[tuple[str, int, str]] = set()

    def look(self) -> None:
        """Start pods for what is new, end those whose Deployment is gone."""
        version = self._cluster.version
        if version is not None and version == self._seen:
            return
        self._cluster.collect_garbage()
        deployments = [item for namespace in sorted(self.namespaces) for item in self._deployments(namespace)]
        wanted = {item["metadata"]["uid"]: item for item in deployments}
        for pod in list(self._pods.values()):
            if pod.owner not in wanted:
                self._end(pod)
        for uid, deployment in wanted.items():
            generation = int(deployment["metadata"]["annotations"][GENERATION])
            if not any(pod.owner == uid and pod.generation == generation for pod in self._pods.values()):
                self._start(deployment, generation)
        self._seen = self._cluster.version

    def running(self, owner: str) -> list[Pod]:
        """The pods of a Deployment that are up."""
        return [pod for pod in self._pods.values() if pod.owner == owner and pod.is_up]

    def _deployments(self, namespace: str) -> list[Object]:
        response: Any = self._cluster.apps.list_namespaced_deployment(namespace, _preload_content=False)
        items: list[Object] = json.loads(response.data)["items"]
        return items

    def _start(self, deployment: Object, generation: int) -> None:
        metadata = deployment["metadata"]
        for pod in [pod for pod in self._pods.values() if pod.owner == metadata["uid"] and not pod.is_up]:
            self._end(pod)  # a rollout that was overtaken before its pod came up
        # Counted, so that a history makes the same calls in every run; a uid is another one each time.
        self._made += 1
        name = f"{metadata['name'][:40]}-{self._made}-{generation}"
        template = deployment["spec"]["template"]
        owner = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": metadata["name"],
            "uid": metadata["uid"],
            "controller": True,
        }
        body: Any = {
            "metadata": {"name": name, **template["metadata"], "ownerReferences": [owner]},
            "spec": template["spec"],
        }
        self._cluster.core.create_namespaced_pod(metadata["namespace"], body, _preload_content=False)
        container = template["spec"]["containers"][0]
        plain = {item["name"]: item.get("value", "") for item in container["env"]}
        pod = Pod(metadata["namespace"], name, metadata["name"], metadata["uid"], generation, plain)
        self._pods[name] = pod
        secret = container["envFrom"][0]["secretRef"]["name"]
        self._agenda.add(START_SECONDS, f"start of pod {name}", lambda: self._come_up(pod, secret))

    def _come_up(self, pod: Pod, secret: str) -> None:
        if self._pods.get(pod.name) is not pod:
            return
        data = self._secret(pod.namespace, secret)
        if data is None:  # kubelet waits for it, with CreateContainerConfigError
            again = lambda: self._come_up(pod, secret)  # noqa: E731
            self._agenda.add(SECRET_RETRY_SECONDS, f"pod {pod.name} waits for its Secret", again, essential=False)
            return
        pod.environment |= data
        behaviour = BEHAVIOUR.get(pod.environment["PRAGMA_VERSION"], HEALTHY)
        if behaviour == SILENT:
            return
        if behaviour == BROKEN:
            self._publish(self._check_in(pod, failed=True, message="its import fails"))
            return
        pod.is_up = True
        for other in [other for other in self._pods.values() if other.owner == pod.owner and other is not pod]:
            if other.generation < pod.generation:
                self._end(other)
        self._check_in_regularly(pod, essential=True)

    def _check_in_regularly(self, pod: Pod, *, essential: bool = False) -> None:
        if self._pods.get(pod.name) is not pod:
            return
        environment = pod.environment
        self.valid.add((environment["PRAGMA_INSTALLATION_ID"], pod.generation, environment["PRAGMA_VERSION"]))
        self._publish(self._check_in(pod))
        again = lambda: self._check_in_regularly(pod)  # noqa: E731
        self._agenda.add(CHECK_IN_SECONDS, f"check-in of {pod.name}", again, essential=False)

    def _check_in(self, pod: Pod, *, failed: bool = False, message: str | None = None) -> dict[str, Any]:
        environment = pod.environment
        return {
            "organization_id": environment["PRAGMA_ORGANIZATION_ID"],
            "provider": environment["PRAGMA_PROVIDER"],
            "version": environment["PRAGMA_VERSION"],
            "generation": int(environment["PRAGMA_GENERATION"]),
            "token": environment["PRAGMA_CHECK_IN_TOKEN"],
            "health": "degraded" if failed else "healthy",
            "message": message,
            "failed": failed,
        }

    def _secret(self, namespace: str, name: str) -> dict[str, str] | None:
        try:
            response: Any = self._cluster.core.read_namespaced_secret(name, namespace, _preload_content=False)
        except ApiException:
            return None
        data: dict[str, str] = json.loads(response.data).get("data", {})
        return {key: b64decode(value).decode() for key, value in data.items()}

    def _end(self, pod: Pod) -> None:
        del self._pods[pod.name]
        try:
            self._cluster.core.delete_namespaced_pod(pod.name, pod.namespace, grace_period_seconds=0)
        except ApiException as error:
            if error.status != 404:
                raise

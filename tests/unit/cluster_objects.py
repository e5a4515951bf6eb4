"""A cluster's writing verbs without a server, and a pod that the strictest namespace admits, for unit tests."""

import asyncio
import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from local_kubernetes.cluster import ApiError
from local_kubernetes.cluster.admission import Admission
from local_kubernetes.cluster.deletion import DeleteOptions, Deletions
from local_kubernetes.cluster.garbage import Collector
from local_kubernetes.cluster.kinds import Object, named
from local_kubernetes.cluster.resources import Resources, Target, Write
from local_kubernetes.cluster.store import Store

NAMESPACE = "space"
CONTAINER: Object = {
    "name": "main",
    "image": "registry.test/app:1",
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
SPEC: Object = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [CONTAINER],
}


class BareCluster:
    """Creates, changes and deletes objects in one namespace, whose labels are those given."""

    def __init__(self, **labels: str) -> None:
        self.store = Store(1)
        self.resources = Resources(self.store, Admission(self.store), lambda: datetime(2030, 1, 1, tzinfo=UTC))
        self.deletions = Deletions(self.store, lambda: datetime(2030, 1, 1, tzinfo=UTC))
        self.collector = Collector(self.store, self.deletions)
        self.warnings: list[str] = []
        written = {key.replace("__", "/"): value for key, value in labels.items()}
        self.create("Namespace", {"metadata": {"name": NAMESPACE, "labels": written}})

    def create(self, kind: str, body: Object, **options: Any) -> Object:
        write = Write("test", **options)
        namespace = NAMESPACE if named(kind).namespaced else ""
        made = self.resources.create(named(kind), namespace, copy.deepcopy(body), write)
        self.warnings = write.warnings
        return made.object

    def patch(self, kind: str, name: str, change: Object, *, subresource: str = "") -> Object:
        write = Write("test")
        namespace = NAMESPACE if named(kind).namespaced else ""
        target = Target(named(kind), namespace, name, subresource)
        made = self.resources.patch(target, "application/merge-patch+json", change, write)
        self.warnings = write.warnings
        return made.object

    def replace(self, kind: str, name: str, body: Object) -> Object:
        target = Target(named(kind), NAMESPACE if named(kind).namespaced else "", name)
        return self.resources.replace(target, copy.deepcopy(body), Write("test")).object

    def apply(self, kind: str, body: Object, *, force: bool = False) -> Object:
        target = Target(named(kind), NAMESPACE if named(kind).namespaced else "", body["metadata"]["name"])
        return self.resources.apply(target, copy.deepcopy(body), Write("test", force=force))[0].object

    def read(self, kind: str, name: str) -> Object:
        return self.resources.read(Target(named(kind), NAMESPACE, name)).object

    def delete(self, kind: str, name: str) -> None:
        namespace = NAMESPACE if named(kind).namespaced else ""
        self.deletions.delete(Target(named(kind), namespace, name), DeleteOptions())

    def settle(self) -> None:
        """Let the controllers of the cluster do everything that they owe."""

        async def work() -> None:
            running = asyncio.create_task(self.collector.run())
            while self.collector.is_busy:
                await asyncio.sleep(0)
            running.cancel()

        asyncio.run(work())


def refusal(call: Any, *arguments: Any, **options: Any) -> ApiError:
    """The error with which a call is refused."""
    with pytest.raises(ApiError) as error:
        call(*arguments, **options)
    return error.value


def pod(name: str = "web", **spec: Any) -> Object:
    """A pod that a `restricted` namespace admits, with those fields of its spec replaced."""
    return {"metadata": {"name": name}, "spec": {**copy.deepcopy(SPEC), **spec}}


def container(**fields: Any) -> Object:
    """The container of that pod, with fields replaced."""
    return {**copy.deepcopy(CONTAINER), **fields}


def deployment(name: str = "web", **spec: Any) -> Object:
    """A Deployment of such pods."""
    template = {"metadata": {"labels": {"app": name}}, "spec": copy.deepcopy(SPEC)}
    selector = {"matchLabels": {"app": name}}
    return {"metadata": {"name": name}, "spec": {"selector": selector, "template": template, **spec}}

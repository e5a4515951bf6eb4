"""Two hubs share one cluster: the same tenant installs the same provider at both, and neither notices the other.

The name of this file puts it before most files that use the shared stack. A sweep looks at 20 rows, and the later
files leave some sixty.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from kubernetes import client, config

from local_stack.residue_check import objects_of
from local_stack.running import Stack
from provider_hub.domain.names import ProviderName
from tests.e2e.contract_stack import cluster_options
from tests.e2e.tenant import Tenant

SLUG = "of-two-hubs"
PROVIDER = ProviderName(SLUG, "weather")
OPTIONS = ("--retry-min", "0.2", "--sweep-seconds", "1")
ENVIRONMENT = {"HUB_CHECK_IN_SECONDS": "2"}


class Hub:
    """One of the hubs, with its tenant."""

    def __init__(self, stack: Stack) -> None:
        self.kubeconfig = Path(stack.info.kubeconfig)
        self.namespace = stack.info.namespace(SLUG)
        self.tenant = Tenant(stack, SLUG)
        connection = config.new_client_from_config(stack.info.kubeconfig)  # type: ignore[no-untyped-call]
        self._core: Any = client.CoreV1Api(connection)
        self._apps: Any = client.AppsV1Api(connection)

    def install(self) -> None:
        self.tenant.install(PROVIDER.name)

    def until_ready(self) -> None:
        self.tenant.until_state(PROVIDER.name, "ready", 120)

    def uninstall(self) -> None:
        self.tenant.call("DELETE", self.tenant.path(PROVIDER.name), expect=202)
        self.tenant.until_gone(PROVIDER.name)

    def deployment_uid(self) -> str:
        name = PROVIDER.object_name
        return str(self._apps.read_namespaced_deployment(name, self.namespace).metadata.uid)

    def objects(self) -> list[str]:
        return objects_of(self.kubeconfig, self.namespace, PROVIDER)

    def see_a_sweep(self) -> None:
        """Delete a Service behind the hub's back, and wait for the sweep that makes it anew."""
        before = self._service_uid()
        self._core.delete_namespaced_service(PROVIDER.object_name, self.namespace)
        deadline = time.monotonic() + 60
        while self._service_uid() in ("", before):
            assert time.monotonic() < deadline, "no sweep repaired the Service within 60 s"
            time.sleep(0.1)

    def _service_uid(self) -> str:
        services = self._core.list_namespaced_service(self.namespace).items
        return next((service.metadata.uid for service in services if service.metadata.name == PROVIDER.object_name), "")


@pytest.fixture(scope="module")
def hubs(stack: Stack) -> Iterator[tuple[Hub, Hub]]:
    """The second uses the first one's cluster, whose node runs the pods of both; with KUBECONFIG each has a node."""
    shared = cluster_options() or ["--kubeconfig", stack.info.kubeconfig]
    with Stack(*OPTIONS, *shared, environment=ENVIRONMENT, deadline=240) as second:
        yield Hub(stack), Hub(second)


@pytest.mark.timeout(600)
def test_two_hubs_serve_the_same_tenant_and_provider_on_one_cluster(
    hubs: tuple[Hub, Hub], sample: ModuleType, tmp_path: Path
) -> None:
    first, second = hubs
    assert first.namespace != second.namespace
    wheel = sample.build_wheel("1.0.0", tmp_path)
    for hub in hubs:
        hub.tenant.publish(PROVIDER.name, "1.0.0", wheel)
        hub.install()
    for hub in hubs:
        hub.until_ready()
    uids = [hub.deployment_uid() for hub in hubs]

    for _ in range(2):
        for hub in hubs:
            hub.see_a_sweep()
    assert [hub.deployment_uid() for hub in hubs] == uids
    assert [hub.tenant.row(PROVIDER.name)["lifecycle_state"] for hub in hubs] == ["ready", "ready"]

    first.uninstall()
    assert first.objects() == []
    second.see_a_sweep()
    assert second.deployment_uid() == uids[1]
    assert second.tenant.until_available(PROVIDER.name)["ready_replicas"] == 1

    first.install()
    first.until_ready()
    second.uninstall()
    assert second.objects() == []
    first.see_a_sweep()
    assert first.tenant.until_available(PROVIDER.name)["ready_replicas"] == 1

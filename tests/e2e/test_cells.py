"""Two clusters in one stack: a tenant on each, and an outage of the second one is no concern of the first."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from local_stack.residue_check import objects_of
from local_stack.running import Stack
from provider_hub.domain.cells import DEFAULT_CELL, choose_cell
from provider_hub.domain.names import ProviderName
from tests.e2e.tenant import Tenant

SECOND = "cell-2"
WEIGHTS = {DEFAULT_CELL: 1.0, SECOND: 1.0}


@pytest.fixture(scope="module")
def cells() -> Iterator[Stack]:
    """A stack of its own: what is done to the second cluster would be in the way of other tests."""
    with Stack("--cells", "2", "--retry-min", "0.2", deadline=240) as running:
        yield running


def tenant_in(cell: str, stack: Stack) -> Tenant:
    """One that the rule places there."""
    slugs = (f"tenant-{number}" for number in range(100))
    slug = next(slug for slug in slugs if choose_cell(organization_id(slug, stack), WEIGHTS) == cell)
    return Tenant(stack, slug)


def organization_id(slug: str, stack: Stack) -> str:
    return str(Tenant(stack, slug).call("GET", "/auth/me")["organization_id"])


def objects(tenant: Tenant, name: str) -> dict[str, list[str]]:
    """What each cluster has of an installation."""
    info = tenant.stack.info
    kubeconfigs = {DEFAULT_CELL: info.kubeconfig, **info.cells}
    provider, namespace = ProviderName(tenant.slug, name), info.namespace(tenant.slug)
    return {cell: objects_of(Path(file), namespace, provider) for cell, file in kubeconfigs.items()}


@pytest.mark.timeout(300)
def test_each_tenant_is_served_by_its_own_cluster_and_the_second_ones_outage_stops_only_its_own(
    cells: Stack, sample: ModuleType, tmp_path: Path
) -> None:
    first, second = tenant_in(DEFAULT_CELL, cells), tenant_in(SECOND, cells)
    wheels = {version: sample.build_wheel(version, tmp_path) for version in ("1.0.0", "1.1.0")}
    for tenant in (first, second):
        tenant.publish("weather", "1.0.0", wheels["1.0.0"])
        tenant.install("weather", version="1.0.0")
    for tenant in (first, second):
        tenant.until_state("weather", "ready")
        tenant.publish("weather", "1.1.0", wheels["1.1.0"])
        assert tenant.call("GET", tenant.path("weather", "/logs"))["items"]
    found = {tenant.slug: objects(tenant, "weather") for tenant in (first, second)}
    assert [cell for cell, names in found[first.slug].items() if names] == [DEFAULT_CELL]
    assert [cell for cell, names in found[second.slug].items() if names] == [SECOND]

    second.publish("other", "1.0.0", wheels["1.0.0"])
    cluster = cells.pid(f"cluster-{SECOND}")
    os.kill(cluster, signal.SIGSTOP)  # an API server that takes connections and answers none of them
    second.install("other")
    first.call("POST", first.path("weather", "/upgrade"), {"version": "1.1.0"})
    first.until_ready(first.path("weather"), "1.1.0")
    assert second.row("other")["lifecycle_state"] in ("pending", "processing")
    os.kill(cluster, signal.SIGKILL)  # the stack starts it again, and it comes back empty
    second.until_state("other", "ready")

    for tenant, name in ((first, "weather"), (second, "weather"), (second, "other")):
        tenant.call("DELETE", tenant.path(name), expect=202)
    for tenant, name in ((first, "weather"), (second, "weather"), (second, "other")):
        tenant.until_gone(name)
        assert objects(tenant, name) == {DEFAULT_CELL: [], SECOND: []}

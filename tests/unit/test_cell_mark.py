"""A cluster says which cell it is, and is believed over settings that exchange two cells."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.builders import version, wish

from provider_hub.adapters.kubernetes import Hub, Kubernetes
from provider_hub.adapters.kubernetes.api import Conflicted, KubernetesApi
from provider_hub.domain.errors import PermanentError, TemporaryError
from provider_hub.domain.manifests import MANAGER, RuntimeFacts, installation_manifests, namespace_manifests

FACTS = RuntimeFacts("runtime:1", "projects/p/topics/t", "http://pubsub", 300, "", 600, 400)
ROW = wish()
NAMESPACE = namespace_manifests("org_acme", "acme", FACTS)
HUB = Hub("p.Hub")


class OneCluster(KubernetesApi):
    """What one cluster holds, by kind and name; `meanwhile` happens once, between a look and the apply after it."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], dict[str, Any]] = {}
        self.meanwhile: Callable[[], object] = lambda: None

    def get(self, kind: str, namespace: str | None, name: str) -> dict[str, Any] | None:
        return self.held.get((kind, name))

    def list(self, kind: str, namespace: str | None, selector: str | None, **options: Any) -> dict[str, Any]:
        return {"items": [], "metadata": {}}

    def apply(self, manifest: dict[str, Any], manager: str) -> dict[str, Any]:
        happens, self.meanwhile = self.meanwhile, lambda: None
        happens()
        place = manifest["kind"], manifest["metadata"]["name"]
        held, expected = self.held.get(place), manifest["metadata"].get("resourceVersion")
        if held and expected not in (None, held["metadata"]["resourceVersion"]):
            raise Conflicted
        fields = [{"manager": manager, "operation": "Apply", "fieldsV1": {}}]
        metadata = {**manifest["metadata"], "resourceVersion": "7", "managedFields": fields}
        self.held[place] = {**manifest, "metadata": metadata}
        return self.held[place]


def marks(api: OneCluster) -> list[str | None]:
    found = [item["metadata"] for (_, name), item in api.held.items() if name.startswith("provider-hub-")]
    return [metadata.get("annotations", {}).get("provider-hub/cell") for metadata in found]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def as_cell(cell: str, api: KubernetesApi, clock: Clock | None = None, hub: Hub = HUB) -> Kubernetes:
    """The cluster, as a process sees it whose settings name it for the cell."""
    return Kubernetes(api, hub, clock or Clock(), cell)


def test_two_cells_whose_endpoints_are_exchanged_get_no_object_of_each_other(caplog: pytest.LogCaptureFixture) -> None:
    first, second = OneCluster(), OneCluster()
    as_cell("default", first).ensure_namespace(NAMESPACE)
    as_cell("default", first).apply(installation_manifests(ROW, version(), FACTS, "token"))
    as_cell("b", second).ensure_namespace(namespace_manifests("org_other", "other", FACTS))
    before = dict(second.held)
    exchanged = as_cell("default", second)
    for _ in range(2):
        with pytest.raises(TemporaryError, match="for the cell 'default' is the cell 'b'"):
            exchanged.ensure_namespace(NAMESPACE)
    with pytest.raises(TemporaryError, match="give each cell its own cluster again"):
        exchanged.remove("org-acme", ROW.installation_id)
    assert second.held == before
    assert {getattr(record, "event", "") for record in caplog.records} == {"cells_mixed_up"}


def test_a_namespace_that_was_applied_a_moment_ago_is_refused_to_another_organization_all_the_same() -> None:
    """The slug that it is named by was released, and is another organization's now."""
    cluster = as_cell("default", OneCluster())
    assert cluster.ensure_namespace(NAMESPACE)
    assert cluster.ensure_namespace(NAMESPACE) == []
    with pytest.raises(PermanentError, match="belongs to another organization"):
        cluster.ensure_namespace(namespace_manifests("org_renamed", "acme", FACTS))


def test_a_cluster_of_before_there_were_marks_is_taken_as_the_cell_that_the_settings_say() -> None:
    api = OneCluster()
    as_cell("b", api).remove("org-acme", ROW.installation_id)
    assert marks(api) == [], "a removal marks nothing"
    as_cell("b", api).ensure_namespace(NAMESPACE)
    assert marks(api) == ["b"]
    with pytest.raises(TemporaryError, match="is the cell 'b'"):
        as_cell("default", api).ensure_namespace(NAMESPACE)


def test_a_mark_that_lost_its_annotation_gets_it_again() -> None:
    api = OneCluster()
    as_cell("b", api).ensure_namespace(NAMESPACE)
    for (_, name), item in api.held.items():
        if name.startswith("provider-hub-"):
            del item["metadata"]["annotations"]
    as_cell("b", api).ensure_namespace(NAMESPACE)
    assert marks(api) == ["b"]


def test_of_two_processes_that_mark_a_cluster_as_two_cells_at_once_one_goes_on() -> None:
    api = OneCluster()
    api.meanwhile = lambda: as_cell("b", api).ensure_namespace(NAMESPACE)
    late = as_cell("default", api)
    with pytest.raises(TemporaryError, match="by another as well"):
        late.ensure_namespace(NAMESPACE)
    with pytest.raises(TemporaryError, match="is the cell 'b'"):
        late.ensure_namespace(NAMESPACE)
    assert marks(api) == ["b"]


def test_hubs_that_share_a_cluster_have_a_mark_each() -> None:
    api = OneCluster()
    as_cell("default", api).ensure_namespace(NAMESPACE)
    as_cell("b", api, hub=Hub("other", "two-")).ensure_namespace(NAMESPACE)
    names = [name for _, name in api.held if "provider-hub-" in name]
    assert len(names) == 2
    assert all(name == name.lower() for name in names)


def test_a_mark_is_believed_for_ten_minutes() -> None:
    api, clock = OneCluster(), Clock()
    cluster = as_cell("default", api, clock)
    cluster.ensure_namespace(NAMESPACE)
    (place,) = [place for place in api.held if place[1].startswith("provider-hub-")]
    api.held[place]["metadata"]["annotations"]["provider-hub/cell"] = "b"
    clock.now = 599.0
    cluster.remove("org-acme", ROW.installation_id)
    clock.now = 600.0
    with pytest.raises(TemporaryError, match="is the cell 'b'"):
        cluster.remove("org-acme", ROW.installation_id)


def test_the_mark_is_a_namespace_of_this_hub() -> None:
    api = OneCluster()
    as_cell("default", api).ensure_namespace(NAMESPACE)
    (mark,) = [item for (_, name), item in api.held.items() if name.startswith("provider-hub-")]
    assert mark["kind"] == "Namespace"
    assert mark["metadata"]["labels"] == {"provider-hub/hub-id": "p.Hub", "app.kubernetes.io/managed-by": MANAGER}

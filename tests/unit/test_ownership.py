"""Whose an object is and what somebody added to it, read from objects that anybody may have written to."""

from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import version, wish
from tests.unit.nonsense import with_nonsense

from provider_hub.adapters.kubernetes import ownership
from provider_hub.domain.errors import PermanentError
from provider_hub.domain.manifests import (
    GENERATION,
    INSTALLATION_ID,
    MANAGER,
    ORGANIZATION_ID,
    PROVIDER,
    Manifest,
    RuntimeFacts,
    installation_manifests,
    namespace_manifests,
)

FACTS = RuntimeFacts("runtime:1", "projects/p/topics/t", "http://pubsub", 300, "", 600, 400)
ROW = wish(generation=3)
DEPLOYMENT = installation_manifests(ROW, version(), FACTS, "token")[-1]
OURS = {f"f:{name}": {} for name in (ORGANIZATION_ID, PROVIDER, INSTALLATION_ID, GENERATION)}


def live() -> dict[str, Any]:
    """The Deployment as the cluster shows it: applied by the hub, then changed with `kubectl`."""

    item: dict[str, Any] = deepcopy(ownership.ONLY_HUB.stamped(DEPLOYMENT))
    item["metadata"]["uid"] = "u"
    item["spec"]["template"]["spec"]["initContainers"] = [{"name": "added", "image": "x"}]
    item["spec"]["paused"] = True
    added = {
        "f:spec": {
            "f:paused": {},
            "f:template": {"f:spec": {"f:initContainers": {'k:{"name":"added"}': {".": {}, "f:image": {}}}}},
        },
        "f:metadata": {"f:finalizers": {'v:"x"': {}}},
    }
    item["metadata"]["managedFields"] = [
        {"manager": MANAGER, "operation": "Apply", "fieldsV1": {"f:metadata": {"f:annotations": OURS}}},
        {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": added},
    ]
    return item


def test_what_kubectl_added_is_found_and_its_manager_named() -> None:
    cleaned, managers = ownership.without_foreign_fields(live(), DEPLOYMENT)
    assert managers == {"kubectl-edit"}
    assert "paused" not in cleaned["spec"]
    assert cleaned["spec"]["template"]["spec"].get("initContainers") in (None, [])
    assert ownership.owner_of(live()) == ("org_acme", "acme/weather", ROW.installation_id)
    assert (ownership.generation_of(live()), ownership.installation_of(live())) == (3, ROW.installation_id)


@pytest.mark.parametrize("nonsense", ["²", "-1", "3 ", "9" * 5000, "", "three"])
def test_a_generation_that_is_none_counts_as_none(nonsense: str) -> None:
    item = live()
    item["metadata"]["annotations"][GENERATION] = nonsense
    assert ownership.generation_of(item) == 0


@given(places=st.data())
def test_nonsense_anywhere_in_an_object_is_read_without_an_error(places: st.DataObject) -> None:
    item = live()
    with_nonsense(item, places)
    ownership.owner_of(item)
    assert ownership.generation_of(item) >= 0
    assert ownership.installation_of(item) in ("", ROW.installation_id)
    ownership.is_of(item, ROW.installation_id)
    ownership.is_made_by_hub(item)
    cleaned, _ = ownership.without_foreign_fields(item, DEPLOYMENT)
    assert cleaned["metadata"]["name"] == item["metadata"]["name"]


@given(places=st.data())
def test_a_namespace_full_of_nonsense_is_taken_or_refused_with_the_reason(places: st.DataObject) -> None:
    wanted: Manifest = ownership.ONLY_HUB.stamped(namespace_manifests("org_acme", "acme", FACTS)[0])
    item: Any = {"metadata": dict(wanted["metadata"])}
    item["metadata"]["labels"] = dict(wanted["metadata"]["labels"])
    item["metadata"]["annotations"] = dict(wanted["metadata"]["annotations"])
    with_nonsense(item, places)
    with suppress(PermanentError):
        ownership.ONLY_HUB.refuse_foreign(item, wanted)

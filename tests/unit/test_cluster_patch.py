"""JSON merge, strategic merge and JSON patches of the embedded cluster."""

import pytest

from local_kubernetes.cluster import ApiError
from local_kubernetes.cluster.kinds import Object, named
from local_kubernetes.cluster.patch import json_merge, json_patch, strategic_merge

DEPLOYMENT = named("Deployment")


def pod_spec(**fields: object) -> Object:
    return {"spec": {"template": {"spec": fields}}}


def merged_spec(live: Object, patch: Object) -> Object:
    found: Object = strategic_merge(DEPLOYMENT, live, patch)["spec"]["template"]["spec"]
    return found


def test_a_merge_patch_removes_by_null_and_replaces_lists() -> None:
    live = {"a": 1, "b": {"c": 2, "d": 3}, "e": [1, 2]}

    assert json_merge(live, {"a": None, "b": {"c": 9}, "e": [3]}) == {"b": {"c": 9, "d": 3}, "e": [3]}
    assert live == {"a": 1, "b": {"c": 2, "d": 3}, "e": [1, 2]}


def test_a_strategic_patch_merges_containers_by_name() -> None:
    live = pod_spec(containers=[{"name": "a", "image": "a:1", "tty": True}, {"name": "b", "image": "b:1"}])

    spec = merged_spec(live, pod_spec(containers=[{"name": "a", "image": "a:2"}, {"name": "c", "image": "c:1"}]))

    assert spec["containers"] == [
        {"name": "a", "image": "a:2", "tty": True},
        {"name": "b", "image": "b:1"},
        {"name": "c", "image": "c:1"},
    ]


def test_a_strategic_patch_deletes_an_item_that_it_marks() -> None:
    live = pod_spec(containers=[{"name": "a"}, {"name": "b"}])

    assert merged_spec(live, pod_spec(containers=[{"$patch": "delete", "name": "a"}]))["containers"] == [{"name": "b"}]


def test_a_strategic_patch_replaces_a_list_that_it_marks() -> None:
    live = pod_spec(containers=[{"name": "a"}, {"name": "b"}])

    spec = merged_spec(live, pod_spec(containers=[{"$patch": "replace"}, {"name": "c"}]))

    assert spec["containers"] == [{"name": "c"}]


def test_a_strategic_patch_orders_items_as_it_says() -> None:
    live = pod_spec(containers=[{"name": "a"}, {"name": "b"}])
    patch = pod_spec(**{"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}], "containers": []})

    assert merged_spec(live, patch)["containers"] == [{"name": "b"}, {"name": "a"}]


def test_a_strategic_patch_replaces_lists_without_keys() -> None:
    live = pod_spec(tolerations=[{"key": "a"}])

    assert merged_spec(live, pod_spec(tolerations=[{"key": "b"}]))["tolerations"] == [{"key": "b"}]


def test_a_strategic_patch_adds_finalizers_and_takes_listed_ones_away() -> None:
    live = {"metadata": {"finalizers": ["a", "b"]}}

    added = strategic_merge(DEPLOYMENT, live, {"metadata": {"finalizers": ["c"]}})
    removed = strategic_merge(DEPLOYMENT, live, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}})

    assert added["metadata"]["finalizers"] == ["a", "b", "c"]
    assert removed["metadata"]["finalizers"] == ["b"]


def test_retain_keys_drops_the_fields_it_does_not_list() -> None:
    live = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}

    patched = strategic_merge(DEPLOYMENT, live, {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}})

    assert patched["spec"]["strategy"] == {"type": "Recreate"}


def test_an_item_without_its_merge_key_is_refused() -> None:
    with pytest.raises(ApiError, match="does not contain declared merge key: name"):
        merged_spec(pod_spec(containers=[]), pod_spec(containers=[{"image": "a"}]))


def test_a_json_patch_adds_replaces_moves_copies_and_removes() -> None:
    live: Object = {"metadata": {"labels": {"a/b": "1"}}, "list": [1, 2]}

    patched = json_patch(
        live,
        [
            {"op": "test", "path": "/metadata/labels/a~1b", "value": "1"},
            {"op": "add", "path": "/list/1", "value": 9},
            {"op": "add", "path": "/list/-", "value": 3},
            {"op": "replace", "path": "/list/0", "value": 0},
            {"op": "copy", "from": "/list", "path": "/copied"},
            {"op": "move", "from": "/metadata/labels", "path": "/labels"},
            {"op": "remove", "path": "/list/3"},
        ],
    )

    assert patched == {"metadata": {}, "list": [0, 9, 2], "copied": [0, 9, 2, 3], "labels": {"a/b": "1"}}
    assert live == {"metadata": {"labels": {"a/b": "1"}}, "list": [1, 2]}


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({"op": "test", "path": "/a", "value": 2}, 422),
        ({"op": "remove", "path": "/missing"}, 422),
        ({"op": "replace", "path": "/missing", "value": 1}, 422),
        ({"op": "add", "path": "/list/7", "value": 1}, 422),
        ({"op": "add", "path": "/a"}, 400),
        ({"op": "leap", "path": "/a", "value": 1}, 400),
        ({"op": "add", "path": "a", "value": 1}, 400),
        ({"op": "copy", "path": "/b"}, 400),
        ({"op": "copy", "path": "/b", "from": 3}, 400),
        ({"op": "move", "path": "/b", "from": ["a"]}, 400),
        ({"op": "copy", "path": "/b", "from": "/missing"}, 422),
        ({"op": "move", "path": "/list/0", "from": "/list"}, 422),
        ({"op": "add", "path": "/a/b", "value": 1}, 422),
        ({"op": "replace", "path": "", "value": 1}, 422),
        ("add", 400),
    ],
)
def test_a_json_patch_that_cannot_be_done_is_refused(operation: object, code: int) -> None:
    with pytest.raises(ApiError) as refused:
        json_patch({"a": 1, "list": []}, [operation])

    assert refused.value.code == code


def test_a_json_patch_of_too_many_operations_is_refused() -> None:
    with pytest.raises(ApiError, match="The allowed maximum operations in a JSON patch is 10000, got 10001") as refused:
        json_patch({}, [{"op": "add", "path": "/a", "value": 1}] * 10_001)

    assert refused.value.code == 413


def test_copies_of_copies_do_not_grow_without_end() -> None:
    doubling = [{"op": "copy", "from": "/a", "path": f"/a/{number}"} for number in range(60)]

    with pytest.raises(ApiError, match="may add 3145728 bytes") as refused:
        json_patch({"a": {"x": "y" * 100}}, doubling)

    assert refused.value.code == 422

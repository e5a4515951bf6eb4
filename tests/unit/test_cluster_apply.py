"""Server-side apply: who owns what after each apply, and what stays in the object."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_kubernetes.cluster import ApiError, fields, managers, schema
from local_kubernetes.cluster.apply import merge_applied
from local_kubernetes.cluster.fields import DuplicateItemError
from local_kubernetes.cluster.kinds import Object, named
from local_kubernetes.cluster.managers import Manager

DEPLOYMENT = named("Deployment")
CONFIG_MAP = named("ConfigMap")
ALICE = Manager("alice", "Apply", "apps/v1")
BOB = Manager("bob", "Apply", "apps/v1")
EDITOR = Manager("kubectl-edit", "Update", "apps/v1")


def deployment(**spec: Any) -> Object:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def with_containers(*containers: Object) -> Object:
    return deployment(template={"spec": {"containers": list(containers)}})


def containers_of(body: Object) -> list[Object]:
    found: list[Object] = body["spec"]["template"]["spec"]["containers"]
    return found


def applied(live: Object, body: Object, manager: Manager = ALICE, *, force: bool = False, now: str = "t") -> Object:
    kind = named(body["kind"])
    result = merge_applied(kind, live, body, manager, now, force=force)
    metadata = {**result.object["metadata"], "managedFields": managers.dump(result.holdings)}
    return {**result.object, "metadata": metadata}


def updated(live: Object, new: Object, manager: Manager = EDITOR) -> Object:
    holdings = managers.after_update(named(new["kind"]), live, new, manager, "t")
    return {**new, "metadata": {**new["metadata"], "managedFields": managers.dump(holdings)}}


def owns(body: Object, manager: Manager) -> set[str]:
    holding = managers.load(body).get(manager)
    return {fields.show(path) for path in holding.fields} if holding else set()


def test_the_first_apply_owns_exactly_what_it_set() -> None:
    live = applied({}, deployment(replicas=2, selector={"matchLabels": {"app": "web"}}))

    assert owns(live, ALICE) == {".spec.replicas", ".spec.selector"}


def test_a_field_the_manager_no_longer_declares_is_removed() -> None:
    live = applied({}, deployment(replicas=2, paused=True))

    live = applied(live, deployment(replicas=2))

    assert live["spec"] == {"replicas": 2}
    assert owns(live, ALICE) == {".spec.replicas"}


def test_a_dropped_field_stays_while_another_manager_owns_it() -> None:
    live = applied({}, deployment(replicas=2, paused=True))
    live = applied(live, deployment(replicas=2), BOB)

    live = applied(live, deployment(paused=True))

    assert live["spec"] == {"replicas": 2, "paused": True}
    assert owns(live, ALICE) == {".spec.paused"}
    assert owns(live, BOB) == {".spec.replicas"}


def test_a_map_that_loses_its_last_key_goes_too() -> None:
    body: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "labels": {"a": "1"}}}
    live = applied({}, {**body, "data": {"key": "value"}})

    live = applied(live, {**body, "metadata": {"name": "c"}})

    assert "data" not in live
    assert "labels" not in live["metadata"]


def test_another_managers_differing_value_is_a_conflict_that_names_both() -> None:
    live = applied({}, deployment(replicas=2))

    with pytest.raises(ApiError) as refused:
        applied(live, deployment(replicas=3), BOB)

    assert refused.value.code == 409
    assert refused.value.reason == "Conflict"
    assert str(refused.value) == 'Apply failed with 1 conflict: conflict with "alice": .spec.replicas'
    assert refused.value.details["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "alice"', "field": ".spec.replicas"}
    ]


def test_several_conflicts_are_listed_by_manager() -> None:
    live = applied({}, deployment(replicas=2, paused=True))

    with pytest.raises(ApiError) as refused:
        applied(live, deployment(replicas=3, paused=False), BOB)

    assert str(refused.value) == (
        'Apply failed with 2 conflicts: conflicts with "alice":\n- .spec.paused\n- .spec.replicas'
    )


def test_force_takes_the_field_from_its_owner() -> None:
    live = applied({}, deployment(replicas=2, paused=True))

    live = applied(live, deployment(replicas=3), BOB, force=True)

    assert live["spec"]["replicas"] == 3
    assert owns(live, ALICE) == {".spec.paused"}
    assert owns(live, BOB) == {".spec.replicas"}


def test_the_same_value_is_shared_and_no_conflict() -> None:
    live = applied({}, deployment(replicas=2))

    live = applied(live, deployment(replicas=2), BOB)

    assert owns(live, ALICE) == owns(live, BOB) == {".spec.replicas"}


def test_an_update_takes_what_it_changes_and_conflicts_with_the_next_apply() -> None:
    live = applied({}, deployment(replicas=2, paused=True))

    live = updated(live, {**live, "spec": {"replicas": 5, "paused": True}})

    assert owns(live, EDITOR) == {".spec.replicas"}
    assert owns(live, ALICE) == {".spec.paused"}
    with pytest.raises(ApiError, match=r'conflict with "kubectl-edit" using apps/v1: \.spec\.replicas'):
        applied(live, deployment(replicas=2, paused=True))


def test_an_update_that_removes_a_field_takes_it_from_everyone() -> None:
    live = applied({}, deployment(replicas=2, paused=True))

    live = updated(live, {**live, "spec": {"replicas": 2}})

    assert owns(live, ALICE) == {".spec.replicas"}
    assert owns(live, EDITOR) == set()


def test_managers_of_different_containers_do_not_meet() -> None:
    live = applied({}, with_containers({"name": "app", "image": "a:1"}))

    live = applied(live, with_containers({"name": "sidecar", "image": "s:1"}), BOB)

    assert {item["name"] for item in containers_of(live)} == {"app", "sidecar"}
    live = applied(live, with_containers({"name": "app", "image": "a:2"}))
    assert {item["name"]: item["image"] for item in containers_of(live)} == {"app": "a:2", "sidecar": "s:1"}


def test_a_dropped_container_goes_with_the_fields_nobody_owns() -> None:
    live = applied({}, with_containers({"name": "app", "image": "a:1"}, {"name": "old", "image": "o:1"}))
    for container in containers_of(live):
        container["imagePullPolicy"] = "IfNotPresent"

    live = applied(live, with_containers({"name": "app", "image": "a:1"}))

    assert [item["name"] for item in containers_of(live)] == ["app"]


def test_a_dropped_container_keeps_its_name_while_another_manager_owns_a_field_in_it() -> None:
    live = applied({}, with_containers({"name": "app", "image": "a:1", "tty": True}))
    live = updated(live, with_containers({"name": "app", "image": "a:2", "tty": True}) | {"metadata": live["metadata"]})

    live = applied(live, deployment(replicas=1))

    assert containers_of(live) == [{"name": "app", "image": "a:2"}]


def test_ports_without_a_protocol_are_the_tcp_ones() -> None:
    container = {"name": "app", "ports": [{"containerPort": 80, "protocol": "TCP"}]}
    live = applied({}, with_containers(container))

    live = applied(live, with_containers({"name": "app", "ports": [{"containerPort": 80, "name": "web"}]}), BOB)

    assert containers_of(live)[0]["ports"] == [{"containerPort": 80, "protocol": "TCP", "name": "web"}]


def test_items_take_the_order_applied_and_others_keep_their_neighbours() -> None:
    env = [{"name": name, "value": name} for name in "abc"]
    live = applied({}, with_containers({"name": "app", "env": [env[0], env[2]]}))
    live = applied(live, with_containers({"name": "app", "env": [{"name": "x", "value": "x"}]}), BOB)

    live = applied(live, with_containers({"name": "app", "env": [env[2], env[1], env[0]]}))

    names = [variable["name"] for variable in containers_of(live)[0]["env"]]
    assert [name for name in names if name != "x"] == ["c", "b", "a"]
    assert "x" in names


def test_lists_without_keys_are_replaced_as_a_whole() -> None:
    live = applied({}, with_containers({"name": "app", "args": ["--a", "--b"]}))

    live = applied(live, with_containers({"name": "app", "args": ["--c"]}))

    assert containers_of(live)[0]["args"] == ["--c"]
    assert '.spec.template.spec.containers[name="app"].args' in owns(live, ALICE)


def test_finalizers_are_a_set_that_managers_share() -> None:
    def holding(*finalizers: str) -> Object:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "finalizers": list(finalizers)}}

    live = applied({}, holding("a.io/x"))
    live = applied(live, holding("b.io/y"), BOB)
    assert set(live["metadata"]["finalizers"]) == {"a.io/x", "b.io/y"}

    live = applied(live, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}})

    assert live["metadata"]["finalizers"] == ["b.io/y"]


def test_a_selector_is_one_field_however_many_labels_it_has() -> None:
    live = applied({}, deployment(selector={"matchLabels": {"a": "1"}}))

    with pytest.raises(ApiError, match=r"\.spec\.selector$"):
        applied(live, deployment(selector={"matchLabels": {"b": "2"}}), BOB)


def test_naming_an_item_twice_is_refused() -> None:
    with pytest.raises(DuplicateItemError, match=r'duplicate entries for key \[name="app"\]'):
        applied({}, with_containers({"name": "app"}, {"name": "app"}))


def test_applying_changes_neither_the_live_object_nor_the_body() -> None:
    live = applied({}, with_containers({"name": "app", "image": "a:1"}))
    body = with_containers({"name": "app", "image": "a:2"})
    before = repr((live, body))

    applied(live, body)

    assert repr((live, body)) == before


def test_status_and_main_resource_are_two_managers_of_one_name() -> None:
    status = Manager("alice", "Apply", "apps/v1", "status")
    live = applied({}, deployment(replicas=1))

    live = applied(live, {"kind": "Deployment", "metadata": {"name": "web"}, "status": {"replicas": 1}}, status)

    assert live["spec"] == {"replicas": 1}
    assert owns(live, status) == {".status.replicas"}


def test_a_manager_without_fields_is_forgotten() -> None:
    live = applied({}, deployment(replicas=1))

    live = applied(live, {"kind": "Deployment", "metadata": {"name": "web"}})

    assert live["metadata"]["managedFields"] == []


_names = st.sampled_from(["a", "b", "c", "d"])
_text = st.sampled_from(["1", "2", "3"])
_env = st.dictionaries(_names, _text, max_size=4)
_ports = st.sets(st.integers(80, 83), max_size=3)


@st.composite
def _container(draw: st.DrawFn, name: str) -> Object:
    body: Object = {"name": name}
    env, ports = draw(_env), draw(_ports)
    if env:
        body["env"] = [{"name": key, "value": value} for key, value in env.items()]
    if ports:
        body["ports"] = [{"containerPort": port} for port in ports]
    if draw(st.booleans()):
        body["image"] = draw(_text)
    if draw(st.booleans()):
        body["args"] = draw(st.lists(_text, max_size=2))
    return body


@st.composite
def _bodies(draw: st.DrawFn) -> Object:
    names = draw(st.lists(_names, unique=True, max_size=3))
    containers = [draw(_container(name)) for name in names]
    body = with_containers(*containers) if containers else deployment(replicas=draw(st.integers(0, 3)))
    labels = draw(st.dictionaries(_names, _text, max_size=3))
    if labels:
        body["metadata"]["labels"] = labels
    return body


@settings(max_examples=settings.default.max_examples * 3 // 2, deadline=None)
@given(history=st.lists(st.tuples(_bodies(), st.sampled_from([ALICE, BOB])), max_size=3), body=_bodies())
def test_applying_twice_is_the_same_as_once(history: list[tuple[Object, Manager]], body: Object) -> None:
    live: Object = {}
    for earlier, manager in history:
        live = applied(live, earlier, manager, force=True)

    once = applied(live, body, force=True, now="first")

    assert applied(once, body, now="second") == once


@settings(max_examples=settings.default.max_examples * 3 // 2, deadline=None)
@given(first=_bodies(), second=_bodies())
def test_a_lone_managers_object_is_what_it_declared_last(first: Object, second: Object) -> None:
    live = applied(applied({}, first), second)

    assert owns(live, ALICE) == owns(applied({}, second), ALICE)
    assert schema_paths(live) == schema_paths(second)


@settings(max_examples=settings.default.max_examples * 3 // 2, deadline=None)
@given(body=_bodies())
def test_ownership_survives_its_wire_form(body: Object) -> None:
    paths = managers.ownable(DEPLOYMENT, body)

    assert fields.from_fields_v1(fields.to_fields_v1(paths)) == paths


@settings(max_examples=settings.default.max_examples * 3 // 2, deadline=None)
@given(alice=_bodies(), bob=_bodies())
def test_every_field_has_the_value_of_an_owner(alice: Object, bob: Object) -> None:
    described = schema.of(DEPLOYMENT)
    live = applied(applied({}, alice), bob, BOB, force=True)

    for manager, declared in ((ALICE, alice), (BOB, bob)):
        holding = managers.load(live).get(manager)
        for path in holding.fields if holding else ():
            if not path[-1].startswith("k:"):
                assert fields.get(described, live, path) == fields.get(described, declared, path)


def schema_paths(body: Object) -> set[str]:
    return {fields.show(path) for path in managers.ownable(DEPLOYMENT, body)}

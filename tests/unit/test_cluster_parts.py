"""The small parts of the embedded cluster: selectors, quantities, decoding, validation, history, faults, ages."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_kubernetes import quantities
from local_kubernetes.cluster import ApiError, decoding, defaults, protobuf, selectors, validation
from local_kubernetes.cluster.admission import quota
from local_kubernetes.cluster.bodies import parse
from local_kubernetes.cluster.faults import FaultSwitch
from local_kubernetes.cluster.kinds import Object, named
from local_kubernetes.cluster.routes import Route, resource_route
from local_kubernetes.cluster.store import Store
from local_kubernetes.cluster.tables import duration
from local_kubernetes.cluster.watches import Watch

POD, DEPLOYMENT, CONFIG_MAP = named("Pod"), named("Deployment"), named("ConfigMap")


@pytest.mark.parametrize(
    ("selector", "matching"),
    [
        ("app=web", True),
        ("app==web,tier", True),
        ("app!=web", False),
        ("absent!=web", True),
        ("app in (web, api)", True),
        ("app notin (web,api)", False),
        ("absent notin (web)", True),
        ("!absent", True),
        ("!app", False),
        ("weight>3,weight<5", True),
        ("app in (api),tier", False),
    ],
)
def test_label_selectors(selector: str, matching: bool) -> None:
    body = {"metadata": {"labels": {"app": "web", "tier": "front", "weight": "4"}}}
    matches = selectors.labels(selector)

    assert matches is not None
    assert matches(body) is matching


@pytest.mark.parametrize("selector", ["app in web", "=x", "a b", "app>x"])
def test_a_malformed_label_selector_is_a_bad_request(selector: str) -> None:
    with pytest.raises(ApiError) as refused:
        selectors.labels(selector)
    assert refused.value.code == 400


def test_field_selectors_take_only_the_fields_of_their_kind() -> None:
    matches = selectors.fields(POD, "spec.nodeName=n1,status.phase!=Failed")

    assert matches is not None
    assert matches({"spec": {"nodeName": "n1"}, "status": {"phase": "Running"}})
    assert not matches({"spec": {"nodeName": "n1"}, "status": {"phase": "Failed"}})
    with pytest.raises(ApiError, match=r"field label not supported: spec\.nodeName"):
        selectors.fields(DEPLOYMENT, "spec.nodeName=n1")


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("0.5", "500m"),
        ("1000m", "1"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("512", "512"),
        ("100Mi", "100Mi"),
        ("1500000", "1500k"),
        ("0", "0"),
        ("2e3", "2e3"),
        ("0.1n", "1n"),
        ("512Ki", "512Ki"),
        ("0.5Ki", "512"),
        ("1e999999999", "9223372036854775807"),
        ("-1e999999999", "-9223372036854775807"),
        ("1e-999999999", "1e-9"),
        ("9E", "9E"),
        ("10E", "9223372036854775807"),
    ],
)
def test_quantities_have_one_canonical_form(written: str, canonical: str) -> None:
    assert quantities.canonical(written) == canonical
    assert quantities.parse(canonical) == quantities.parse(written)


@given(number=st.integers(0, 10**12), suffix=st.sampled_from(["", "m", "k", "Mi", "Gi", "M"]))
def test_the_canonical_form_keeps_the_value_and_is_stable(number: int, suffix: str) -> None:
    canonical = quantities.canonical(f"{number}{suffix}")

    assert quantities.parse(canonical) == quantities.parse(f"{number}{suffix}")
    assert quantities.canonical(canonical) == canonical


@pytest.mark.parametrize("text", ["", "abc", "1 Gi", "1GiB", "--1", "1.2.3", "5mi", "²", "1e" + "9" * 99])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quantities must match"):
        quantities.parse(text)


def test_decoding_drops_nulls_and_names_unknown_fields() -> None:
    decoded = decoding.decode(DEPLOYMENT, {"spec": {"replicas": None, "colour": 1, "template": {"spec": {"x": 1}}}})

    assert decoded.object == {"spec": {"template": {"spec": {}}}}
    assert decoded.unknown == ["spec.colour", "spec.template.spec.x"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"spec": {"replicas": "3"}}, "cannot unmarshal string into Go struct field spec.replicas of type int32"),
        ({"spec": {"paused": 1}}, "cannot unmarshal number into Go struct field spec.paused of type bool"),
        ({"metadata": {"labels": {"a": 1}}}, "cannot unmarshal number into Go struct field metadata.labels.a"),
        ({"spec": []}, "cannot unmarshal array into Go struct field spec"),
        (
            {"spec": {"template": {"spec": {"containers": [{"resources": {"limits": {"cpu": "lots"}}}]}}}},
            "quantities must match the regular expression",
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_a_bad_request(body: Object, message: str) -> None:
    with pytest.raises(ApiError) as refused:
        decoding.decode(DEPLOYMENT, body)

    assert refused.value.code == 400
    assert message in str(refused.value)


def valid_deployment(**container: Any) -> Object:
    body: Object = {
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web:1", **container}]},
            },
        },
    }
    defaults.set_defaults(DEPLOYMENT, body)
    return body


def faults_of(body: Object) -> list[str]:
    with pytest.raises(ApiError) as refused:
        validation.check_new(DEPLOYMENT, body)
    assert refused.value.code == 422
    return [f"{cause['field']}: {cause['message']}" for cause in refused.value.details["causes"]]


def test_a_complete_deployment_is_valid() -> None:
    validation.check_new(DEPLOYMENT, valid_deployment())


@pytest.mark.parametrize(
    ("container", "field"),
    [
        ({"name": "Bad_Name"}, "spec.template.spec.containers[0].name"),
        ({"image": ""}, "spec.template.spec.containers[0].image"),
        (
            {"ports": [{"containerPort": 0, "protocol": "TCP"}]},
            "spec.template.spec.containers[0].ports[0].containerPort",
        ),
        ({"env": [{"name": "A=B", "value": "1"}]}, "spec.template.spec.containers[0].env[0].name"),
        (
            {"volumeMounts": [{"name": "none", "mountPath": "/x"}]},
            "spec.template.spec.containers[0].volumeMounts[0].name",
        ),
        (
            {"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}},
            "spec.template.spec.containers[0].resources.requests",
        ),
        ({"livenessProbe": {}}, "spec.template.spec.containers[0].livenessProbe"),
        ({"imagePullPolicy": "Sometimes"}, "spec.template.spec.containers[0].imagePullPolicy"),
    ],
)
def test_a_faulty_container_is_invalid_at_its_field(container: Object, field: str) -> None:
    found = faults_of(valid_deployment(**container))

    assert len(found) == 1
    assert found[0].startswith(f"{field}: ")


def test_a_selector_must_match_the_template_and_may_not_change() -> None:
    body = valid_deployment()
    body["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    assert "`selector` does not match template `labels`" in faults_of(body)[0]

    changed = valid_deployment()
    changed["spec"]["selector"] = {"matchLabels": {"app": "web", "x": "y"}}
    changed["spec"]["template"]["metadata"]["labels"] = {"app": "web", "x": "y"}
    with pytest.raises(ApiError, match="field is immutable"):
        validation.check_change(DEPLOYMENT, valid_deployment(), changed)


@pytest.mark.parametrize(
    ("kind", "name", "valid"),
    [
        ("ConfigMap", "a.b-c", True),
        ("ConfigMap", "a" * 253, True),
        ("ConfigMap", "a" * 254, False),
        ("ConfigMap", "A", False),
        ("ConfigMap", "-a", False),
        ("Namespace", "a.b", False),
        ("Namespace", "a" * 64, False),
        ("Service", "1a", False),
        ("Service", "a" * 64, False),
    ],
)
def test_names(kind: str, name: str, valid: bool) -> None:
    body: Object = {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}}
    defaults.set_defaults(named(kind), body)
    if valid:
        validation.check_new(named(kind), body)
        return
    with pytest.raises(ApiError, match=r"metadata\.name: Invalid value"):
        validation.check_new(named(kind), body)


def config_map(name: str, **metadata: Any) -> Object:
    return {"metadata": {"name": name, "namespace": "n", "uid": name, **metadata}}


def test_a_watch_resumes_after_the_version_it_saw() -> None:
    store = Store(100)
    first = store.insert(CONFIG_MAP, config_map("a"))
    store.insert(CONFIG_MAP, config_map("b"))

    _, missed = store.watch(CONFIG_MAP, first.version)

    assert [change.record.name for change in missed] == ["b"]


def test_a_version_older_than_the_history_has_expired() -> None:
    store = Store(100, history=2)
    versions = [store.insert(CONFIG_MAP, config_map(name)).version for name in "abcd"]

    with pytest.raises(ApiError, match="too old resource version") as refused:
        store.watch(CONFIG_MAP, versions[0])
    assert (refused.value.code, refused.value.reason) == (410, "Expired")
    _, missed = store.watch(CONFIG_MAP, versions[1])
    assert len(missed) == 2


def test_a_version_of_an_earlier_server_has_expired() -> None:
    with pytest.raises(ApiError, match="too old resource version"):
        Store(200).watch(CONFIG_MAP, 150)


def test_a_watch_that_falls_behind_is_dropped_and_holds_nothing_more() -> None:
    store = Store(1)
    watch = Watch(backlog=2)
    records = [store.insert(CONFIG_MAP, config_map(name)) for name in "abc"]
    _, missed = store.watch(CONFIG_MAP, 1)
    for change in missed:
        watch.push(change)

    assert len(records) == 3
    assert watch.overrun
    assert not watch.waiting
    assert asyncio.run(watch.next(10)) == []


def test_the_store_knows_dependents_until_they_go() -> None:
    store = Store(1)
    owned = store.insert(CONFIG_MAP, config_map("a", ownerReferences=[{"uid": "owner"}]))

    assert store.dependents("owner") == [owned]
    store.remove(owned)
    assert store.dependents("owner") == []


def test_paths_name_kinds_namespaces_and_subresources() -> None:
    assert resource_route("/api/v1/namespaces/n") == Route(named("Namespace"), "", "n")
    assert resource_route("/api/v1/namespaces/n/status") == Route(named("Namespace"), "", "n", "status")
    assert resource_route("/api/v1/namespaces/n/pods") == Route(POD, "n")
    assert resource_route("/apis/apps/v1/deployments") == Route(DEPLOYMENT)
    assert resource_route("/apis/apps/v1/namespaces/n/deployments/d/scale") == Route(DEPLOYMENT, "n", "d", "scale")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/widgets",
        "/apis/apps/v2/deployments",
        "/api/v1/pods/p",
        "/api/v1/namespaces/n/pods/p/exec",
        "/api/v1/namespaces/n/pods/p/status/more",
        "/api/v1/namespaces/n/nodes",
    ],
)
def test_paths_that_are_not_served(path: str) -> None:
    with pytest.raises(ApiError) as refused:
        resource_route(path)
    assert refused.value.code == 404


def test_a_fault_strikes_its_share_of_requests_until_its_time_is_up() -> None:
    now = 0.0
    chances = iter([0.1, 0.9, 0.1])
    switch = FaultSwitch(clock=lambda: now, chance=lambda: next(chances))
    switch.set({"status": 429, "fraction": 0.5, "seconds": 10})

    struck = switch("GET", "/api")
    assert struck is not None
    error = struck.error()
    assert error is not None
    assert error.code == 429
    assert error.headers == {"Retry-After": "1"}
    assert switch("GET", "/api") is None
    now = 10.0
    assert switch("GET", "/api") is None


@pytest.mark.parametrize("wanted", [{}, {"seconds": "x"}, {"seconds": 1, "status": 200}, {"seconds": 1, "fraction": 2}])
def test_a_fault_that_makes_no_sense_is_refused(wanted: Object) -> None:
    with pytest.raises(ApiError) as refused:
        FaultSwitch().set(wanted)
    assert refused.value.code == 400


def test_yaml_reads_dates_and_json_as_kubernetes_does() -> None:
    assert parse(b"a: 2020-01-01\nb: [x]", is_yaml=True) == {"a": "2020-01-01", "b": ["x"]}
    assert parse(b'{"a": 1}', is_yaml=True) == {"a": 1}
    with pytest.raises(ApiError, match="error decoding YAML"):
        parse(b"a: [", is_yaml=True)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0s"), (119, "119s"), (200, "3m20s"), (900, "15m"), (4 * 3600 + 60, "4h1m"), (86400, "24h"), (259200, "3d")],
)
def test_ages_read_as_kubectl_writes_them(seconds: int, shown: str) -> None:
    assert duration(seconds) == shown


def test_a_pod_counts_its_containers_together_and_only_as_an_object_once_it_is_done() -> None:
    container = {"resources": {"requests": {"cpu": "500m"}, "limits": {"memory": "1Gi"}}}
    body: Object = {"spec": {"containers": [container, container]}}

    costs = quota.charge(POD, body)

    assert {name: int(costs[name]) for name in ("pods", "requests.cpu", "cpu")} == {
        "pods": 1,
        "requests.cpu": 1,
        "cpu": 1,
    }
    assert costs["limits.memory"] == 2 * 2**30
    assert quota.charge(POD, {**body, "status": {"phase": "Succeeded"}}) == {"count/pods": 1}


@given(content=st.binary(max_size=64))
def test_damaged_protobuf_is_refused_and_nothing_worse(content: bytes) -> None:
    with pytest.raises(ApiError) as refused:
        protobuf.decode(b"k8s\x00" + content)

    assert refused.value.code in (400, 415)

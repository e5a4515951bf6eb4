"""Faults of every other kind, each refused at its field and in the words of a real API server."""

import pytest
from tests.unit.cluster_objects import BareCluster, refusal
from tests.unit.test_cluster_validation_pods import LABEL_RULE, faults_of

from local_kubernetes.cluster.bodies import parse
from local_kubernetes.cluster.decoding import checked
from local_kubernetes.cluster.kinds import Object, named

POLICY: Object = {"podSelector": {}}

FAULTS: list[tuple[str, Object, str]] = [
    (
        "Service",
        {"ports": [{"port": 0, "targetPort": 1}]},
        "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
    ),
    (
        "Service",
        {"ports": [{"port": 80, "targetPort": "Web"}]},
        (
            'spec.ports[0].targetPort: Invalid value: "Web": must contain only alpha-numeric characters (a-z, '
            "0-9), and hyphens (-)"
        ),
    ),
    (
        "Service",
        {"ports": [{"port": 80, "targetPort": 0}]},
        "spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive",
    ),
    (
        "Service",
        {"ports": [{"port": 80, "nodePort": 30080}]},
        "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    ),
    (
        "Service",
        {"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]},
        (
            "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of "
            "valid ports is 30000-32767"
        ),
    ),
    (
        "Service",
        {"ports": [{"port": 80, "protocol": "HTTP"}]},
        'spec.ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"',
    ),
    ("Service", {"ports": [{"port": 80, "name": "A"}]}, f'spec.ports[0].name: Invalid value: "A": {LABEL_RULE}'),
    ("Service", {"type": "ExternalName"}, "spec.externalName: Required value"),
    (
        "Service",
        {"clusterIP": "ten", "ports": [{"port": 80}]},
        'spec.clusterIPs[0]: Invalid value: "ten": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ),
    (
        "NetworkPolicy",
        {**POLICY, "ingress": [{"from": [{}]}]},
        "spec.ingress[0].from[0]: Required value: must specify a peer",
    ),
    (
        "NetworkPolicy",
        {**POLICY, "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}]}]},
        "spec.egress[0].to[0]: Forbidden: may not specify both ipBlock and another peer",
    ),
    (
        "NetworkPolicy",
        {**POLICY, "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0"}}]}]},
        (
            'spec.egress[0].to[0].ipBlock.cidr: Invalid value: "10.0.0": must be a valid CIDR value, (e.g. '
            "10.9.8.0/24 or 2001:db8::/64)"
        ),
    ),
    (
        "NetworkPolicy",
        {**POLICY, "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}}]}]},
        'spec.egress[0].to[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
    ),
    (
        "NetworkPolicy",
        {**POLICY, "egress": [{"ports": [{"port": "dns", "endPort": 54}]}]},
        "spec.egress[0].ports[0].endPort: Invalid value: 54: may not be specified when `port` is non-numeric",
    ),
    (
        "NetworkPolicy",
        {**POLICY, "egress": [{"ports": [{"port": 53, "endPort": 52}]}]},
        "spec.egress[0].ports[0].endPort: Invalid value: 52: must be greater than or equal to `port`",
    ),
    (
        "NetworkPolicy",
        {"podSelector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}},
        'spec.podSelector.matchExpressions[0].operator: Invalid value: "Is": not a valid selector operator',
    ),
    (
        "ResourceQuota",
        {"hard": {"pods": "-1"}},
        'spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0',
    ),
    ("ResourceQuota", {"hard": {"pods": "1500m"}}, 'spec.hard[pods]: Invalid value: "1500m": must be an integer'),
    ("ResourceQuota", {"scopes": ["Some"]}, 'spec.scopes: Invalid value: ["Some"]: unsupported scope'),
    (
        "ResourceQuota",
        {"hard": {"pods": "1"}, "scopes": ["BestEffort", "NotBestEffort"]},
        'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes',
    ),
    (
        "LimitRange",
        {"limits": [{"type": "Image"}]},
        'spec.limits[0].type: Invalid value: "Image": must be a standard limit type or fully qualified',
    ),
    ("LimitRange", {"limits": [{"type": "Pod"}, {"type": "Pod"}]}, 'spec.limits[1].type: Duplicate value: "Pod"'),
    (
        "LimitRange",
        {"limits": [{"type": "Pod", "default": {"cpu": "1"}}]},
        "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
    ),
    (
        "LimitRange",
        {"limits": [{"type": "Pod", "min": {"cpu": "2"}, "max": {"cpu": "1"}}]},
        'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
    ),
    (
        "LimitRange",
        {"limits": [{"type": "Pod", "maxLimitRequestRatio": {"cpu": "500m"}}]},
        'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1',
    ),
    (
        "LimitRange",
        {"limits": [{"type": "PersistentVolumeClaim"}]},
        (
            "spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but "
            "neither was provided"
        ),
    ),
    (
        "Lease",
        {"leaseDurationSeconds": 0},
        "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
    ),
]


@pytest.mark.parametrize(("kind", "spec", "fault"), FAULTS)
def test_a_fault_is_refused_at_its_field(kind: str, spec: Object, fault: str) -> None:
    assert faults_of({"metadata": {"name": "a"}, "spec": spec}, kind) == [fault]


def test_a_quota_bounds_resources_that_there_are() -> None:
    found = faults_of({"metadata": {"name": "a"}, "spec": {"hard": {"gold": "1"}}}, "ResourceQuota")

    assert found == [
        'spec.hard[gold]: Invalid value: "gold": must be a standard resource type or fully qualified',
        'spec.hard[gold]: Invalid value: "gold": must be a standard resource for quota',
    ]


def event(**about: str) -> Object:
    involved = {"apiVersion": "v1", "kind": "Pod", "name": "web", "namespace": "space", **about}
    return {"metadata": {"name": "web.1"}, "involvedObject": {key: value for key, value in involved.items() if value}}


def test_an_event_stands_in_the_namespace_of_what_it_is_about() -> None:
    BareCluster().create("Event", event())

    assert faults_of(event(namespace="other"), "Event") == [
        'involvedObject.namespace: Invalid value: "other": does not match event.namespace'
    ]
    assert faults_of(event(namespace=""), "Event") == [
        'involvedObject.namespace: Invalid value: "": does not match event.namespace',
        "involvedObject.namespace: Required value: required for kind Pod",
    ]
    assert faults_of(event(kind="Node"), "Event") == [
        'involvedObject.namespace: Invalid value: "space": not allowed for kind Node'
    ]


@pytest.mark.parametrize(
    ("kind", "spec"),
    [("Lease", {"leaseDurationSeconds": 5}), ("PodDisruptionBudget", {"minAvailable": 1})],
)
def test_some_kinds_are_replaced_only_by_who_names_the_version_it_read(kind: str, spec: Object) -> None:
    cluster = BareCluster()
    made = cluster.create(kind, {"metadata": {"name": "a"}, "spec": spec})
    body = {"metadata": {"name": "a"}, "spec": spec}

    error = refusal(cluster.replace, kind, "a", body)

    assert (
        error.code,
        'metadata.resourceVersion: Invalid value: "": must be specified for an update' in str(error),
    ) == (
        422,
        True,
    )
    body["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"]
    cluster.replace(kind, "a", body)


def test_other_kinds_are_replaced_without_a_version() -> None:
    cluster = BareCluster()
    cluster.create("ConfigMap", {"metadata": {"name": "a"}})

    assert cluster.replace("ConfigMap", "a", {"metadata": {"name": "a"}, "data": {"k": "v"}})["data"] == {"k": "v"}


def test_an_owner_that_is_named_in_part_is_refused() -> None:
    body = {"metadata": {"name": "a", "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": ""}]}}

    assert faults_of(body, "ConfigMap") == ['metadata.ownerReferences.uid: Invalid value: "": must not be empty']


def test_a_label_key_has_one_prefix_and_a_name() -> None:
    found = faults_of({"metadata": {"name": "a", "labels": {"a/b/c": "", "x/": ""}}}, "ConfigMap")

    assert found[0].startswith('metadata.labels: Invalid value: "a/b/c": a qualified name must consist of')
    assert found[0].endswith("with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')")
    assert 'metadata.labels: Invalid value: "x/": name part must be non-empty' in found


@pytest.mark.parametrize(
    ("content", "is_yaml"),
    [
        (b'{"data": {"a": "1", "b": "2", "a": "3"}, "metadata": {"name": "x"}, "metadata": {"name": "y"}}', False),
        (b"data: {a: '1', b: '2', a: '3'}\nmetadata: {name: x}\nmetadata: {name: y}\n", True),
    ],
)
def test_a_key_that_a_body_repeats_is_refused_or_warned_of(content: bytes, is_yaml: bool) -> None:
    body, kind = parse(content, is_yaml=is_yaml), named("ConfigMap")

    error = refusal(checked, kind, body, "Strict")
    assert error.code == 400
    assert error.message.endswith('strict decoding error: duplicate field "metadata", duplicate field "data.a"')
    made, warnings = checked(kind, body, "Warn")
    assert (made["data"], made["metadata"]["name"]) == ({"a": "3", "b": "2"}, "y")
    assert warnings == ['duplicate field "metadata"', 'duplicate field "data.a"']
    assert checked(kind, body, "Ignore")[1] == []


def test_a_body_nested_too_deeply_is_refused() -> None:
    error = refusal(parse, b"[" * 200_000, is_yaml=False)

    assert (error.code, "exceeded max depth" in error.message) == (400, True)

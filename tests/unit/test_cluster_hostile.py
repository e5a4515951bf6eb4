"""Bodies that make no sense: each is refused with a reason, none makes the server itself fail."""

import copy
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from local_kubernetes.cluster import ApiError, bodies
from local_kubernetes.cluster.admission import Admission
from local_kubernetes.cluster.deletion import DeleteOptions
from local_kubernetes.cluster.kinds import Object, named
from local_kubernetes.cluster.resources import Resources, Target, Write
from local_kubernetes.cluster.store import Store

NOW = datetime(2030, 1, 1, tzinfo=UTC)
META = {"name": "web", "namespace": "default", "labels": {"app": "web"}, "annotations": {"a": "b"}}
POD_SPEC = {
    "containers": [
        {
            "name": "web",
            "image": "registry.test/web:1",
            "env": [
                {"name": "A", "value": "1"},
                {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            ],
            "envFrom": [{"secretRef": {"name": "s"}}],
            "ports": [{"containerPort": 80, "name": "http"}],
            "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": 0.5}},
            "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1},
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp", "subPath": "a"}],  # noqa: S108 - a path in a pod
            "securityContext": {"runAsUser": 1, "seccompProfile": {"type": "RuntimeDefault"}},
            "lifecycle": {"preStop": {"sleep": {"seconds": 1}}},
        }
    ],
    "initContainers": [{"name": "first", "image": "registry.test/first:1", "restartPolicy": "Always"}],
    "volumes": [
        {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
        {"name": "secret", "secret": {"secretName": "s", "items": [{"key": "k", "path": "p", "mode": 0o400}]}},
        {"name": "mixed", "projected": {"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 600}}]}},
        {"name": "pod", "downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
    ],
    "securityContext": {"runAsNonRoot": True, "fsGroup": 1, "supplementalGroups": [1]},
    "tolerations": [{"key": "a", "operator": "Equal", "value": "b", "effect": "NoSchedule"}],
    "nodeSelector": {"disk": "ssd"},
}
BODIES: dict[str, Object] = {
    "Deployment": {
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "app", "operator": "Exists"}]},
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": POD_SPEC},
        }
    },
    "Pod": {"spec": POD_SPEC},
    "Service": {"spec": {"ports": [{"port": 80, "targetPort": "http"}], "selector": {"app": "web"}}},
    "Secret": {"data": {"a": "YQ=="}, "stringData": {"b": "b"}, "type": "Opaque"},
    "NetworkPolicy": {
        "spec": {
            "podSelector": {},
            "egress": [
                {
                    "ports": [{"port": 53, "protocol": "UDP", "endPort": 54}],
                    "to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}],
                }
            ],
            "ingress": [{"from": [{"podSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}]}],
        }
    },
    "ConfigMap": {"data": {"a": "b"}, "binaryData": {"c": "YQ=="}},
    "Event": {
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": "web", "namespace": "default"},
        "reason": "Started",
        "eventTime": "2030-01-01T00:00:00.000000Z",
        "reportingComponent": "a.example/b",
        "reportingInstance": "c",
        "action": "Start",
    },
    "PodDisruptionBudget": {"spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}},
    "ResourceQuota": {"spec": {"hard": {"pods": "9", "limits.memory": "1Ti"}, "scopes": ["NotBestEffort"]}},
    "LimitRange": {
        "spec": {
            "limits": [
                {
                    "type": "Container",
                    "default": {"cpu": "1"},
                    "max": {"cpu": "2"},
                    "maxLimitRequestRatio": {"cpu": "3"},
                }
            ]
        }
    },
    "Lease": {"spec": {"holderIdentity": "me", "leaseDurationSeconds": 5, "renewTime": "2030-01-01T00:00:00.000000Z"}},
}
_odd: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", "x", -1, 0, 1.5, 10**30, True, [], {}, [None], [[]], [1], {"x": "y"}, {"": None}, "é\x00"]
)


def body_of(name: str) -> Object:
    kind = named(name)
    return {
        "apiVersion": kind.api_version,
        "kind": name,
        "metadata": copy.deepcopy(META),
        **copy.deepcopy(BODIES[name]),
    }


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, child in children for place in [(*path, key), *places(child, (*path, key))]]


@st.composite
def _hostile(draw: st.DrawFn) -> tuple[str, Object]:
    name = draw(st.sampled_from(sorted(BODIES)))
    body = body_of(name)
    for _ in range(draw(st.integers(1, 2))):
        *parents, last = draw(st.sampled_from(places(body)))
        node: Any = body
        for key in parents:
            node = node[key]
        node[last] = copy.deepcopy(draw(_odd))
    return name, body


def resources() -> Resources:
    store = Store(1)
    made = Resources(store, Admission(store), lambda: NOW)
    made.create(named("Namespace"), "", {"metadata": {"name": "default"}}, Write("test"))
    return made


def refused_or_done(call: Any, *arguments: Any) -> None:
    try:
        call(*arguments)
    except ApiError as error:
        if error.code >= 500 and "failed to create typed patch object" not in str(error):
            raise


@settings(max_examples=settings.default.max_examples * 3 // 2, deadline=None)
@given(_hostile())
def test_no_body_makes_a_create_fail(made: tuple[str, Object]) -> None:
    name, body = made

    refused_or_done(resources().create, named(name), "default", body, Write("test"))


@settings(max_examples=settings.default.max_examples * 3 // 2, deadline=None)
@given(_hostile())
@example(("Secret", {"apiVersion": "v1", "kind": "Secret", "metadata": []}))
@example(("Secret", {"apiVersion": "v1", "kind": ["Secret"], "metadata": {}}))
def test_no_body_makes_an_apply_fail(made: tuple[str, Object]) -> None:
    name, body = made
    target, served = Target(named(name), "default", "web"), resources()
    served.apply(target, body_of(name), Write("test"))

    refused_or_done(served.apply, target, body, Write("test", force=True))


@settings(max_examples=settings.default.max_examples * 3 // 2, deadline=None)
@given(
    _hostile(),
    st.sampled_from(["application/merge-patch+json", "application/strategic-merge-patch+json"]),
)
def test_no_body_makes_a_patch_fail(made: tuple[str, Object], media_type: str) -> None:
    name, body = made
    target, served = Target(named(name), "default", "web"), resources()
    served.create(target.kind, "default", body_of(name), Write("test"))

    refused_or_done(served.patch, target, media_type, body, Write("test"))


_paths = st.sampled_from(["", "/", "a", "/spec", "/spec/-", "/metadata/labels/app", "/spec/ports/0", "/~2", "/x/y", 3])
_operations = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "copy", "move", "remove", "replace", "test", "leap", None, []])},
    optional={"path": _paths, "from": _paths, "value": _odd},
)


@settings(max_examples=settings.default.max_examples * 3 // 2, deadline=None)
@given(st.sampled_from(sorted(BODIES)), st.lists(st.one_of(_operations, _odd), max_size=4))
def test_no_json_patch_makes_a_patch_fail(name: str, operations: list[Any]) -> None:
    target, served = Target(named(name), "default", "web"), resources()
    served.create(target.kind, "default", body_of(name), Write("test"))

    refused_or_done(served.patch, target, "application/json-patch+json", operations, Write("test"))


@given(st.dictionaries(st.sampled_from(["preconditions", "gracePeriodSeconds", "propagationPolicy", "dryRun"]), _odd))
def test_no_options_make_a_delete_fail(body: Object) -> None:
    refused_or_done(DeleteOptions.read, body, {})


@pytest.mark.parametrize("name", sorted(BODIES))
def test_the_bodies_that_are_spoilt_here_are_accepted_as_they_are(name: str) -> None:
    made = resources().create(named(name), "default", body_of(name), Write("test", validation="Strict"))

    assert made.object["metadata"]["creationTimestamp"] == "2030-01-01T00:00:00Z"


def bomb(levels: int) -> bytes:
    """YAML of some hundred characters whose aliases stand for 9 to the power of `levels` values."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, levels + 1)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize("body", [bomb(9), b"a: &a [*a]", b"&a {b: *a}"], ids=["bomb", "list", "map"])
def test_aliases_that_stand_for_more_than_a_body_can_hold_are_refused(body: bytes) -> None:
    with pytest.raises(ApiError, match="aliases stand for over 100000 values"):
        bodies.parse(body, is_yaml=True)


def test_yaml_that_would_take_the_parser_seconds_is_refused_unparsed() -> None:
    content = b"".join(b"- &a%d x\n" % number for number in range(100_000))
    began = time.process_time()
    with pytest.raises(ApiError, match="send JSON"):
        bodies.parse(content, is_yaml=True)
    assert time.process_time() - began < 0.5
    assert bodies.parse(json.dumps(["x" * 1_000_000]).encode(), is_yaml=True)


def test_plain_yaml_and_few_aliases_are_read() -> None:
    assert bodies.parse(b"a: &a [1]\nb: *a\nc: 2026-01-01", is_yaml=True) == {"a": [1], "b": [1], "c": "2026-01-01"}
    assert bodies.parse(bomb(3), is_yaml=True)["a1"] == [["x"]] * 9  # type: ignore[index]
    assert bodies.parse(b"", is_yaml=True) is None

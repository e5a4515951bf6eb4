"""Check-ins out of a tenant's pod, and objects for the cluster's API server."""

import json
import ssl
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.hostile.inputs import CLOSED, Ground, Hostile
from tests.runtime_harness import eventually

# The message was taken off the topic; what became of it is what the view of the other tenant shows.
HANDLED = 204
HONEST = {
    "organization_id": "org_acme",
    "provider": "acme/weather",
    "version": "1.1.0",
    "generation": 1,
    "token": "not the token of this generation",
    "health": "healthy",
}


def check_ins() -> Iterator[Hostile]:
    """Messages that are slow to read or to mask, or claim to be another tenant's."""
    for name, payload in _PAYLOADS.items():
        yield Hostile("check-in", name, "registration", _published(payload), frozenset({HANDLED}))


def _published(payload: bytes | dict[str, Any]) -> Callable[[Ground], int]:
    def attempt(ground: Ground) -> int:
        data = payload if isinstance(payload, bytes) else json.dumps(HONEST | payload).encode()
        log = Path(ground.stack.info.logs_dir) / "registration.log"
        before = log.stat().st_size
        connection = HTTPConnection(ground.stack.info.pubsub_emulator_host, timeout=30)
        try:
            body = json.dumps({"messages": [{"data": b64encode(data).decode()}]})
            path = f"/v1/projects/{ground.stack.info.project}/topics/runtime-check-ins:publish"
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            assert connection.getresponse().status == 200
        finally:
            connection.close()
        eventually(lambda: log.stat().st_size > before, "the registration's word on a check-in", 30)
        return HANDLED

    return attempt


_PAYLOADS: dict[str, bytes | dict[str, Any]] = {
    "empty": b" ", "text": b"hello", "list": b"[]", "number": b"9" * 60_000, "deep": b"[" * 60_000,
    "utf-16": b"\xff\xfe{",
    "truncated": b'{"organization_id": "org_acme"', "nulls": b"\0" * 60_000,
    "many-keys": {f"k{n}": n for n in range(5000)},
    **{f"message-{number}": {"message": text} for number, text in enumerate((
        "token" + " " * 60_000 + ",", "token" + "\t" * 60_000, "http://" * 9000, "https://a:" * 6000, "token=" * 10_000,
        "password: " * 6000, "Bearer " * 9000, "a" * 65_536, "=" * 60_000, ":@" * 30_000, "\u202e" * 20_000,
        "\n" * 60_000,
        "eyJ" * 20_000, "-----BEGIN " * 5000, "\x1b[2J" * 10_000,
    ))},
    **{f"organization-{number}": {"organization_id": value} for number, value in enumerate((
        "org_other", "", "..", "org_other/installations", "__x__", None, 5, "x" * 300, "org_acme\0",
    ))},
    **{f"provider-{number}": {"provider": value} for number, value in enumerate((
        "other/secret", "", "../..", "a/b/c", "a" * 3000, None, 5, "acme/weather\n",
    ))},
    **{f"generation-{number}": {"generation": value} for number, value in enumerate((
        0, -1, 2**53, 2**64, 10**300, 1.5, "1", None, True, [],
    ))},
    **{f"token-{number}": {"token": value} for number, value in enumerate(("", "é" * 200, "a" * 257, None, 5))},
    "resources": {"active_resources": 10**30}, "resource-types": {"resource_types": ["x"] * 5000},
    "resource-type-long": {"resource_types": ["x" * 60_000]}, "health": {"health": "dead"},
    "sent": {"sent_at": "9" * 5000},
    "sent-far": {"sent_at": "9999-12-31T23:59:59Z"}, "failed": {"failed": True, "message": "x" * 60_000},
    "stopping": {"stopping": "perhaps"}, "instance": {"instance_id": "x" * 60_000},
    "megabytes": {"message": "x" * 7_000_000}, "megabytes-of-keys": {f"k{n}": n for n in range(400_000)},
    "stolen": {"organization_id": "org_other", "provider": "other/secret", "failed": True},
}  # fmt: skip


def cluster_objects() -> Iterator[Hostile]:
    """What reaches the API server on this machine: objects of no sense, and callers without its token."""
    for name, (path, body) in _OBJECTS.items():
        yield Hostile("object", name, "cluster", _created(path, body))
    for name, text in _YAMLS.items():
        yield Hostile("object", name, "cluster", _created(_SECRETS, text, "application/yaml"))
    for name, headers in _STRANGERS.items():
        yield Hostile("stranger", name, "cluster", _asked(headers))


def _connection(ground: Ground) -> tuple[HTTPConnection, str]:
    """To the API server that the stack's kubeconfig names, and its token."""
    config = yaml.safe_load(Path(ground.stack.info.kubeconfig).read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    server = urlsplit(cluster["server"])
    if server.scheme == "http":
        return HTTPConnection(server.netloc, timeout=30), user["token"]
    authority = cluster.get("certificate-authority-data")
    trusted = ssl.create_default_context()
    if authority:
        trusted.load_verify_locations(cadata=b64decode(authority).decode())
    else:
        trusted.load_verify_locations(cafile=cluster["certificate-authority"])
    return HTTPSConnection(server.netloc, timeout=30, context=trusted), user["token"]


def _sent(ground: Ground, method: str, path: str, body: bytes | None, headers: dict[str, str], *, signed: bool) -> int:
    connection, token = _connection(ground)
    given = {"Authorization": f"Bearer {token}"} if signed else {}
    try:
        connection.request(method, path, body, {"Content-Type": "application/json", **given, **headers})
        return connection.getresponse().status
    except OSError:
        return CLOSED
    finally:
        connection.close()


def _created(path: str, body: Any, kind: str = "application/json") -> Callable[[Ground], int]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda ground: _sent(ground, "POST", path, raw, {"Content-Type": kind}, signed=True)


def _asked(headers: dict[str, str]) -> Callable[[Ground], int]:
    return lambda ground: _sent(ground, "GET", "/api/v1/secrets", None, headers, signed=False)


_DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
_SECRETS = "/api/v1/namespaces/default/secrets"


def _named(kind: str, version: str, **rest: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "hostile"}, **rest}


def _deployment(**pod: Any) -> dict[str, Any]:
    labels = {"app": "hostile"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "b"}], **pod}}
    return _named("Deployment", "apps/v1", spec={"selector": {"matchLabels": labels}, "template": template})


_OBJECTS: dict[str, tuple[str, Any]] = {
    "not-json": (_SECRETS, b"{"), "deep": (_SECRETS, b"[" * 100_000), "list": (_SECRETS, []), "null": (_SECRETS, None),
    "no-kind": (_SECRETS, {}), "other-kind": (_SECRETS, _named("Pod", "v1")), "other-version": (_SECRETS,
    _named("Secret", "v2")),
    "no-name": (_SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": {}}),
    "name-path": (_SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "../x"}}),
    "name-long": (_SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x" * 5000}}),
    "big-secret": (_SECRETS, _named("Secret", "v1", stringData={"a": "x" * 1_200_000})),
    "secret-not-base64": (_SECRETS, _named("Secret", "v1", data={"a": "!"})),
    "secret-number": (_SECRETS, _named("Secret", "v1", data={"a": 5})),
    "big-annotations": (_SECRETS, {**_named("Secret", "v1"), "metadata": {"name": "x",
    "annotations": {"a": "x" * 300_000}}}),
    "bad-label": (_SECRETS, {**_named("Secret", "v1"), "metadata": {"name": "x", "labels": {"a b": "c"}}}),
    "no-spec": (_DEPLOYMENTS, _named("Deployment", "apps/v1")), "no-containers": (_DEPLOYMENTS,
    _deployment(containers=[])),
    "containers-text": (_DEPLOYMENTS, _deployment(containers="x")), "replicas": (_DEPLOYMENTS, {**_deployment(),
    "spec": {"replicas": -1}}),
    "no-namespace": ("/apis/apps/v1/namespaces/nowhere/deployments", _deployment()),
    "unknown-path": ("/apis/evil/v1/namespaces/default/things", {}), "path-dots": ("/api/v1/namespaces/../secrets", {}),
}  # fmt: skip
_YAMLS = {
    "yaml-aliases": b"a0: &a0 [x]\n" + b"".join(
        b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12)
    ),
    "yaml-deep": b"[" * 50_000, "yaml-tags": b"!!python/object/apply:os.system [id]", "yaml-merge": b"<<: *x",
    "yaml-anchors": b"".join(b"- &a%d x\n" % n for n in range(100_000)),
}  # fmt: skip
_STRANGERS = {
    "no-token": {}, "wrong-token": {"Authorization": "Bearer x"}, "basic": {"Authorization": "Basic YTpi"},
    "host": {"Host": "evil.example"}, "origin": {"Origin": "https://evil.example"},
    "long-token": {"Authorization": "Bearer " + "x" * 7000},
    "empty-token": {"Authorization": "Bearer "}, "cookie": {"Cookie": "token=x"},
}  # fmt: skip

"""Environment and command line of a container, as Kubernetes defines them."""

from pathlib import Path

import pytest

from local_kubernetes.node.environment import (
    ConfigurationError,
    Sources,
    command_line,
    expand,
    references,
    resolve,
)
from local_kubernetes.node.image_environment import image_environment
from local_kubernetes.node.objects import Json

POD: Json = {
    "metadata": {"name": "p-1", "namespace": "org-acme", "labels": {"tier": "free"}, "annotations": {"a/b": "c"}},
    "spec": {"nodeName": "here", "serviceAccountName": "runner"},
    "status": {"podIP": "127.64.0.9"},
}
VARIABLES = {"VAR_A": "A", "VAR_B": "B", "VAR_C": "C", "VAR_REF": "$(VAR_A)", "VAR_EMPTY": ""}


def environment(container: Json, sources: Sources | None = None, **base: str) -> dict[str, str]:
    return resolve(
        POD, container, sources or Sources(), base=base, rewrite=lambda text: text, allocatable={"memory": "4Gi"}
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(VAR_A)", "A"),
        ("___$(VAR_B)___", "___B___"),
        ("$(VAR_A)$(VAR_B)", "AB"),
        ("$$(VAR_B)_$(VAR_A)", "$(VAR_B)_A"),
        ("$$$(VAR_A)", "$A"),
        ("$$$$(VAR_A)", "$$(VAR_A)"),
        ("$VAR_A", "$VAR_A"),
        ("$(VAR_A", "$(VAR_A"),
        ("$(UNKNOWN)", "$(UNKNOWN)"),
        ("$(VAR_REF)", "$(VAR_A)"),
        ("$(VAR_EMPTY)", ""),
        ("foo$", "foo$"),
        ("$", "$"),
        ("$$", "$"),
        ("$(", "$("),
        ("$($(VAR_A))", "$($(VAR_A))"),
        ("${VAR_A}", "${VAR_A}"),
        ("$(A$$B", "$(A$B"),
    ],
)
def test_expressions_expand_as_kubernetes_documents(text: str, expected: str) -> None:
    assert expand(text, VARIABLES) == expected


def test_a_value_may_use_what_came_before_it_and_nothing_after() -> None:
    container = {
        "env": [
            {"name": "EARLY", "value": "$(LATE)"},
            {"name": "LATE", "value": "late"},
            {"name": "AFTER", "value": "<$(LATE)>"},
        ]
    }
    assert environment(container) == {"EARLY": "$(LATE)", "LATE": "late", "AFTER": "<late>"}


def test_secret_values_arrive_byte_for_byte() -> None:
    raw = "".join(["'\"\n\t\\ $(HOME) $$ ${X} `id` ü ", "x" * 30_000]).encode() + b"\xff\xfe"
    container = {"envFrom": [{"secretRef": {"name": "s"}}], "env": [{"name": "COPY", "value": "$(RAW)"}]}
    values = environment(container, Sources(secrets={"s": {"RAW": raw}}))
    assert values["RAW"].encode("utf-8", "surrogateescape") == raw
    assert values["COPY"] == values["RAW"], "an expansion is not expanded again"


def test_env_wins_over_env_from_and_the_later_source_over_the_earlier() -> None:
    container = {
        "envFrom": [{"configMapRef": {"name": "m"}}, {"secretRef": {"name": "s"}}],
        "env": [{"name": "C", "value": "env"}],
    }
    sources = Sources(
        secrets={"s": {"B": b"secret", "C": b"secret"}},
        config_maps={"m": {"A": b"map", "B": b"map", "C": b"map"}},
    )
    assert environment(container, sources, A="base", D="base") == {"A": "map", "B": "secret", "C": "env", "D": "base"}


def test_a_prefix_is_put_before_every_key() -> None:
    container = {"envFrom": [{"prefix": "DB_", "secretRef": {"name": "s"}}]}
    assert environment(container, Sources(secrets={"s": {"USER": b"u"}})) == {"DB_USER": "u"}


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"envFrom": [{"secretRef": {"name": "s"}}]}, 'secret "s" not found'),
        ({"envFrom": [{"configMapRef": {"name": "m"}}]}, 'configmap "m" not found'),
        (
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "there", "key": "k"}}}]},
            "couldn't find key k in Secret org-acme/there",
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}}]},
            'configmap "m" not found',
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.hostname"}}}]},
            "unsupported fieldPath: spec.hostname",
        ),
        ({"env": [{"name": "A", "value": "a\0b"}]}, "environment variable A holds a NUL byte"),
    ],
)
def test_what_is_missing_is_told_in_the_kubelets_words(container: Json, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        environment(container, Sources(secrets={"there": {}}))


def test_what_is_missing_but_optional_is_left_out() -> None:
    container = {
        "envFrom": [{"secretRef": {"name": "s", "optional": True}}],
        "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}}],
    }
    assert environment(container) == {}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.name", "p-1"),
        ("metadata.namespace", "org-acme"),
        ("metadata.labels['tier']", "free"),
        ("metadata.annotations['a/b']", "c"),
        ("metadata.labels['none']", ""),
        ("status.podIP", "127.64.0.9"),
        ("spec.nodeName", "here"),
        ("spec.serviceAccountName", "runner"),
    ],
)
def test_fields_of_the_pod_can_be_referred_to(path: str, expected: str) -> None:
    container = {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": path}}}]}
    assert environment(container) == {"A": expected}


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ({"resource": "limits.cpu"}, "1"),
        ({"resource": "limits.cpu", "divisor": "1m"}, "250"),
        ({"resource": "requests.memory", "divisor": "1Mi"}, "64"),
        ({"resource": "limits.memory", "divisor": "1Gi"}, "4"),
        ({"resource": "requests.cpu"}, "0"),
    ],
)
def test_resources_are_divided_and_rounded_up(reference: Json, expected: str) -> None:
    container = {
        "resources": {"limits": {"cpu": "250m"}, "requests": {"memory": "64Mi"}},
        "env": [{"name": "A", "valueFrom": {"resourceFieldRef": reference}}],
    }
    assert environment(container) == {"A": expected}


def test_plain_values_are_rewritten_to_real_paths_and_secrets_are_not() -> None:
    def rewrite(text: str) -> str:
        return text.replace("/work", "/real") if text.startswith("/work") else text

    container = {
        "envFrom": [{"secretRef": {"name": "s"}}],
        "env": [{"name": "WORK", "value": "/work"}, {"name": "FILE", "value": "$(WORK)/file"}],
        "command": ["cat", "/work/file", "$(FILE)", "$(SECRET)"],
    }
    sources = Sources(secrets={"s": {"SECRET": b"/work"}})
    values = resolve(POD, container, sources, base={}, rewrite=rewrite, allocatable={})
    assert values == {"WORK": "/real", "FILE": "/real/file", "SECRET": "/work"}
    assert command_line(container, values, rewrite)[:3] == ["cat", "/real/file", "/real/file"]


def test_without_a_command_the_images_own_is_run() -> None:
    assert command_line({}, {}, str) == ["python", "-m", "pragma_runtime.entrypoint"]
    assert command_line({"args": ["--$(A)", "$$(A)"]}, {"A": "x"}, str)[3:] == ["--x", "$(A)"]


def test_the_objects_that_a_container_reads_are_found() -> None:
    container = {
        "envFrom": [{"secretRef": {"name": "one"}}, {"configMapRef": {"name": "two"}}],
        "env": [
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "three", "key": "k"}}},
            {"name": "B", "value": "plain"},
        ],
    }
    found = references(container)
    assert (found.secrets, found.config_maps) == ({"one", "three"}, {"two"})


def test_the_image_environment_keeps_how_to_reach_an_index_and_not_how_its_user_installs(tmp_path: Path) -> None:
    node = {
        "PIP_INDEX_URL": "https://index/simple",
        "PIP_CERT": "ca.pem",
        "PIP_FIND_LINKS": "wheels https://host/wheels",
        "https_proxy": "http://proxy:3128",
        "PIP_USER": "1",
        "PIP_PREFIX": "/opt",
        "PIP_TARGET": "/opt",
        "PIP_REQUIRE_HASHES": "1",
        "PIP_REQUIRE_VIRTUALENV": "1",
        "PIP_CONSTRAINT": "constraints.txt",
        "PYTHONPATH": "/elsewhere",
    }

    kept = image_environment(node, tmp_path / "python")

    assert kept == {
        "PIP_INDEX_URL": "https://index/simple",
        "PIP_CERT": str(Path("ca.pem").absolute()),
        "PIP_FIND_LINKS": f"{Path('wheels').absolute()} https://host/wheels",
        "https_proxy": "http://proxy:3128",
        "PATH": kept["PATH"],
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
    }

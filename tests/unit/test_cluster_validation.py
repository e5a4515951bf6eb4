"""Limits that the API server sets in bytes, and what may stand in an object once only."""

from base64 import b64encode
from typing import Any

import pytest
from tests.unit.cluster_objects import BareCluster, refusal

from local_kubernetes.cluster.kinds import Object

MEBIBYTE = 1024 * 1024


def encoded(size: int) -> str:
    return b64encode(b"x" * size).decode()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("Secret", {"data": {"a": encoded(MEBIBYTE)}}),
        ("ConfigMap", {"data": {"a": "x" * MEBIBYTE}}),
        ("ConfigMap", {"binaryData": {"a": encoded(MEBIBYTE)}}),
    ],
)
def test_a_mebibyte_of_data_is_taken_as_it_is_before_base64(kind: str, body: Object) -> None:
    BareCluster().create(kind, {"metadata": {"name": "full"}, **body})


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("Secret", {"data": {"a": encoded(MEBIBYTE), "b": encoded(1)}}),
        ("ConfigMap", {"data": {"a": "é" * (MEBIBYTE // 2), "b": "x"}}),
        ("ConfigMap", {"data": {"a": "x" * MEBIBYTE}, "binaryData": {"b": encoded(1)}}),
    ],
)
def test_one_byte_more_is_too_much(kind: str, body: Object) -> None:
    error = refusal(BareCluster().create, kind, {"metadata": {"name": "full"}, **body})

    assert (error.code, f"Too long: may not be more than {MEBIBYTE} bytes" in error.message) == (422, True)


def test_annotations_are_counted_in_bytes() -> None:
    metadata: Any = {"name": "a", "annotations": {"k": "é" * (128 * 1024)}}

    error = refusal(BareCluster().create, "ConfigMap", {"metadata": metadata})

    assert "metadata.annotations: Too long: may not be more than 262144 bytes" in error.message


def test_a_key_stands_in_data_or_in_binary_data() -> None:
    body = {"metadata": {"name": "a"}, "data": {"k": "v"}, "binaryData": {"k": encoded(1)}}

    error = refusal(BareCluster().create, "ConfigMap", body)

    assert 'data[k]: Invalid value: "k": duplicate of key present in binaryData' in error.message


def test_an_object_has_one_controller() -> None:
    owners = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": name, "controller": True} for name in ("a", "b")
    ]

    error = refusal(BareCluster().create, "ConfigMap", {"metadata": {"name": "c", "ownerReferences": owners}})

    assert "Only one reference can have Controller set to true" in error.message

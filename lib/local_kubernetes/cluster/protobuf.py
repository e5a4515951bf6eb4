"""Protobuf bodies, as the `kubectl create` generators and Go's typed clients send them.

Only what those generators write is known here; any other message or field is refused as an unsupported media type,
with the advice to send JSON. Types come from the kind's schema, field numbers from the table below, which lists the
names of a message's fields in the order of their numbers; `_` stands for a number that is not used or not known.
"""

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from . import schema
from .kinds import KINDS, Object
from .schema import ListOf, MapOf, Schema, Struct
from .status import ApiError, unsupported_media_type

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_MODELS = {**{(kind.api_version, kind.name): kind.model for kind in KINDS}, ("v1", "DeleteOptions"): "V1DeleteOptions"}

_OBJECT_META = (
    "name generateName namespace selfLink uid resourceVersion generation creationTimestamp deletionTimestamp "
    "deletionGracePeriodSeconds labels annotations ownerReferences finalizers _ _ managedFields"
)
_FIELDS = {
    "V1ObjectMeta": _OBJECT_META,
    "V1DeleteOptions": "gracePeriodSeconds preconditions orphanDependents propagationPolicy dryRun",
    "V1Preconditions": "uid resourceVersion",
    "V1LabelSelector": "matchLabels matchExpressions",
    "V1LabelSelectorRequirement": "key operator values",
    "V1Namespace": "metadata spec status",
    "V1NamespaceSpec": "finalizers",
    "V1NamespaceStatus": "phase conditions",
    "V1Secret": "metadata data type stringData immutable",
    "V1ConfigMap": "metadata data binaryData immutable",
    "V1ServiceAccount": "metadata secrets imagePullSecrets automountServiceAccountToken",
    "V1LocalObjectReference": "name",
    "V1ResourceQuota": "metadata spec status",
    "V1ResourceQuotaSpec": "hard scopes scopeSelector",
    "V1ResourceQuotaStatus": "hard used",
    "V1Deployment": "metadata spec status",
    "V1DeploymentSpec": (
        "replicas selector template strategy minReadySeconds revisionHistoryLimit paused _ progressDeadlineSeconds"
    ),
    "V1DeploymentStrategy": "type rollingUpdate",
    "V1DeploymentStatus": "observedGeneration replicas updatedReplicas availableReplicas unavailableReplicas",
    "V1PodTemplateSpec": "metadata spec",
    "V1PodSpec": (
        "volumes containers restartPolicy terminationGracePeriodSeconds activeDeadlineSeconds dnsPolicy nodeSelector "
        "serviceAccountName serviceAccount nodeName hostNetwork hostPID hostIPC securityContext imagePullSecrets "
        "hostname subdomain affinity schedulerName initContainers automountServiceAccountToken tolerations"
    ),
    "V1Container": (
        "name image command args workingDir ports env resources _ _ _ _ terminationMessagePath imagePullPolicy _ "
        "stdin stdinOnce tty _ terminationMessagePolicy"
    ),
    "V1ContainerPort": "name hostPort containerPort protocol hostIP",
    "V1EnvVar": "name value valueFrom",
    "V1ResourceRequirements": "limits requests",
}
_EMPTY_MATTERS = {"replicas", "gracePeriodSeconds", "orphanDependents"}  # Their zero says something; others are unset.
_NOT_READ = {"status", "managedFields"}  # The server's own, whatever a client sends.

Field = tuple[int, int | bytes]


def decode(content: bytes) -> Object:
    """The JSON form of a protobuf body. Raises a 400 ApiError when it is damaged, a 415 one when it is not known."""
    try:
        return _envelope(content)
    except (IndexError, OSError, OverflowError, TypeError, ValueError) as error:
        raise ApiError(400, "BadRequest", f"error decoding the body: not protobuf: {error}") from error


def _envelope(content: bytes) -> Object:
    if not content.startswith(_MAGIC):
        raise ValueError("it does not begin with k8s\\x00")
    envelope = dict(_fields(content[len(_MAGIC) :]))
    identity = dict(_fields(_bytes(envelope.get(1, b""))))
    api_version, name = (_bytes(identity.get(number, b"")).decode() for number in (1, 2))
    model = _MODELS.get((api_version, name)) or _MODELS.get(("v1", name), "")
    if model not in _FIELDS:
        raise _unknown(name)
    body = _struct(schema.struct(model), _bytes(envelope.get(2, b"")))
    return {"apiVersion": api_version, "kind": name, **body}


def _struct(described: Struct, content: bytes) -> Object:
    names = _FIELDS.get(described.name, "").split()
    decoded: Object = {}
    for number, value in _fields(content):
        name = names[number - 1] if number <= len(names) else "_"
        if name in _NOT_READ or (name == "_" and not value):
            continue
        if name == "_":
            raise _unknown(f"field {number} of {described.name.removeprefix('V1')}")
        _set(decoded, name, described.fields[name], value)
    return decoded


def _set(decoded: Object, name: str, described: Schema, value: int | bytes) -> None:
    if isinstance(described, ListOf):
        decoded.setdefault(name, []).append(_value(described.item, value))
    elif isinstance(described, MapOf):
        entry = dict(_fields(_bytes(value)))
        decoded.setdefault(name, {})[_bytes(entry.get(1, b"")).decode()] = _value(described.item, entry.get(2, b""))
    else:
        found = _value(described, value)
        if found or isinstance(described, Struct) or name in _EMPTY_MATTERS:
            decoded[name] = found


def _value(described: Schema, value: int | bytes) -> Any:
    if isinstance(described, Struct):
        return _struct(described, _bytes(value))
    if isinstance(described, ListOf | MapOf):
        raise TypeError("a list or map of lists has no protobuf form")
    if isinstance(value, int):
        return bool(value) if described.type == "bool" else _signed(value)
    return _scalar(described.type, value)


def _scalar(name: str, content: bytes) -> Any:
    match name:
        case "quantity":
            return _bytes(dict(_fields(content)).get(1, b"0")).decode()
        case "datetime":
            return _time(content)
        case "bytes":
            return b64encode(content).decode()
        case _:
            return content.decode()


def _signed(number: int) -> int:
    return number if number < 1 << 63 else number - (1 << 64)


def _time(content: bytes) -> str | None:
    seconds = dict(_fields(content)).get(1)
    return datetime.fromtimestamp(int(seconds), UTC).isoformat() if seconds else None


def _fields(content: bytes) -> Iterator[Field]:
    """The number and value of each field: a number for a varint, bytes for everything of a stated length."""
    position = 0
    while position < len(content):
        tag, position = _varint(content, position)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, position = _varint(content, position)
            yield number, value
        elif wire == 2:
            length, position = _varint(content, position)
            if position + length > len(content):
                raise IndexError("a field is longer than what is left")
            yield number, content[position : position + length]
            position += length
        else:
            raise ValueError(f"wire type {wire} does not occur in these messages")


def _varint(content: bytes, position: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = content[position]
        result |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if not byte & 0x80:
            return result, position
        if shift > 63:
            raise ValueError("a number has more than 64 bits")


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise TypeError("a number stands where a message or text was expected")
    return value


def _unknown(what: str) -> ApiError:
    error = unsupported_media_type(("application/json", "application/yaml"))
    error.message += f" (protobuf for {what or 'this kind'} is not known here: send JSON, as kubectl create -f does)"
    return error

"""What each kind's fields are: shapes from the official client's models, list semantics from the table here.

The models know every field and type of the API but not how its lists and maps merge; `_KEYED`, `_SETS` and `_ATOMIC`
add that, as the API's own `x-kubernetes-list-type` and `x-kubernetes-map-type` extensions state it. A list that no
table names is atomic, and such a map is granular.

`models.json` has what the models say, since importing them takes a third of a second: the type of each field by model
and by the field's name in JSON. `make generate` writes it (tests/unit/test_cluster_models.py).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .kinds import Kind

MODELS = Path(__file__).with_name("models.json")


@dataclass(frozen=True)
class Scalar:
    """A leaf; `type` is str, int, bool, float, bytes, datetime, quantity, or object for anything."""

    type: str


@dataclass(frozen=True)
class MapOf:
    """A map from strings. An atomic one has one owner and is replaced as a whole."""

    item: "Schema"
    atomic: bool = False


@dataclass(frozen=True)
class ListOf:
    """A list: associative by `keys`, a set of scalars, or, without either, replaced as a whole.

    `defaults` are values that a key absent from an item stands for, so `{containerPort: 80}` is the TCP port.
    """

    item: "Schema"
    keys: tuple[str, ...] = ()
    defaults: tuple[tuple[str, Any], ...] = ()
    is_set: bool = False


@dataclass(frozen=True, eq=False)
class Struct:
    """An object with fields of its own, by the name of its model. An atomic one has one owner."""

    name: str
    fields: Mapping[str, "Schema"]
    atomic: bool = False


Schema = Scalar | MapOf | ListOf | Struct

_TCP = (("protocol", "TCP"),)

_KEYED: dict[str, tuple[tuple[str, ...], tuple[tuple[str, Any], ...]]] = {
    "V1ObjectMeta.ownerReferences": (("uid",), ()),
    "V1PodSpec.containers": (("name",), ()),
    "V1PodSpec.initContainers": (("name",), ()),
    "V1PodSpec.ephemeralContainers": (("name",), ()),
    "V1PodSpec.volumes": (("name",), ()),
    "V1PodSpec.imagePullSecrets": (("name",), ()),
    "V1PodSpec.hostAliases": (("ip",), ()),
    "V1PodSpec.resourceClaims": (("name",), ()),
    "V1PodSpec.schedulingGates": (("name",), ()),
    "V1PodSpec.topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"), ()),
    "V1Container.env": (("name",), ()),
    "V1Container.ports": (("containerPort", "protocol"), _TCP),
    "V1Container.volumeMounts": (("mountPath",), ()),
    "V1Container.volumeDevices": (("devicePath",), ()),
    "V1EphemeralContainer.env": (("name",), ()),
    "V1EphemeralContainer.ports": (("containerPort", "protocol"), _TCP),
    "V1EphemeralContainer.volumeMounts": (("mountPath",), ()),
    "V1EphemeralContainer.volumeDevices": (("devicePath",), ()),
    "V1ResourceRequirements.claims": (("name",), ()),
    "V1PodStatus.conditions": (("type",), ()),
    "V1PodStatus.podIPs": (("ip",), ()),
    "V1PodStatus.resourceClaimStatuses": (("name",), ()),
    "V1ServiceSpec.ports": (("port", "protocol"), _TCP),
    "V1ServiceStatus.conditions": (("type",), ()),
    "V1ServiceAccount.secrets": (("name",), ()),
    "V1NamespaceStatus.conditions": (("type",), ()),
    "V1NodeStatus.conditions": (("type",), ()),
    "V1NodeStatus.addresses": (("type",), ()),
    "V1DeploymentStatus.conditions": (("type",), ()),
    "V1ReplicaSetStatus.conditions": (("type",), ()),
    "V1PodDisruptionBudgetStatus.conditions": (("type",), ()),
}

_SETS = {"V1ObjectMeta.finalizers", "V1NodeSpec.podCIDRs", "V1LoadBalancerIngress.ports"}

_ATOMIC = {
    "V1LabelSelector",
    "V1OwnerReference",
    "V1ObjectReference",
    "V1LocalObjectReference",
    "V1TypedLocalObjectReference",
    "V1SecretReference",
    "V1SecretKeySelector",
    "V1ConfigMapKeySelector",
    "V1ObjectFieldSelector",
    "V1ResourceFieldSelector",
    "V1NodeSelector",
    "V1NodeSelectorTerm",
    "V1ScopeSelector",
    "V1RoleRef",
    "RbacV1Subject",
    "V1ServiceSpec.selector",
    "V1PodSpec.nodeSelector",
}

_QUANTITIES = {
    "V1ResourceRequirements.limits",
    "V1ResourceRequirements.requests",
    "V1PodSpec.overhead",
    "V1EmptyDirVolumeSource.sizeLimit",
    "V1ResourceFieldSelector.divisor",
    "V1ResourceQuotaSpec.hard",
    "V1ResourceQuotaStatus.hard",
    "V1ResourceQuotaStatus.used",
    "V1LimitRangeItem.default",
    "V1LimitRangeItem.defaultRequest",
    "V1LimitRangeItem.max",
    "V1LimitRangeItem.min",
    "V1LimitRangeItem.maxLimitRequestRatio",
    "V1NodeStatus.capacity",
    "V1NodeStatus.allocatable",
    "V1PodStatus.allocatedResources",
    "V1ContainerStatus.allocatedResources",
}


def of(kind: Kind) -> Struct:
    """The schema of that kind's objects."""
    return struct(kind.model)


@cache
def struct(model: str) -> Struct:
    """The schema of one of the official client's models, such as `V1PodTemplateSpec`."""
    fields = {name: _schema(text, f"{model}.{name}") for name, text in _models()[model].items()}
    return Struct(model, fields, atomic=model in _ATOMIC)


@cache
def _models() -> Mapping[str, Mapping[str, str]]:
    models: dict[str, dict[str, str]] = json.loads(MODELS.read_bytes())
    return models


def _schema(text: str, path: str) -> Schema:
    """The schema for a type as the models write it: `str`, `List[V1Container]`, `Dict[str, str]`, `V1PodSpec`."""
    head, _, rest = text.rstrip("])").replace("(", "[").partition("[")
    if head.lower() == "list":
        keys, defaults = _KEYED.get(path, ((), ()))
        return ListOf(_schema(rest, path + "[]"), keys, defaults, is_set=path in _SETS)
    if head.lower() == "dict":
        item = Scalar("quantity") if path in _QUANTITIES else _schema(rest.split(", ", 1)[1], path + "{}")
        return MapOf(item, atomic=path in _ATOMIC)
    if path in _QUANTITIES:
        return Scalar("quantity")
    return Scalar(head) if head.islower() else struct(head)

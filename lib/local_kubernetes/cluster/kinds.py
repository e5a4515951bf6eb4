"""The one table of served kinds; routes, discovery, decoding and tables all follow from it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """One served kind.

    `model` names its class in the official client, which is where its schema comes from. `selectable` are the field
    selectors it answers beside `metadata.name` and `metadata.namespace`. `returns_deleted` is true for kinds whose
    DELETE answers with the object instead of a Status. `annotations_count` is true for a kind whose annotations raise
    its generation, since they are copied to what it makes. Annotations that its controller writes with the status do
    not. `version_required` is true for kinds whose replacement has to name the resourceVersion that it was made from.
    """

    group: str
    name: str
    plural: str
    model: str
    version: str = "v1"
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    status: bool = False
    scale: bool = False
    generation: bool = False
    annotations_count: bool = False
    version_required: bool = False
    returns_deleted: bool = False
    selectable: tuple[str, ...] = ()

    @cached_property
    def api_version(self) -> str:
        """The group and version as objects write them: `apps/v1`, or `v1` in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @cached_property
    def resource(self) -> str:
        """The plural with its group, as error messages name it: `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @cached_property
    def qualified(self) -> str:
        """The kind with its group, as validation errors name it: `Deployment.apps`."""
        return f"{self.name}.{self.group}" if self.group else self.name

    @cached_property
    def subresources(self) -> tuple[str, ...]:
        """What stands behind an object's name in a path."""
        named = [name for name, served in (("status", self.status), ("scale", self.scale)) if served]
        return (*named, "log", "binding") if self.name == "Pod" else tuple(named)


_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")

KINDS = (
    Kind(
        "",
        "Namespace",
        "namespaces",
        "V1Namespace",
        namespaced=False,
        short_names=("ns",),
        status=True,
        selectable=("status.phase",),
    ),
    Kind(
        "",
        "Node",
        "nodes",
        "V1Node",
        namespaced=False,
        short_names=("no",),
        status=True,
        selectable=("spec.unschedulable",),
    ),
    Kind(
        "",
        "Pod",
        "pods",
        "V1Pod",
        short_names=("po",),
        categories=("all",),
        status=True,
        generation=True,
        returns_deleted=True,
        selectable=(
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.serviceAccountName",
            "status.phase",
            "status.podIP",
        ),
    ),
    Kind("", "Secret", "secrets", "V1Secret", selectable=("type",)),
    Kind("", "ConfigMap", "configmaps", "V1ConfigMap", short_names=("cm",)),
    Kind(
        "",
        "Service",
        "services",
        "V1Service",
        short_names=("svc",),
        categories=("all",),
        status=True,
        returns_deleted=True,
        selectable=("spec.clusterIP", "spec.type"),
    ),
    Kind("", "ServiceAccount", "serviceaccounts", "V1ServiceAccount", short_names=("sa",), returns_deleted=True),
    Kind(
        "",
        "ResourceQuota",
        "resourcequotas",
        "V1ResourceQuota",
        short_names=("quota",),
        status=True,
        returns_deleted=True,
    ),
    Kind("", "LimitRange", "limitranges", "V1LimitRange", short_names=("limits",)),
    Kind(
        "",
        "Event",
        "events",
        "CoreV1Event",
        short_names=("ev",),
        selectable=(*(f"involvedObject.{name}" for name in _INVOLVED), "reason", "type", "reportingComponent"),
    ),
    Kind(
        "apps",
        "Deployment",
        "deployments",
        "V1Deployment",
        short_names=("deploy",),
        categories=("all",),
        status=True,
        scale=True,
        generation=True,
        annotations_count=True,
    ),
    Kind(
        "apps",
        "ReplicaSet",
        "replicasets",
        "V1ReplicaSet",
        short_names=("rs",),
        categories=("all",),
        status=True,
        scale=True,
        generation=True,
        selectable=("status.replicas",),
    ),
    Kind(
        "networking.k8s.io",
        "NetworkPolicy",
        "networkpolicies",
        "V1NetworkPolicy",
        short_names=("netpol",),
        generation=True,
    ),
    Kind(
        "policy",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        "V1PodDisruptionBudget",
        short_names=("pdb",),
        status=True,
        generation=True,
        version_required=True,
    ),
    Kind("coordination.k8s.io", "Lease", "leases", "V1Lease", version_required=True),
    Kind("rbac.authorization.k8s.io", "Role", "roles", "V1Role"),
    Kind("rbac.authorization.k8s.io", "RoleBinding", "rolebindings", "V1RoleBinding"),
    Kind("rbac.authorization.k8s.io", "ClusterRole", "clusterroles", "V1ClusterRole", namespaced=False),
    Kind(
        "rbac.authorization.k8s.io",
        "ClusterRoleBinding",
        "clusterrolebindings",
        "V1ClusterRoleBinding",
        namespaced=False,
    ),
)

_BY_PLURAL = {(kind.group, kind.version, kind.plural): kind for kind in KINDS}
_BY_NAME = {kind.name: kind for kind in KINDS}

NAMESPACED = tuple(kind for kind in KINDS if kind.namespaced)
GROUPS = tuple(dict.fromkeys(kind.group for kind in KINDS if kind.group))


def find(group: str, version: str, plural: str) -> Kind | None:
    """The kind at that place in a path; None when it is not served."""
    return _BY_PLURAL.get((group, version, plural))


def named(name: str) -> Kind:
    """The kind of that name, such as `Deployment`; KeyError when it is not served."""
    return _BY_NAME[name]

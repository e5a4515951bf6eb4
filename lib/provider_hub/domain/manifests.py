"""The Kubernetes objects of an installation, as plain manifests for server-side apply.

Every object carries the installation's id and generation. They fence writes, and a removal finds the objects by them.
Each generation has its own Secret: a pod of the old one that restarts during a rollout must find its config and token.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any

from provider_hub.domain.catalog import ProviderVersion
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.installation import Installation
from provider_hub.domain.names import namespace_for
from provider_hub.domain.runtime_traffic import RUNTIME_TRAFFIC
from provider_hub.domain.runtimes import DEFAULT_ENTRYPOINT
from provider_hub.domain.tiers import SIZES, Size

Manifest = dict[str, Any]

CONTAINER = "runtime"
INSTALLATION_ID = "provider-hub/installation-id"
GENERATION = "provider-hub/generation"
ORGANIZATION_ID = "provider-hub/organization-id"
PROVIDER = "provider-hub/provider"
MANAGER = "provider-hub"
PULL_SECRET = "image-pull"  # noqa: S105 - the name of a namespace's Secret
TOKEN = "PRAGMA_CHECK_IN_TOKEN"  # noqa: S105 - the name of it in a generation's Secret
LOCK = "PRAGMA_LOCK"
LOCK_SHA256 = "PRAGMA_LOCK_SHA256"

RUNTIME_PORT = 8080
WORK_DIRECTORY = "/run/provider"
USER_ID = 65532
_LEAST_START_SECONDS = 60.0
# As between the requests and limits of the standard tier.
_LIMIT_PER_REQUEST_CPU = 4
_LIMIT_PER_REQUEST_MEMORY = 2
# The generation that runs, the one that replaces it, and one whose removal is still to come.
_SECRETS_PER_INSTALLATION = 3


@dataclass(frozen=True, slots=True)
class NamespacePlan:
    """The most that one organization's namespace may use: whole cores, GiB, and numbers of objects."""

    cpu_cores: int = 40
    memory_gib: int = 64
    disk_gib: int = 400
    installations: int = 100

    def hard(self, pods: int, own_secrets: int = 0) -> dict[str, str]:
        """The limits of a ResourceQuota; `own_secrets` are the namespace's, beside those of its installations.

        The hub needs no volume and no service that is reachable from outside.
        """
        return {
            "pods": str(pods),
            "requests.cpu": str(self.cpu_cores),
            "limits.cpu": str(self.cpu_cores * _LIMIT_PER_REQUEST_CPU),
            "requests.memory": f"{self.memory_gib}Gi",
            "limits.memory": f"{self.memory_gib * _LIMIT_PER_REQUEST_MEMORY}Gi",
            "requests.ephemeral-storage": f"{self.disk_gib}Gi",
            "limits.ephemeral-storage": f"{self.disk_gib}Gi",
            "persistentvolumeclaims": "0",
            "services": str(self.installations),
            "services.loadbalancers": "0",
            "services.nodeports": "0",
            "secrets": str(self.installations * _SECRETS_PER_INSTALLATION + own_secrets),
        }


@dataclass(frozen=True, slots=True)
class RuntimeFacts:
    """What every runtime is given, whichever provider it runs. Times are in seconds.

    `runtime_class` names the pods' RuntimeClass, "" for the cluster's own. `user_namespaces` runs each pod in a user
    namespace of its own; sandboxes such as gVisor refuse that and do not need it. `artifacts_url` is the bucket of kept
    wheels, which pods read as workloads of their cluster: a signed URL would end while its pod lives.
    `pull_credentials` has the logins of image registries as Docker's `config.json`, "" where nodes pull as themselves.
    """

    image: str
    check_in_topic: str
    pubsub_endpoint: str
    check_in_seconds: float
    ca_file: str
    deadline_seconds: float
    pods_per_namespace: int
    runtime_class: str = ""
    user_namespaces: bool = False
    artifacts_url: str = ""
    pull_credentials: str = field(default="", repr=False)
    plan: NamespacePlan = field(default_factory=NamespacePlan)


def namespace_manifests(organization_id: str, slug: str, facts: RuntimeFacts) -> list[Manifest]:
    """The organization's namespace, quota, limits and network policies; the namespace comes first."""
    namespace = namespace_for(slug)
    pull_secrets = [_logins(facts)] if facts.pull_credentials else []
    annotations = {ORGANIZATION_ID: organization_id}

    def named(api_version: str, kind: str, name: str, **body: Any) -> Manifest:
        metadata = {"name": name, "namespace": namespace, "labels": _MANAGED, "annotations": annotations}
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}

    return [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": namespace,
                "labels": {**_MANAGED, "pod-security.kubernetes.io/enforce": "restricted"},
                "annotations": annotations,
            },
        },
        named(
            "v1",
            "ResourceQuota",
            "tenant",
            spec={"hard": facts.plan.hard(facts.pods_per_namespace, len(pull_secrets))},
        ),
        named(
            "v1",
            "LimitRange",
            "tenant",
            spec={
                "limits": [
                    {
                        "type": "Container",
                        "default": {"cpu": "250m", "memory": "256Mi"},
                        "defaultRequest": {"cpu": "50m", "memory": "128Mi"},
                    }
                ]
            },
        ),
        named(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "default-deny",
            spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
        ),
        named("networking.k8s.io/v1", "NetworkPolicy", "runtimes", spec=RUNTIME_TRAFFIC),
        *(named("v1", "Secret", PULL_SECRET, **logins) for logins in pull_secrets),
    ]


def _logins(facts: RuntimeFacts) -> Manifest:
    encoded = b64encode(facts.pull_credentials.encode()).decode()
    return {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": encoded}}


def installation_manifests(
    row: Installation,
    version: ProviderVersion,
    facts: RuntimeFacts,
    check_in_token: str,
    lock: str | None = None,
    secrets: Mapping[str, str] = MappingProxyType({}),
) -> list[Manifest]:
    """The installation's objects; the Deployment comes last, since its pods need the others.

    `lock` is the packed lock of the row's revision, None for a revision without one. It stands in the generation's
    Secret. `secrets` are the row's secret config values, opened.
    """
    name = row.provider_name.object_name
    secret_name = f"{name}-g{row.generation}"
    size = SIZES[row.revision.resource_tier]
    selector = {INSTALLATION_ID: row.installation_id}
    objects = [
        _object(row, "v1", "ServiceAccount", name, automountServiceAccountToken=False, **_pulls_with(facts)),
        _object(
            row,
            "v1",
            "Secret",
            secret_name,
            type="Opaque",
            immutable=True,
            data=_secret_data({**row.revision.config, **secrets, TOKEN: check_in_token}, lock),
        ),
        _object(
            row,
            "v1",
            "Service",
            name,
            spec={
                "selector": selector,
                # The protocol is part of a port's key in a server-side apply, and older servers default it too late.
                "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
            },
        ),
    ]
    if size.replicas > 1:
        budget = {"maxUnavailable": 1, "selector": {"matchLabels": selector}}
        objects.append(_object(row, "policy/v1", "PodDisruptionBudget", name, spec=budget))
    spec = _deployment_spec(row, version, facts, secret_name)
    return [*objects, _object(row, "apps/v1", "Deployment", name, spec=spec)]


def _pulls_with(facts: RuntimeFacts) -> Manifest:
    """A pod gets the pull secrets of its ServiceAccount when it is made.

    In the Deployment's template they would roll every pod as soon as an operator gives logins.
    """
    return {"imagePullSecrets": [{"name": PULL_SECRET}]} if facts.pull_credentials else {}


def _deployment_spec(row: Installation, version: ProviderVersion, facts: RuntimeFacts, secret_name: str) -> Manifest:
    size = SIZES[row.revision.resource_tier]
    return {
        "replicas": size.replicas,
        "revisionHistoryLimit": 2,
        "progressDeadlineSeconds": max(1, int(facts.deadline_seconds)),
        "selector": {"matchLabels": {INSTALLATION_ID: row.installation_id}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {
            "metadata": {"labels": _labels(row), "annotations": _annotations(row)},
            "spec": {
                **_isolation(facts),
                "serviceAccountName": row.provider_name.object_name,
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "terminationGracePeriodSeconds": 30,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": USER_ID,
                    "runAsGroup": USER_ID,
                    "fsGroup": USER_ID,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [_container(version, size, facts, secret_name, _environment(row, version, facts))],
                "volumes": [{"name": "work", "emptyDir": {"sizeLimit": size.disk}}],
            },
        },
    }


def _isolation(facts: RuntimeFacts) -> Manifest:
    """The isolation of a tenant's code from its node's kernel; empty if the operator chose none."""
    runtime: Manifest = {"runtimeClassName": facts.runtime_class} if facts.runtime_class else {}
    return {**runtime, "hostUsers": False} if facts.user_namespaces else runtime


def _container(
    version: ProviderVersion, size: Size, facts: RuntimeFacts, secret_name: str, environment: list[Manifest]
) -> Manifest:
    return {
        "name": CONTAINER,
        "image": facts.image,
        "command": list(DEFAULT_ENTRYPOINT),
        **_override(version),
        "env": environment,
        # Kubernetes never expands envFrom, so a config value with `$(…)` arrives as the tenant wrote it.
        "envFrom": [{"secretRef": {"name": secret_name}}],
        "ports": [{"name": "http", "containerPort": RUNTIME_PORT, "protocol": "TCP"}],
        "resources": {
            "requests": {"cpu": size.cpu_request, "memory": size.memory_request, "ephemeral-storage": size.disk},
            "limits": {"cpu": size.cpu_limit, "memory": size.memory_limit, "ephemeral-storage": size.disk},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": "work", "mountPath": WORK_DIRECTORY}],
    }


def _override(version: ProviderVersion) -> Manifest:
    """A version's own entrypoint runs behind the runtime, which verifies and installs the wheel first.

    It replaces the runtime then, so nothing answers the runtime's probes.
    """
    if version.entrypoint is None:
        return _PROBES
    return {"args": ["--", *(word.replace("$", "$$") for word in version.entrypoint)]}


def _environment(row: Installation, version: ProviderVersion, facts: RuntimeFacts) -> list[Manifest]:
    plain = {
        "PRAGMA_ORGANIZATION_ID": row.organization_id,
        "PRAGMA_PROVIDER": row.canonical,
        "PRAGMA_VERSION": row.installed_version,
        "PRAGMA_INSTALLATION_ID": row.installation_id,
        "PRAGMA_GENERATION": str(row.generation),
        "PRAGMA_WHEEL_URL": version.wheel_url,
        "PRAGMA_WHEEL_SHA256": version.wheel_sha256,
        "PRAGMA_PACKAGE_NAME": version.package_name or "",
        "PRAGMA_CHECK_IN_TOPIC": facts.check_in_topic,
        "PRAGMA_CHECK_IN_SECONDS": f"{facts.check_in_seconds:g}",
        "PRAGMA_START_SECONDS": f"{_start_seconds(facts):g}",
        "PRAGMA_PUBSUB_ENDPOINT": facts.pubsub_endpoint,
        "PRAGMA_PORT": str(RUNTIME_PORT),
        "PRAGMA_WORK_DIR": WORK_DIRECTORY,
        "PRAGMA_CA_FILE": facts.ca_file,
        "HOME": WORK_DIRECTORY,
        "TMPDIR": WORK_DIRECTORY,
        **_of_what_is_kept(row, version, facts),
        **_of_pod_format(row),
    }
    # `$$` is Kubernetes' escape: a wheel's URL may hold what looks like a variable.
    fixed = [{"name": name, "value": value.replace("$", "$$")} for name, value in plain.items()]
    return [
        *fixed,
        {"name": "PRAGMA_INSTANCE_ID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "PRAGMA_LISTEN_ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
    ]


def _of_what_is_kept(row: Installation, version: ProviderVersion, facts: RuntimeFacts) -> dict[str, str]:
    """The lock, the wheel's object, and their bucket. Empty for an older version, whose Deployment then stays."""
    given = {LOCK_SHA256: row.revision.lock_sha256, "PRAGMA_WHEEL_OBJECT": version.wheel_object}
    known = {name: value for name, value in given.items() if value}
    return {"PRAGMA_ARTIFACTS_URL": facts.artifacts_url, **known} if known else {}


def _of_pod_format(row: Installation) -> dict[str, str]:
    """What pods are given since some `pod_format`. The Deployment of an older row stays, and so do its pods."""
    if row.pod_format < 1:
        return {}
    # A volume's size is no property of its file system: the runtime could not find it out.
    return {"PRAGMA_DISK_BYTES": str(SIZES[row.revision.resource_tier].disk_bytes)}


def _start_seconds(facts: RuntimeFacts) -> float:
    """What a runtime's start may take: less than the deploy's deadline, so that it can still say who was slow."""
    return max(_LEAST_START_SECONDS, facts.deadline_seconds * 0.8)


def _secret_data(given: Mapping[str, str], lock: str | None) -> dict[str, str]:
    values = {**given, **({} if lock is None else {LOCK: lock})}
    return {key: b64encode(value.encode()).decode() for key, value in values.items()}


def _object(row: Installation, api_version: str, kind: str, name: str, **body: Any) -> Manifest:
    metadata = {
        "name": name,
        "namespace": namespace_for(row.organization_slug),
        "labels": _labels(row),
        "annotations": _annotations(row),
    }
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def _labels(row: Installation) -> dict[str, str]:
    return {
        **_MANAGED,
        "app.kubernetes.io/name": _label(row.name),
        "app.kubernetes.io/instance": row.provider_name.object_name,
        "app.kubernetes.io/version": _label(row.installed_version),
        "app.kubernetes.io/component": "provider",
        INSTALLATION_ID: row.installation_id,
    }


def _annotations(row: Installation) -> dict[str, str]:
    return {
        ORGANIZATION_ID: row.organization_id,
        PROVIDER: row.canonical,
        INSTALLATION_ID: row.installation_id,
        GENERATION: str(row.generation),
    }


def _label(text: str) -> str:
    """`text` with only the characters that a label value may have. It is for people; nothing selects by it."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", text)[:63].strip("._-")


_MANAGED = {"app.kubernetes.io/managed-by": MANAGER, "app.kubernetes.io/part-of": MANAGER}

_PROBES = {
    "startupProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1, "failureThreshold": 60},
    "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 5, "timeoutSeconds": 3},
    "livenessProbe": {
        "httpGet": {"path": "/healthz", "port": "http"},
        "periodSeconds": 10,
        "timeoutSeconds": 5,
        "failureThreshold": 6,
    },
}

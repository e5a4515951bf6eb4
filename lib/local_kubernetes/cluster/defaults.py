"""The defaults that the API server writes into objects, as far as clients depend on them.

Each function completes a freshly decoded object in place; a value that is there is never changed.
"""

from collections.abc import Callable
from typing import Any

from .kinds import Kind, Object
from .network import ClusterIPs

_GRACE_SECONDS = 30


def set_defaults(kind: Kind, body: Object) -> None:
    """Complete an object of that kind in place."""
    default = _BY_KIND.get(kind.name)
    if default is not None:
        default(body)


def set_service_address(body: Object, addresses: ClusterIPs) -> None:
    """Give a Service its cluster IP, unless it asked for one, for none, or for an external name."""
    spec = body.setdefault("spec", {})
    if spec.get("type") == "ExternalName":
        return
    if not spec.get("clusterIP"):
        spec["clusterIP"] = addresses.take()
    spec.setdefault("clusterIPs", [spec["clusterIP"]])


def _namespace(body: Object) -> None:
    metadata = body["metadata"]
    metadata.setdefault("labels", {})["kubernetes.io/metadata.name"] = metadata["name"]
    body.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    body.setdefault("status", {}).setdefault("phase", "Active")


def _secret(body: Object) -> None:
    body.setdefault("type", "Opaque")


def _pod(body: Object) -> None:
    spec = body.setdefault("spec", {})
    pod_spec(spec)
    spec.setdefault("serviceAccountName", "default")
    spec.setdefault("enableServiceLinks", True)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    spec.setdefault("priority", 0)
    for container in [*spec.get("initContainers", ()), *spec.get("containers", ())]:
        _requests_from_limits(container)
    status = body.setdefault("status", {})
    status.setdefault("phase", "Pending")
    status.setdefault("qosClass", _qos_class(spec))


def pod_spec(spec: Object) -> None:
    """Complete a Pod's spec, or that of a template."""
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", _GRACE_SECONDS)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("securityContext", {})
    if "serviceAccountName" in spec:
        spec["serviceAccount"] = spec["serviceAccountName"]
    for container in [*spec.get("initContainers", ()), *spec.get("containers", ())]:
        _container(container)
    for volume in spec.get("volumes", ()):
        _volume(volume)


def _container(container: Object) -> None:
    container.setdefault("imagePullPolicy", _pull_policy(container.get("image", "")))
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    container.setdefault("resources", {})
    for port in container.get("ports", ()):
        port.setdefault("protocol", "TCP")
    for variable in container.get("env", ()):
        field = variable.get("valueFrom", {}).get("fieldRef")
        if field is not None:
            field.setdefault("apiVersion", "v1")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name in container:
            _probe(container[name])


def _pull_policy(image: str) -> str:
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
    pinned = "@" in image or (tag and tag != "latest")
    return "IfNotPresent" if pinned else "Always"


def _probe(probe: Object) -> None:
    probe.setdefault("timeoutSeconds", 1)
    probe.setdefault("periodSeconds", 10)
    probe.setdefault("successThreshold", 1)
    probe.setdefault("failureThreshold", 3)
    if "httpGet" in probe:
        probe["httpGet"].setdefault("scheme", "HTTP")
        probe["httpGet"].setdefault("path", "/")
    if "grpc" in probe:
        probe["grpc"].setdefault("service", "")


def _volume(volume: Object) -> None:
    for source in ("secret", "configMap", "projected"):
        if source in volume:
            volume[source].setdefault("defaultMode", 0o644)
    if not any(key != "name" for key in volume):
        volume["emptyDir"] = {}


def _requests_from_limits(container: Object) -> None:
    resources = container.get("resources", {})
    for name, limit in resources.get("limits", {}).items():
        resources.setdefault("requests", {}).setdefault(name, limit)


def _qos_class(spec: Object) -> str:
    resources = [container.get("resources", {}) for container in spec.get("containers", ())]
    if not any(resource.get("limits") or resource.get("requests") for resource in resources):
        return "BestEffort"
    guaranteed = all(
        {"cpu", "memory"} <= resource.get("limits", {}).keys() and resource.get("requests") == resource.get("limits")
        for resource in resources
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _deployment(body: Object) -> None:
    spec = body.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxSurge", "25%")
        rolling.setdefault("maxUnavailable", "25%")
    pod_spec(spec.setdefault("template", {}).setdefault("spec", {}))


def _replica_set(body: Object) -> None:
    spec = body.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    template = spec.setdefault("template", {})
    pod_spec(template.setdefault("spec", {}))
    spec.setdefault("selector", {"matchLabels": dict(template.get("metadata", {}).get("labels", {}))})
    body.setdefault("status", {}).setdefault("replicas", 0)


def _service(body: Object) -> None:
    spec = body.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    if spec["type"] != "ExternalName":
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
        spec.setdefault("internalTrafficPolicy", "Cluster")
    for port in spec.get("ports", ()):
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))
    body.setdefault("status", {}).setdefault("loadBalancer", {})


def _network_policy(body: Object) -> None:
    spec = body.setdefault("spec", {})
    spec.setdefault("podSelector", {})
    spec.setdefault("policyTypes", ["Ingress", "Egress"] if "egress" in spec else ["Ingress"])
    rules: list[dict[str, Any]] = [*spec.get("ingress", ()), *spec.get("egress", ())]
    for rule in rules:
        for port in rule.get("ports", ()):
            port.setdefault("protocol", "TCP")


def _limit_range(body: Object) -> None:
    for item in body.setdefault("spec", {}).get("limits", ()):
        if item.get("type") == "Container":
            ceilings = {**item.get("max", {}), **item.get("default", {})}
            if ceilings:
                item["default"] = ceilings
            requests = {**item.get("min", {}), **ceilings, **item.get("defaultRequest", {})}
            if requests:
                item["defaultRequest"] = requests


_BY_KIND: dict[str, Callable[[Object], None]] = {
    "Namespace": _namespace,
    "Secret": _secret,
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "Service": _service,
    "NetworkPolicy": _network_policy,
    "LimitRange": _limit_range,
}

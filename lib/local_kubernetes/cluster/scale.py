"""The scale subresource: the number of replicas."""

from typing import Any

from .kinds import Object
from .records import Record
from .status import bad_request


def view(record: Record) -> Object:
    """The Scale of a Deployment or ReplicaSet."""
    body = record.object
    metadata = {
        key: body["metadata"][key] for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    }
    wanted = body["spec"].get("selector", {}).get("matchLabels", {})
    selector = ",".join(f"{key}={value}" for key, value in sorted(wanted.items()))
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": {"replicas": body["spec"].get("replicas", 0)},
        "status": {"replicas": body.get("status", {}).get("replicas", 0), "selector": selector},
    }


def change(scale: Any) -> Object:
    """The merge patch that brings a workload to that Scale. Raises a 400 ApiError."""
    spec = scale.get("spec") if isinstance(scale, dict) else None
    replicas = (spec or {}).get("replicas", 0) if isinstance(spec, dict | None) else None
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise bad_request(f"a Scale's spec.replicas is a number, not {replicas!r}")
    patch: Object = {"spec": {"replicas": replicas}}
    version = (scale.get("metadata") or {}).get("resourceVersion")
    if version:
        patch["metadata"] = {"resourceVersion": version}
    return patch

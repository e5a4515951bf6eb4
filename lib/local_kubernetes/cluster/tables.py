"""Tables: what `kubectl get` prints, computed by the server as the real one does."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .kinds import Kind, Object
from .records import Record


@dataclass(frozen=True)
class Column:
    """One column; `wide` ones show with `-o wide` only."""

    name: str
    value: Callable[[Object], Any]
    type: str = "string"
    wide: bool = False

    def definition(self) -> Object:
        """The column as a Table describes it. `kubectl -o wide` shows those of priority 1 too."""
        return {
            "name": self.name,
            "type": self.type,
            "format": "name" if self.name == "Name" else "",
            "description": "",
            "priority": int(self.wide),
        }


def table(
    kind: Kind, records: Iterable[Record], now: datetime, *, include: str = "Metadata", version: str = ""
) -> Object:
    """A Table of those objects; `include` is None, Metadata or Object and says what each row carries along."""
    columns = [_NAME, *_COLUMNS.get(kind.name, ()), _age(now)]
    rows = [
        {"cells": [column.value(record.object) for column in columns], "object": _row_object(record, include)}
        for record in records
    ]
    if include == "None":
        rows = [{"cells": row["cells"]} for row in rows]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version} if version else {},
        "columnDefinitions": [column.definition() for column in columns],
        "rows": rows,
    }


def partial_metadata(record: Record) -> Object:
    """Only the object's metadata, for clients that ask for that."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": record.object["metadata"],
    }


def duration(seconds: float) -> str:
    """An age as kubectl writes it: `45s`, `3m20s`, `5h`, `2d`."""
    total = max(0, int(seconds))
    if total < 120:
        return f"{total}s"
    if total < 600:
        return _two(total // 60, "m", total % 60, "s")
    if total < 3 * 3600:
        return f"{total // 60}m"
    if total < 8 * 3600:
        return _two(total // 3600, "h", total % 3600 // 60, "m")
    return f"{total // 3600}h" if total < 48 * 3600 else f"{total // 86400}d"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}" + (f"{small}{small_unit}" if small else "")


def _row_object(record: Record, include: str) -> Object:
    return record.object if include == "Object" else partial_metadata(record)


def _age(now: datetime) -> Column:
    def age(body: Object) -> str:
        return _since(body["metadata"].get("creationTimestamp"), now)

    return Column("Age", age)


def _since(moment: str | None, now: datetime) -> str:
    return duration((now - datetime.fromisoformat(moment)).total_seconds()) if moment else "<unknown>"


def _at(*path: str, default: Any = "<none>") -> Callable[[Object], Any]:
    def value(body: Object) -> Any:
        found: Any = body
        for part in path:
            found = found.get(part) if isinstance(found, dict) else None
        return default if found in (None, "") else found

    return value


def _pod_ready(body: Object) -> str:
    statuses = body.get("status", {}).get("containerStatuses") or []
    ready = sum(bool(status.get("ready")) for status in statuses)
    return f"{ready}/{len(body['spec'].get('containers', ()))}"


def _pod_status(body: Object) -> str:
    status = body.get("status", {})
    reason = status.get("reason") or status.get("phase", "Unknown")
    for container in status.get("containerStatuses") or ():
        state = container.get("state") or {}
        stopped = state.get("waiting") or state.get("terminated")
        if stopped:
            reason = stopped.get("reason") or f"ExitCode:{stopped.get('exitCode', 0)}"
    return "Terminating" if "deletionTimestamp" in body["metadata"] else str(reason)


def _pod_restarts(body: Object) -> str:
    statuses = body.get("status", {}).get("containerStatuses") or []
    return str(sum(status.get("restartCount", 0) for status in statuses))


def _ready_of_desired(body: Object) -> str:
    return f"{body.get('status', {}).get('readyReplicas', 0)}/{body['spec'].get('replicas', 0)}"


def _containers(attribute: str) -> Callable[[Object], str]:
    def value(body: Object) -> str:
        return ",".join(item.get(attribute, "") for item in body["spec"]["template"]["spec"].get("containers", ()))

    return value


def _selector(body: Object) -> str:
    selector = body["spec"].get("selector") or body["spec"].get("podSelector") or {}
    found = selector.get("matchLabels", {}) if "matchLabels" in selector or "matchExpressions" in selector else selector
    return ",".join(f"{key}={value}" for key, value in sorted(found.items())) or "<none>"


def _service_ports(body: Object) -> str:
    ports = body["spec"].get("ports") or []
    return ",".join(f"{port['port']}/{port.get('protocol', 'TCP')}" for port in ports) or "<none>"


def _node_status(body: Object) -> str:
    conditions = body.get("status", {}).get("conditions") or []
    ready: Object = next((condition for condition in conditions if condition["type"] == "Ready"), {})
    status = {"True": "Ready", "False": "NotReady"}.get(ready.get("status", ""), "Unknown")
    return f"{status},SchedulingDisabled" if body.get("spec", {}).get("unschedulable") else status


def _quota(group: str) -> Callable[[Object], str]:
    def value(body: Object) -> str:
        status = body.get("status", {})
        used, hard = status.get("used", {}), status.get("hard") or body.get("spec", {}).get("hard", {})
        mine = [name for name in sorted(hard) if name.startswith("limits.") == (group == "limits")]
        return ", ".join(f"{name}: {used.get(name, '0')}/{hard[name]}" for name in mine)

    return value


def _event_object(body: Object) -> str:
    involved = body.get("involvedObject", {})
    return f"{involved.get('kind', '').lower()}/{involved.get('name', '')}"


_NAME = Column("Name", _at("metadata", "name"))
_DATA = Column("Data", lambda body: len(body.get("data", {})), "integer")
_COLUMNS: dict[str, tuple[Column, ...]] = {
    "Namespace": (Column("Status", _at("status", "phase")),),
    "Node": (
        Column("Status", _node_status),
        Column("Version", _at("status", "nodeInfo", "kubeletVersion", default="<unknown>")),
    ),
    "Pod": (
        Column("Ready", _pod_ready),
        Column("Status", _pod_status),
        Column("Restarts", _pod_restarts),
        Column("IP", _at("status", "podIP"), wide=True),
        Column("Node", _at("spec", "nodeName"), wide=True),
    ),
    "Secret": (Column("Type", _at("type")), _DATA),
    "ConfigMap": (_DATA,),
    "Service": (
        Column("Type", _at("spec", "type")),
        Column("Cluster-IP", _at("spec", "clusterIP")),
        Column("External-IP", _at("spec", "externalName")),
        Column("Port(s)", _service_ports),
        Column("Selector", _selector, wide=True),
    ),
    "ServiceAccount": (Column("Secrets", lambda body: len(body.get("secrets", ())), "integer"),),
    "ResourceQuota": (Column("Request", _quota("requests")), Column("Limit", _quota("limits"))),
    "Event": (
        Column("Type", _at("type")),
        Column("Reason", _at("reason")),
        Column("Object", _event_object),
        Column("Message", _at("message", default="")),
    ),
    "Deployment": (
        Column("Ready", _ready_of_desired),
        Column("Up-to-date", _at("status", "updatedReplicas", default=0), "integer"),
        Column("Available", _at("status", "availableReplicas", default=0), "integer"),
        Column("Containers", _containers("name"), wide=True),
        Column("Images", _containers("image"), wide=True),
        Column("Selector", _selector, wide=True),
    ),
    "ReplicaSet": (
        Column("Desired", _at("spec", "replicas", default=0), "integer"),
        Column("Current", _at("status", "replicas", default=0), "integer"),
        Column("Ready", _at("status", "readyReplicas", default=0), "integer"),
        Column("Containers", _containers("name"), wide=True),
        Column("Images", _containers("image"), wide=True),
        Column("Selector", _selector, wide=True),
    ),
    "NetworkPolicy": (Column("Pod-Selector", _selector),),
    "PodDisruptionBudget": (
        Column("Min Available", _at("spec", "minAvailable", default="N/A")),
        Column("Max Unavailable", _at("spec", "maxUnavailable", default="N/A")),
        Column("Allowed Disruptions", _at("status", "disruptionsAllowed", default=0), "integer"),
    ),
    "Lease": (Column("Holder", _at("spec", "holderIdentity", default="")),),
}

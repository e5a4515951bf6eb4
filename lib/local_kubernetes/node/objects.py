"""Reading Kubernetes objects as the API gives them: plain JSON mappings."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]


def key_of(obj: Json) -> str:
    """`namespace/name`, or `/name` for an object of the whole cluster."""
    metadata = obj["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"


def split_key(key: str) -> tuple[str, str]:
    """Namespace and name of a key made by `key_of`."""
    namespace, _, name = key.partition("/")
    return namespace, name


def uid_of(obj: Json) -> str:
    """The object's uid; empty when it has none yet."""
    return str(obj["metadata"].get("uid", ""))


def labels_of(obj: Json) -> dict[str, str]:
    """The object's labels; empty when it has none."""
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Json) -> dict[str, str]:
    """The object's annotations; empty when it has none."""
    return obj["metadata"].get("annotations") or {}


def is_deleting(obj: Json) -> bool:
    """Whether the object is deleted but may still wait for its end."""
    return bool(obj["metadata"].get("deletionTimestamp"))


def controller_of(obj: Json) -> Json | None:
    """The owner reference marked as controller, if there is one."""
    for reference in obj["metadata"].get("ownerReferences") or []:
        if reference.get("controller"):
            return dict(reference)
    return None


def controlled_by(candidates: Iterable[Json], owner_uid: str) -> list[Json]:
    """Those of the candidates whose controller has that uid."""
    return [one for one in candidates if (owner := controller_of(one)) and owner.get("uid") == owner_uid]


def owner_reference(owner: Json, api_version: str, kind: str) -> Json:
    """The reference with which a controller marks what it makes."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": owner["metadata"]["name"],
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def matches_labels(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether the labels have every pair of the selector."""
    return all(labels.get(name) == value for name, value in selector.items())


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


def format_time(moment: datetime) -> str:
    """RFC 3339 in whole seconds, the precision of `metav1.Time`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str | None) -> datetime | None:
    """The moment of an RFC 3339 text; None for none."""
    return datetime.fromisoformat(text) if text else None


def condition_of(obj: Json, kind: str) -> Json | None:
    """The entry of `status.conditions` with that `type`."""
    for condition in (obj.get("status") or {}).get("conditions") or []:
        if condition.get("type") == kind:
            return dict(condition)
    return None


def is_true(obj: Json, kind: str) -> bool:
    """Whether the object's condition of that type is `True`."""
    condition = condition_of(obj, kind)
    return bool(condition and condition.get("status") == "True")


def is_pod_active(pod: Json) -> bool:
    """Whether the pod is not finished and not being deleted. A ReplicaSet counts these pods."""
    return (pod.get("status") or {}).get("phase") not in {"Succeeded", "Failed"} and not is_deleting(pod)


def available_at(pod: Json, min_ready_seconds: int) -> datetime | None:
    """When a ready pod counts as available; None while it is not ready."""
    if not is_true(pod, "Ready"):
        return None
    ready = condition_of(pod, "Ready") or {}
    since = parse_time(ready.get("lastTransitionTime")) or now()
    return since + timedelta(seconds=min_ready_seconds)

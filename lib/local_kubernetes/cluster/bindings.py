"""The binding subresource of Pods: the one way to give a Pod that exists its node."""

from .kinds import Object, named
from .records import Record
from .resources import Target
from .status import bad_request, conflict, not_found
from .store import Store


def bind(store: Store, target: Target, body: object, now: str) -> Record:
    """Assign the Pod to the node that a Binding names. Raises a 404 or 409 ApiError."""
    pod = store.get(target.kind, target.namespace, target.name)
    if pod is None:
        raise not_found(target.kind, target.name)
    node = _node(body)
    if store.get(named("Node"), "", node) is None:
        raise not_found(named("Node"), node)
    if "deletionTimestamp" in pod.object["metadata"]:
        raise conflict(target.kind, target.name, f"pod {target.name} is being deleted, cannot be assigned to a host")
    taken = pod.object["spec"].get("nodeName")
    if taken:
        raise conflict(target.kind, target.name, f"pod {target.name} is already assigned to node {taken!r}")
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": now}
    status = dict(pod.object.get("status", {}))
    others = [condition for condition in status.get("conditions", ()) if condition["type"] != "PodScheduled"]
    status["conditions"] = [*others, scheduled]
    return store.replace(pod, {**pod.object, "spec": {**pod.object["spec"], "nodeName": node}, "status": status})


def _node(body: object) -> str:
    target: Object = body.get("target") or {} if isinstance(body, dict) else {}
    if target.get("kind", "Node") != "Node" or not target.get("name"):
        raise bad_request(f"a Binding's target is a Node with a name, not {target!r}")
    return str(target["name"])

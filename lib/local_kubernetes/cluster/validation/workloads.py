"""Deployments and ReplicaSets."""

from local_kubernetes.cluster import selectors
from local_kubernetes.cluster.kinds import Object
from local_kubernetes.cluster.status import missing, refused, unsupported, wrong

from . import names, pods, values
from .values import Causes, Fields, choice, int_or_percent, not_negative


def replica_set(body: Object) -> Causes:
    """A ReplicaSet."""
    spec = body["spec"]
    yield from not_negative("spec.replicas", spec.get("replicas", 0))
    yield from not_negative("spec.minReadySeconds", spec.get("minReadySeconds", 0))
    yield from _template(spec)


def deployment(body: Object) -> Causes:
    """A Deployment."""
    yield from replica_set(body)
    spec = body["spec"]
    strategy = spec["strategy"]
    yield from choice("spec.strategy.type", strategy["type"], ("Recreate", "RollingUpdate"))
    rolling = strategy.get("rollingUpdate")
    if rolling is not None:
        yield from _rolling_update(strategy["type"], rolling)
    yield from not_negative("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit", 0))
    if spec["progressDeadlineSeconds"] <= spec.get("minReadySeconds", 0):
        path = "spec.progressDeadlineSeconds"
        yield wrong(path, spec["progressDeadlineSeconds"], "must be greater than minReadySeconds")


def _rolling_update(strategy: str, rolling: Fields) -> Causes:
    path = "spec.strategy.rollingUpdate"
    if strategy == "Recreate":
        yield refused(path, "may not be specified when strategy `type` is 'Recreate'")
        return
    bounds = {name: rolling.get(name, 0) for name in ("maxSurge", "maxUnavailable")}
    for name, value in bounds.items():
        yield from int_or_percent(f"{path}.{name}", value)
    if all(str(value).rstrip("%") == "0" for value in bounds.values()):
        yield wrong(f"{path}.maxUnavailable", bounds["maxUnavailable"], "may not be 0 when `maxSurge` is 0")
    unavailable = str(bounds["maxUnavailable"])
    if unavailable.endswith("%") and unavailable[:-1].isdecimal() and int(unavailable[:-1]) > 100:
        yield wrong(f"{path}.maxUnavailable", bounds["maxUnavailable"], "must not be greater than 100%")


def _template(spec: Fields) -> Causes:
    selector, template = spec.get("selector"), spec.get("template", {})
    found = template.get("metadata", {}).get("labels") or {}
    yield from names.labels("spec.template.metadata.labels", found)
    if not selector:
        yield missing("spec.selector")
    elif faults := list(values.selector("spec.selector", selector)):
        yield from faults
    elif not any(selector.get(part) for part in ("matchLabels", "matchExpressions")):
        yield wrong("spec.selector", selector, "empty selector is invalid for deployment")
    elif not selectors.label_selector(selector)({"metadata": {"labels": found}}):
        yield wrong("spec.template.metadata.labels", found, "`selector` does not match template `labels`")
    described = template.get("spec", {})
    yield from pods.spec("spec.template.spec", described)
    if described.get("restartPolicy", "Always") != "Always":
        yield unsupported("spec.template.spec.restartPolicy", described["restartPolicy"], ("Always",))
    if "activeDeadlineSeconds" in described:
        yield refused(
            "spec.template.spec.activeDeadlineSeconds", "activeDeadlineSeconds in ReplicaSet is not Supported"
        )

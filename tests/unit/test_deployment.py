"""What a Deployment shows, told as one status and the container's own reason."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.nonsense import with_nonsense

from provider_hub.domain.deployment import describe
from provider_hub.domain.manifests import GENERATION, MANAGER


def deployment(conditions: dict[str, tuple[str, str]] | None = None, **status: Any) -> dict[str, Any]:
    given = {"observedGeneration": 3, "replicas": 1, "updatedReplicas": 1, **status}
    told = [
        {"type": kind, "status": value, "message": message, "lastUpdateTime": "2025-01-01T12:00:00Z"}
        for kind, (value, message) in (conditions or {}).items()
    ]
    return {
        "metadata": {"name": "p-acme", "generation": 3, "annotations": {GENERATION: "2"}},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"image": "runtime:1", "env": ENVIRONMENT}]}}},
        "status": {**given, "conditions": told},
    }


ENVIRONMENT = [{"name": "PRAGMA_INSTANCE_ID", "valueFrom": {}}, {"name": "PRAGMA_VERSION", "value": "1.2.0"}]


def pod(container: dict[str, Any] | None = None, *, generation: str = "2", made: str = "12", **status: Any) -> Any:
    statuses = [] if container is None else [container]
    return {
        "metadata": {"annotations": {GENERATION: generation}, "creationTimestamp": f"2025-01-01T{made}:00:00Z"},
        "status": {"containerStatuses": statuses, **status},
    }


def ended(**how: Any) -> dict[str, Any]:
    return {"state": {"terminated": {"exitCode": 1, "reason": "Error", **how}}, "restartCount": 2}


def test_a_complete_rollout_is_available_and_healthy() -> None:
    shown = describe(deployment(availableReplicas=1, readyReplicas=1), [])
    assert (shown.status, shown.healthy, shown.message) == ("available", True, None)
    assert (shown.generation, shown.version, shown.image) == (2, "1.2.0", "runtime:1")
    assert (shown.deployment_name, shown.available_replicas, shown.ready_replicas) == ("p-acme", 1, 1)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, "progressing"),
        ({"observedGeneration": 2, "availableReplicas": 1}, "pending"),
        ({"replicas": 0, "updatedReplicas": 0}, "pending"),
        ({"replicas": 2, "availableReplicas": 2}, "progressing"),
    ],
)
def test_a_rollout_under_way_is_not_healthy(status: dict[str, Any], expected: str) -> None:
    shown = describe(deployment(**status), [])
    assert (shown.status, shown.healthy) == (expected, False)


def test_a_deployment_that_nobody_looked_at_yet_is_pending() -> None:
    fresh = {**deployment(), "status": {}}
    shown = describe(fresh, [])
    assert (shown.status, shown.available_replicas, shown.updated_at) == ("pending", 0, None)


@pytest.mark.parametrize(
    ("container", "told"),
    [
        (
            ended(message="Traceback\nImportError: no module barometer\n\n"),
            "the container ended (Error, exit code 1, 2 restarts): ImportError: no module barometer",
        ),
        (ended(reason="OOMKilled", exitCode=137), "the container ended (OOMKilled, exit code 137, 2 restarts)"),
        (ended(signal=9), "the container ended (Error, signal 9, 2 restarts)"),
        (
            {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": ended(message="bye")["state"]},
            "the container ended (Error, exit code 1): bye",
        ),
        (
            {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "manifest unknown"}}},
            "the image cannot be pulled (ImagePullBackOff): manifest unknown",
        ),
        (
            {"state": {"waiting": {"reason": "CreateContainerConfigError", "message": "no such config map"}}},
            "the container cannot be configured: no such config map",
        ),
    ],
)
def test_the_containers_own_reason_is_told(container: dict[str, Any], told: str) -> None:
    assert describe(deployment(), [pod(container)]).message == told


def test_a_pod_that_no_node_takes_says_why() -> None:
    condition = {"type": "PodScheduled", "status": "False", "message": "insufficient cpu"}
    assert describe(deployment(), [pod(conditions=[condition])]).message == "no node takes the pod: insufficient cpu"


def test_the_newest_pod_of_this_generation_is_listened_to() -> None:
    pods = [
        pod(ended(message="older"), made="11"),
        pod(ended(message="newest"), made="13"),
        pod(ended(message="another generation"), generation="1", made="14"),
    ]
    assert str(describe(deployment(), pods).message).endswith(": newest")


def test_pods_that_cannot_be_made_fail_the_rollout_with_the_quota_that_stopped_them() -> None:
    shown = describe(deployment({"ReplicaFailure": ("True", "exceeded quota: tenant")}), [])
    assert (shown.status, shown.message) == ("failed", "no pod could be made: exceeded quota: tenant")


def test_a_rollout_past_its_progress_deadline_has_failed() -> None:
    shown = describe(deployment({"Progressing": ("False", "timed out")}), [])
    assert (shown.status, shown.message) == ("failed", "the rollout does not progress: timed out")
    assert shown.updated_at is not None


def test_an_evicted_pod_says_why_it_was_evicted() -> None:
    message = "Pod ephemeral local storage usage exceeds the total limit of containers 512Mi."
    evicted = pod(ended(reason="Error", exitCode=137), made="12", phase="Failed", reason="Evicted", message=message)
    starting = pod({"state": {"running": {}}}, made="13")
    assert describe(deployment(), [evicted, starting]).message == f"the pod was evicted: {message}"


def test_a_pod_that_its_node_ended_says_so() -> None:
    gone = pod(phase="Failed", reason="NodeShutdown")
    assert describe(deployment(), [gone]).message == "the pod was ended (NodeShutdown): no reason given"


OLD_ARE_THERE = "replicas of the generation before are still there"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({"updatedReplicas": 1, "replicas": 2}, "1 of 2 replicas are updated"),
        ({"updatedReplicas": 2, "replicas": 2, "availableReplicas": 1}, "1 of 2 replicas are available"),
        (
            {"updatedReplicas": 2, "replicas": 3, "availableReplicas": 3},
            OLD_ARE_THERE,
        ),
        ({"updatedReplicas": 2, "replicas": 2, "availableReplicas": 2}, None),
    ],
)
def test_a_deployment_of_several_replicas_says_which_are_missing(status: dict[str, Any], told: str | None) -> None:
    wanted = deployment(**status)
    wanted["spec"]["replicas"] = 2
    shown = describe(wanted, [])
    assert (shown.progress, shown.message, shown.healthy) == (told, None, told is None)


def test_a_deployment_that_somebody_scaled_to_nothing_is_not_healthy_and_says_so() -> None:
    scaled = deployment(replicas=0, updatedReplicas=0)
    scaled["spec"]["replicas"] = 0
    shown = describe(scaled, [])
    assert (shown.status, shown.healthy) == ("pending", False)
    assert "somebody scaled it to no replicas" in str(shown.message)


def test_a_rollout_that_somebody_paused_says_so() -> None:
    paused = deployment()
    paused["spec"]["paused"] = True
    assert "somebody paused the rollout" in str(describe(paused, []).message)


@given(places=st.data())
def test_nonsense_anywhere_in_the_cluster_costs_no_status(places: st.DataObject) -> None:
    conditions = {"Progressing": ("False", "timed out"), "ReplicaFailure": ("True", "quota")}
    shown = deepcopy(deployment(conditions))
    shown["metadata"]["managedFields"] = [{"manager": MANAGER, "time": "2025-01-01T12:00:00Z"}]
    pods = [pod(ended(message="x"), conditions=[{"type": "PodScheduled", "status": "False"}], reason="Evicted")]
    for item in (shown, *pods):
        with_nonsense(item, places)
    told = describe(shown, pods)
    assert told.status in ("pending", "progressing", "available", "failed")

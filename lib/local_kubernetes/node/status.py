"""A pod's status, computed from what its containers are doing: pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from local_kubernetes.node.objects import Json, format_time

_OURS = frozenset({"Initialized", "Ready", "ContainersReady", "PodScheduled"})


@dataclass
class ContainerRecord:
    """One container's part of the pod's status. `state` and `last_state` are in the API's form."""

    name: str
    image: str
    state: Json = field(default_factory=lambda: {"waiting": {"reason": "ContainerCreating"}})
    last_state: Json = field(default_factory=dict)
    ready: bool = False
    started: bool = False
    restart_count: int = 0
    container_id: str = ""

    def resume(self, known: Json, moment: datetime) -> None:
        """Continue from the status that the node wrote before its restart. The process of that time is gone."""
        self.restart_count = known.get("restartCount", 0)
        state = known.get("state") or {}
        self.last_state = known.get("lastState") or {}
        if ended := state.get("terminated"):
            self.last_state = {"terminated": ended}
        elif running := state.get("running"):
            lost = {"exitCode": 137, "reason": "ContainerStatusUnknown", "finishedAt": format_time(moment)}
            lost["message"] = "The process ended with the node that ran it."
            self.last_state = {"terminated": {**lost, "startedAt": running.get("startedAt")}}
        if "waiting" not in state or self.last_state:
            self.restart_count += 1

    def wait(self, reason: str, message: str = "") -> None:
        """The container waits, for that reason."""
        self.ready = self.started = False
        self.state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}

    def run(self, container_id: str, moment: datetime) -> None:
        """The container has been running since that moment."""
        self.ready = self.started = False
        self.container_id = container_id
        self.state = {"running": {"startedAt": format_time(moment)}}

    def end(self, terminated: Json) -> None:
        """The container has ended; `terminated` is that part of its state."""
        self.ready = self.started = False
        self.state = {"terminated": terminated}

    def put_behind(self) -> None:
        """What ended is now the last state."""
        if "terminated" in self.state:
            self.last_state = self.state

    @property
    def exit_code(self) -> int | None:
        """The exit code of the run that has ended; None while it waits or runs."""
        ended = self.state.get("terminated")
        return int(ended["exitCode"]) if ended else None

    def to_json(self) -> Json:
        """The container's entry in `status.containerStatuses`."""
        return {
            "name": self.name,
            "image": self.image,
            "imageID": self.image if self.container_id else "",
            "state": self.state,
            "lastState": self.last_state,
            "ready": self.ready,
            "started": self.started,
            "restartCount": self.restart_count,
            **({"containerID": self.container_id} if self.container_id else {}),
        }


@dataclass(frozen=True)
class PodFacts:
    """What the status is computed from; `initialized` once every init container has succeeded."""

    containers: Sequence[ContainerRecord]
    init_containers: Sequence[ContainerRecord] = ()
    address: str = ""
    started_at: datetime | None = None
    initialized: bool = True


def pod_status(pod: Json, facts: PodFacts, moment: datetime) -> Json:
    """The parts of the status that a kubelet owns, with others' conditions kept."""
    phase = _phase(pod, facts)
    status: Json = {
        "phase": phase,
        "conditions": _conditions(pod, facts, phase, moment),
        "hostIP": "127.0.0.1",
        "hostIPs": [{"ip": "127.0.0.1"}],
        "containerStatuses": [one.to_json() for one in facts.containers],
    }
    if facts.init_containers:
        status["initContainerStatuses"] = [one.to_json() for one in facts.init_containers]
    if facts.address:
        status |= {"podIP": facts.address, "podIPs": [{"ip": facts.address}]}
    if facts.started_at:
        status["startTime"] = format_time(facts.started_at)
    return status


def _phase(pod: Json, facts: PodFacts) -> str:
    policy = pod["spec"].get("restartPolicy", "Always")
    if not facts.initialized:
        failed = policy == "Never" and any(one.exit_code for one in facts.init_containers)
        return "Failed" if failed else "Pending"
    if any("waiting" in one.state and not one.last_state for one in facts.containers):
        return "Pending"
    if any("terminated" not in one.state for one in facts.containers):
        return "Running"
    if policy == "Always":
        return "Running"
    if not any(one.exit_code for one in facts.containers):
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


def _conditions(pod: Json, facts: PodFacts, phase: str, moment: datetime) -> list[Json]:
    known = {one["type"]: one for one in (pod.get("status") or {}).get("conditions") or []}
    waiting_inits = [one.name for one in facts.init_containers if one.exit_code != 0]
    unready = [one.name for one in facts.containers if not one.ready]
    if phase == "Succeeded":
        not_ready = ("PodCompleted", "")
    elif unready:
        not_ready = ("ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]")
    else:
        not_ready = ("", "")
    incomplete = ("ContainersNotInitialized", f"containers with incomplete status: [{' '.join(waiting_inits)}]")
    gates = [one["conditionType"] for one in pod["spec"].get("readinessGates") or []]
    shut = [gate for gate in gates if (known.get(gate) or {}).get("status") != "True"]
    gated = ("ReadinessGatesNotReady", f"readiness gates not satisfied: [{' '.join(shut)}]") if shut else ("", "")
    ours = {
        "PodScheduled": ("", ""),
        "Initialized": ("", "") if facts.initialized else incomplete,
        "ContainersReady": not_ready,
        "Ready": not_ready if not_ready[0] else gated,
    }
    conditions = [_condition(known.get(kind), kind, *why, moment) for kind, why in ours.items()]
    return conditions + [one for kind, one in known.items() if kind not in _OURS]


def _condition(known: Json | None, kind: str, reason: str, message: str, moment: datetime) -> Json:
    """A condition: true without a reason, false with one. The time changes only with the status."""
    condition: Json = {"type": kind, "status": "False" if reason else "True"}
    if reason:
        condition["reason"] = reason
    if message:
        condition["message"] = message
    same = bool(known and known["status"] == condition["status"] and known.get("lastTransitionTime"))
    condition["lastTransitionTime"] = known["lastTransitionTime"] if known and same else format_time(moment)
    return condition

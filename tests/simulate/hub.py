"""A hub as queues, servers and limits: the measured operations routed through the functions of a design."""

from collections.abc import Iterator, Mapping
from itertools import chain

from local_stack.function_list import FUNCTIONS
from provider_hub.actions.side_by_side import MOST_SIDE_BY_SIDE
from provider_hub.actions.time_budget import SHARE
from tests.simulate import limits
from tests.simulate.design import (
    SWEEP_SECONDS,
    Design,
    seconds_of,
    written_check_ins_a_second,
)
from tests.simulate.fluid import Fluid, Queue, Station
from tests.simulate.limits import Gauge, Kind, Ramp
from tests.simulate.metering import Leg, Operation
from tests.simulate.operations import RELOCK, ROLLOUT, SILENCE, SLICE, WRITTEN

PODS, NODES = "pods of a cluster", "nodes of a cluster"
SERVICES, NAMESPACES = "Services of a cluster (iptables)", "namespaces of a cluster"
WRITES = "writes to the database (500/50/5)"
SILENT_ROWS = "silent rows"
# Each rollout has its own pace, however many there are.
PACED = {ROLLOUT: "a rollout's installations", RELOCK: "a relock's installations"}
_PUSHED = "bytes pushed by Pub/Sub"
_READS, _CHANGES = "reads of a cluster's API", "writes of a cluster's API"


def hub_of(operations: Mapping[str, Operation], design: Design, warm_writes: float) -> Fluid:
    """The fluid of such a hub, whose database has had `warm_writes` a second until now."""
    factor = calibration(operations)
    routes = {
        name: [*_pace(name), *(_station(name, leg, design, factor) for leg in operation)]
        for name, operation in operations.items()
    }
    stations = list(chain.from_iterable(routes.values()))
    names = dict.fromkeys(station.queue for station in stations)
    paced = dict.fromkeys(PACED.values(), design.rollout_a_second)
    paced[SILENT_ROWS] = _silences_a_second(operations, factor)
    queues = {name: Queue(name, paced.get(name) or design.instances_of(name)) for name in names}
    used = dict.fromkeys(chain.from_iterable(station.uses for station in stations))
    gauges = {name: _gauge(name, design) for name in used}
    gauges |= {name: Gauge(name, Kind.BOUND, limit) for name, limit in _BOUNDS.items()}
    gauges |= {name: Gauge(name, Kind.ADVICE, limit) for name, limit in _ADVICE.items()}
    return Fluid(routes, queues, gauges, {WRITES: Ramp(warm_writes)})


def calibration(operations: Mapping[str, Operation]) -> float:
    """Seconds of an instance for a second of CPU here, where no call leaves the process.

    The bench measures a whole function over HTTP and gRPC, on other machines than this; it is right for the check-in
    that is written, and every other call is taken to be as much dearer than here as that one.
    """
    (leg,) = operations[WRITTEN]
    return 1 / written_check_ins_a_second() / leg.units["cpu_seconds"]


def note_size(fluid: Fluid, design: Design, installations: float, organizations: float, at: float) -> None:
    """How full the clusters are: each installation has a pod, and one that is being changed has one more."""
    pods = (installations + fluid.queues["installer"].waiting) / design.cells
    fluid.gauges[PODS].note(pods, at)
    fluid.gauges[NODES].note(pods / limits.NODE_PODS, at)
    fluid.gauges[SERVICES].note(installations / design.cells, at)
    fluid.gauges[NAMESPACES].note(organizations / design.cells, at)


def _pace(name: str) -> Iterator[Station]:
    if name in PACED:
        yield Station(PACED[name], 1.0)


def _station(name: str, leg: Leg, design: Design, factor: float) -> Station:
    calls = leg.units.get("calls", 1.0)
    threads = design.side_by_side if name == SLICE else int(FUNCTIONS[leg.function].size["concurrency"])
    seconds = seconds_of(leg.units["cpu_seconds"] * factor / calls, leg.units.get("rpcs", 0.0) / calls, threads)
    units = {**leg.units, "instance_seconds": calls * seconds}
    if name == SILENCE:
        return Station(SILENT_ROWS, 1.0, dict(_uses(leg, design)), units)
    return Station(leg.function, calls * seconds, dict(_uses(leg, design)), units)


def _uses(leg: Leg, design: Design) -> Iterator[tuple[str, float]]:
    units = leg.units
    yield from leg.rising.items()
    yield WRITES, units.get("writes", 0.0) + units.get("deletes", 0.0)
    yield _PUSHED, units.get("push_bytes", 0.0)
    yield _READS, units.get("cluster_reads", 0.0) / design.cells
    yield _CHANGES, units.get("cluster_writes", 0.0) / design.cells
    for document, times in leg.shared.items():
        yield f"document {document}", times
    if design.dispatches_a_second(leg.function) is not None:
        yield f"dispatches to {leg.function}", units.get("calls", 0.0)


def _gauge(name: str, design: Design) -> Gauge:
    if name.startswith("document "):
        return Gauge(name, Kind.ADVICE, limits.DOCUMENT_WRITES)
    if name.startswith("dispatches to "):
        rate = design.dispatches_a_second(name.removeprefix("dispatches to "))
        assert rate is not None
        return Gauge(name, Kind.LIMIT, min(rate, limits.QUEUE_DISPATCHES * design.queues))
    return Gauge(name, Kind.LIMIT, _LIMITS.get(name, limits.RISING_WRITES))


def _silences_a_second(operations: Mapping[str, Operation], factor: float) -> float:
    """How many silent rows a sweep degrades in the time that it has for that job: those of full slices side by side."""
    (leg,) = operations[SILENCE]
    seconds = seconds_of(leg.units["cpu_seconds"] * factor, leg.units.get("rpcs", 0.0), MOST_SIDE_BY_SIDE)
    return SHARE.total_seconds() / seconds / SWEEP_SECONDS


_LIMITS = {
    WRITES: limits.RAMP_START,
    _PUSHED: limits.PUSH_BYTES,
    _READS: limits.API_READS,
    _CHANGES: limits.API_WRITES,
}
_BOUNDS = {PODS: limits.CLUSTER_PODS, NODES: limits.CLUSTER_NODES}
_ADVICE = {SERVICES: limits.CLUSTER_SERVICES, NAMESPACES: limits.CLUSTER_NAMESPACES}

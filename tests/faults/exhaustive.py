"""Every fault at every I/O point of a history, one at a time, and what came of it."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from tests.faults.histories import History
from tests.faults.injection import PAUSES, TRANSPORT, Kind, One, Plan, Point, no_fault
from tests.faults.invariants import Violation
from tests.faults.world import NAME, Backend, World

Case = tuple[History, Point, Kind]


@dataclass
class Report:
    """How much was tried."""

    histories: Counter[str] = field(default_factory=Counter)
    points: dict[str, int] = field(default_factory=dict)
    kinds: Counter[Kind] = field(default_factory=Counter)

    def __str__(self) -> str:
        tried = sum(self.histories.values())
        lines = [f"{tried} runs of {len(self.histories)} histories, {sum(self.points.values())} I/O points"]
        lines += [f"  {name:32} {self.points[name]:4} points {self.histories[name]:5} runs" for name in self.points]
        lines += [f"  {kind:48} {count:5}" for kind, count in sorted(self.kinds.items())]
        return "\n".join(lines)


def points_of(history: History, backend: Backend | None = None) -> list[Point]:
    """The points that a run without faults meets, until nothing is under way any more."""
    world = run(history, no_fault, backend)
    _check_end(history, world)
    return world.injector.points[: world.points_of_script]


def cases(history: History, backend: Backend | None = None) -> list[Case]:
    points = points_of(history, backend) if backend else _points_in_memory(history)
    return [(history, point, kind) for point in points for kind in point.kinds]


def share(history: History, before: Iterable[History], stride: int) -> list[Case]:
    """One of `stride` cases, and one for each call that no history before has made."""
    known = {_call(point) for earlier in before for point in _points_in_memory(earlier)}
    chosen: dict[Case, None] = dict.fromkeys(cases(history)[::stride])
    for point in _points_in_memory(history):
        if _call(point) not in known:
            known.add(_call(point))
            chosen[history, point, point.kinds[point.number % len(point.kinds)]] = None
    return list(chosen)


@lru_cache(maxsize=64)
def _points_in_memory(history: History) -> tuple[Point, ...]:
    return tuple(points_of(history))


def _call(point: Point) -> tuple[str, str]:
    return point.process, point.call


def run(history: History, plan: Plan, backend: Backend | None = None) -> World:
    """Play a history. Raises Violation with the script of what happened."""
    world = World(plan, backend)
    with world.running():
        try:
            world.play(history.script)
        except Violation as violation:
            raise counter_example(history.name, world, violation) from violation
    return world


def try_all(chosen: Iterable[Case], report: Report, backend: Callable[[], Backend] | None = None) -> None:
    """Raises Violation at the first case that does not end as it must."""
    for history, point, kind in chosen:
        world = run(history, One(point.number, kind), backend and backend())
        report.histories[history.name] += 1
        report.kinds[kind] += 1
        if kind not in PAUSES and kind not in TRANSPORT:
            _check_end(history, world)


def counter_example(name: str, world: World, violation: Violation) -> Violation:
    script = "\n  ".join(world.injector.script[-120:])
    return Violation(f"{violation}\n\nhistory: {name}\n  {script}\n")


def _check_end(history: History, world: World) -> None:
    """One fault that passes changes nothing for whoever waits long enough."""
    wanted = {f"org_acme {NAME}": history.ends} if history.ends else {}
    if world.outcome() != wanted:
        wrong = Violation(f"ended as {world.outcome()}, not as {wanted}")
        raise counter_example(history.name, world, wrong)

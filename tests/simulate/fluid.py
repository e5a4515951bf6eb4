"""Work as a fluid: it stands in queues, is served at a rate, and goes on to the next station of its route.

In each step a queue's server takes as much of everything that waits as its capacity permits, then every limit that this
would pass scales it down. What is not served waits: as a message in its subscription, a task in its queue, a due row.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.simulate.limits import Gauge, Kind, Ramp

_HOUR = 3600.0
# What is on its way at the end of the day is no backlog: a minute's work, or that of two steps if they are longer.
_ON_ITS_WAY_SECONDS = 60.0
# What was scaled down to a limit is at it, but for the last digits.
_ALMOST = 1 + 1e-9


@dataclass(frozen=True)
class Station:
    """One part of a route: which queue it waits in, and what serving one run takes.

    `work` is in the unit of the queue's capacity. `uses`: by gauge, how much of it. `units` are counted for the bill.
    """

    queue: str
    work: float
    uses: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Queue:
    """What waits for one server of `capacity` units of work a second; the most that did, also in each hour."""

    name: str
    capacity: float
    waiting: float = 0.0
    most: float = 0.0
    most_at: float = 0.0
    busiest: float = 0.0
    longest_wait: float = 0.0
    served_a_second: float = 0.0
    on_its_way: float = 1.0
    hourly: dict[int, float] = field(default_factory=dict)

    def note(self, waiting: float, served: float, work: float, at: float, seconds: float) -> None:
        """How many runs wait after a step that served so many, by so much work."""
        self.waiting, self.served_a_second = waiting, served / seconds
        self.on_its_way = 1 + self.served_a_second * max(_ON_ITS_WAY_SECONDS, 2 * seconds)
        hour = int(at // _HOUR)
        self.hourly[hour] = max(waiting, self.hourly.get(hour, 0.0))
        if waiting > self.most:
            self.most, self.most_at = waiting, at
        self.busiest = max(self.busiest, work / seconds / self.capacity)
        if waiting >= 1 and served:
            self.longest_wait = max(self.longest_wait, waiting / self.served_a_second)

    @property
    def is_drained(self) -> bool:
        """Whether no more waits than what is on its way."""
        return self.waiting <= self.on_its_way


Place = tuple[str, int]


class Fluid:
    """Routes over queues, under limits. Gauges and queues hold what came of a day."""

    def __init__(
        self,
        routes: Mapping[str, Sequence[Station]],
        queues: Mapping[str, Queue],
        gauges: Mapping[str, Gauge],
        ramps: Mapping[str, Ramp] | None = None,
    ) -> None:
        """A gauge's limit is what the ramp of the same name permits, where there is one."""
        self.queues = queues
        self.gauges = gauges
        self.units: Counter[str] = Counter()
        self.runs: Counter[str] = Counter()
        self._ramps = ramps or {}
        self._routes = routes
        self._waiting: dict[Place, float] = {
            (name, number): 0.0 for name, route in routes.items() for number in range(len(route))
        }
        self._stations: dict[Place, Station] = {
            (name, number): station for name, route in routes.items() for number, station in enumerate(route)
        }
        self._in_queue: dict[str, list[Place]] = {name: [] for name in queues}
        for place, station in self._stations.items():
            self._in_queue[station.queue].append(place)

    def withdraw(self, route: str, runs: float) -> None:
        """So many runs that wait at the first station of a route are needed no longer."""
        self._waiting[route, 0] = max(0.0, self._waiting[route, 0] - runs)

    def step(self, arrivals: Mapping[str, float], at: float, seconds: float) -> Mapping[Place, float]:
        """Let `arrivals` come and `seconds` pass; returns what was served, place by place."""
        for name, runs in arrivals.items():
            self._waiting[name, 0] += runs
        served = self._taken(seconds)
        self._hold_back(served, at, seconds)
        for place, runs in served.items():
            self._move(place, runs)
        for name, queue in self.queues.items():
            places = self._in_queue[name]
            work = sum(served.get(place, 0.0) * self._stations[place].work for place in places)
            waiting = sum(self._waiting[place] for place in places)
            queue.note(waiting, sum(served.get(place, 0.0) for place in places), work, at, seconds)
        return served

    def _taken(self, seconds: float) -> dict[Place, float]:
        """What the servers would take: of everything in a queue the same share."""
        taken: dict[Place, float] = {}
        for name, queue in self.queues.items():
            work = sum(self._waiting[place] * self._stations[place].work for place in self._in_queue[name])
            share = min(1.0, queue.capacity * seconds / work) if work else 1.0
            for place in self._in_queue[name]:
                if self._waiting[place]:
                    taken[place] = self._waiting[place] * share
        return taken

    def _hold_back(self, served: dict[Place, float], at: float, seconds: float) -> None:
        """Scale down, in place, what would pass a limit, and note what is used of each gauge then.

        The limit that is passed by most comes first: once it has held back its part, another may be passed no longer.
        """
        for name, ramp in self._ramps.items():
            self.gauges[name].limit = ramp.permitted
        held: set[str] = set()
        used = self._used(served)
        while (passed := self._most_passed(used, seconds)) is not None:
            share = self.gauges[passed].limit * seconds / used[passed]
            for place in served:
                if self._stations[place].uses.get(passed):
                    served[place] *= share
            held.add(passed)
            used = self._used(served)
        for name, gauge in self.gauges.items():
            gauge.hold(held=name in held, seconds=seconds)
        for name, amount in used.items():
            self.gauges[name].note(amount / seconds, at)
        for name, ramp in self._ramps.items():
            ramp.note(used[name] / seconds, seconds)

    def _most_passed(self, used: Mapping[str, float], seconds: float) -> str | None:
        """The limit of which the greatest multiple is used; None where none is passed."""
        limits = (name for name in used if self.gauges[name].kind is Kind.LIMIT)
        most = max(limits, key=lambda name: used[name] / self.gauges[name].limit, default=None)
        return most if most and used[most] > self.gauges[most].limit * seconds * _ALMOST else None

    def _used(self, served: Mapping[Place, float]) -> Counter[str]:
        used: Counter[str] = Counter()
        for place, runs in served.items():
            for name, amount in self._stations[place].uses.items():
                used[name] += runs * amount  # type: ignore[assignment]
        return used

    def _move(self, place: Place, runs: float) -> None:
        name, number = place
        self._waiting[place] -= runs
        following = (name, number + 1)
        if following in self._waiting:
            self._waiting[following] += runs
        else:
            self.runs[name] += runs  # type: ignore[assignment]
        for unit, amount in self._stations[place].units.items():
            self.units[unit] += runs * amount  # type: ignore[assignment]

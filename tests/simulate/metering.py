"""What each operation takes, told by the functions that carry it out: every unit is counted where it leaves one."""

import gc
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.bench.publishing import MeteredFirestore
from tests.faults.injection import Point
from tests.simulate.indexes import Entry, entries_of

# Below so many runs, an order or a share of them says nothing.
_TELLING = 10
_SHARED = 0.5
_RISING = 0.9


@dataclass(frozen=True)
class Leg:
    """What one function does for one run of an operation, on average.

    `units`: `calls`, `cpu_seconds`, `reads`, `writes`, `deletes`, `rpcs` (round trips of any kind), `deliveries` with
    their `push_bytes`, `tasks`, `cluster_reads`, `cluster_writes`. `rising`: by the name of an index, or of a
    collection whose documents' ids rise, how many entries the busiest of its ranges gets. `shared`: by document, how
    often it is written, where many runs write the same one.
    """

    function: str
    units: Mapping[str, float]
    rising: Mapping[str, float] = field(default_factory=dict)
    shared: Mapping[str, float] = field(default_factory=dict)


# The legs in the order in which the functions were first called.
Operation = tuple[Leg, ...]


@dataclass
class Tally:
    """All that one function did for all runs of one operation."""

    units: Counter[str] = field(default_factory=Counter)
    entries: defaultdict[str, Counter[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(Counter))
    written: Counter[str] = field(default_factory=Counter)
    made: list[str] = field(default_factory=list)


class IndexedFirestore(MeteredFirestore):
    """A database in memory that also tells which index entries each commit adds, and which documents it makes."""

    def __init__(self, units: Counter[str]) -> None:
        super().__init__(units)
        self.entries: list[Entry] = []
        self.written: list[str] = []
        self.made: list[str] = []

    def commit(self, request: Any, **options: Any) -> Any:
        """As the database; an entry that stays as it was costs no index anything."""
        names = [write.delete or write.update.name for write in type(request).pb(request).writes]
        before = {name: set(entries_of(name, self.documents[name])) for name in names if name in self.documents}
        answer = super().commit(request, **options)
        self.written += names
        self.made += [name for name in names if name in self.documents and name not in before]
        for name in names:
            if name in self.documents:
                self.entries += set(entries_of(name, self.documents[name])) - before.get(name, set())
        return answer


class Meter:
    """Tallies by operation and function. What happens outside of an operation is counted for nobody."""

    def __init__(self) -> None:
        self._units: Counter[str] = Counter()
        self.firestore = IndexedFirestore(self._units)
        self._operation: str | None = None
        self._runs: Counter[str] = Counter()
        self._tallies: dict[str, dict[str, Tally]] = {}

    @contextmanager
    def operation(self, name: str, runs: int = 1) -> Iterator[None]:
        """All calls in the block are parts of `runs` runs of that operation."""
        self._operation = name
        self._runs[name] += runs
        yield
        self._operation = None

    @contextmanager
    def call(self, function: str, points: list[Point], pushed: int = 0) -> Iterator[None]:
        """One call of a function. `points` grows by its calls of the outside; `pushed` is the size of a message."""
        before, met = self._units.copy(), len(points)
        # A collection goes through the heap of this whole process, which is no cost of the function.
        gc.disable()
        began = time.process_time()
        try:
            yield
        finally:
            seconds = time.process_time() - began
            gc.enable()
            units = Counter(self._units)
            units.subtract(before)
            for point in points[met:]:
                units += _units_of(point.call)
            given = {"calls": 1, "cpu_seconds": seconds, "deliveries": int(pushed > 0), "push_bytes": pushed}
            units.update(given)
            self._add(function, units)

    def _add(self, function: str, units: Mapping[str, float]) -> None:
        """Count these for the present operation, with whatever the database was told since the last time."""
        database = self.firestore
        if self._operation is not None:
            tally = self._tallies.setdefault(self._operation, {}).setdefault(function, Tally())
            tally.units.update(units)
            tally.written.update(database.written)
            tally.made += database.made
            for entry in database.entries:
                if entry.time is not None:
                    tally.entries[entry.index][entry.before] += 1
        for told in (database.entries, database.written, database.made):
            told.clear()

    def split_off(self, name: str, whole: str, without: str, parts: int = 1) -> None:
        """Name what a run of `whole` did beyond a run of `without`: `parts` runs. `whole` is forgotten."""
        more, less = self._tallies[whole], self._tallies[without]
        times, share = self._runs[whole], self._runs[whole] / self._runs[without]
        self._runs[name] = times * parts
        self._tallies[name] = {function: beyond(more[function], less[function], share) for function in more}
        self.forget(whole)

    def forget(self, name: str) -> None:
        """As if that operation had not been measured."""
        del self._runs[name], self._tallies[name]

    def operations(self) -> dict[str, Operation]:
        """Every operation that was measured."""
        return {
            name: tuple(_leg(function, tally, self._runs[name]) for function, tally in tallies.items())
            for name, tallies in self._tallies.items()
        }


def beyond(more: Tally, less: Tally, share: float) -> Tally:
    """`more` without that share of `less`. The documents that `less` writes are written in any case."""
    left = {unit: max(0.0, amount - less.units[unit] * share) for unit, amount in more.units.items()}
    if not left.get("cpu_seconds") and left.get("rpcs"):
        # Other work of this process drowned the difference. Most of a run's time goes into its round trips.
        left["cpu_seconds"] = more.units["cpu_seconds"] * left["rpcs"] / more.units["rpcs"]
    written = Counter({name: count for name, count in more.written.items() if name not in less.written})
    return Tally(Counter(left), more.entries, written, more.made)


def _leg(function: str, tally: Tally, runs: int) -> Leg:
    units = {unit: amount / runs for unit, amount in tally.units.items() if amount}
    # An even hash is behind several ranges of one index, so each gets as much as the others.
    rising = {f"index {name}": ranges.total() / len(ranges) / runs for name, ranges in tally.entries.items()}
    for collection, made in _by_collection(tally.made).items():
        if _rise(made):
            rising[f"ids of {collection}"] = len(made) / runs
    times = {_short(name): count / runs for name, count in tally.written.items()}
    shared = {name: share for name, share in times.items() if runs >= _TELLING and share >= _SHARED}
    return Leg(function, units, rising, shared)


def _by_collection(names: list[str]) -> Mapping[str, list[str]]:
    made = defaultdict[str, list[str]](list)
    for name in names:
        made[name.split("/")[-2]].append(name)
    return made


def _rise(names: list[str]) -> bool:
    """Whether each new document comes behind the one before, in the order of their names."""
    pairs = list(pairwise(names))
    return len(names) >= _TELLING and sum(one < other for one, other in pairs) >= _RISING * len(pairs)


def _short(name: str) -> str:
    return name.partition("/documents/")[2]


def _units_of(call: str) -> Counter[str]:
    """What a call of the outside is, by how the fault world describes it."""
    verb = call.partition(" ")[0]
    if verb in ("create", "delete") and " task" in call:
        return Counter(rpcs=1, tasks=1)
    if verb == "publish":
        return Counter(rpcs=1, messages=1)
    if verb.isupper():
        return Counter(rpcs=1, **{"cluster_reads" if verb == "GET" else "cluster_writes": 1})
    return Counter(rpcs=1)

"""Threads: how fast one instance of one CPU answers few and many callers, by the number of its threads.

Each function is started by functions-framework's own command once for each number of threads, and has one CPU as in
the cloud. The emulators are a round trip away, as Google's services are, because that is what threads wait for. All
instances are there at the same time and asked turn by turn, so that a busy machine is as busy for each of them.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from itertools import count, cycle
from pathlib import Path

from local_stack.function_list import FUNCTIONS_DIR
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.domain.installation import Health
from provider_hub.domain.installation import Instance as Pod
from provider_hub.domain.names import ProviderName
from tests.bench.figures import Figure, Spread
from tests.bench.ground import FLOORS_DIR, Ground, Served, begun_as_deployed, wait_until
from tests.bench.load import Run, Supply, Wish, burst_for, wish
from tests.bench.requesting import check_in_push, row_of
from tests.bench.round_trips import as_far_away
from tests.bench.rows import catalog, load, nothing_installed, organization
from tests.fakes import START
from tests.hostile import meter

ROUND_TRIP_MS = 10
COUNTS = (1, 8, 16, 24, 40)
MOST = max(COUNTS)
BARE_COUNTS = (24, 40)
FEW, MANY = 8, 40
ROUNDS = 3
_SECONDS = {1: 0.25}
_USUAL_SECONDS = 0.3
_PROVIDERS = [ProviderName("platform", f"thread{number}") for number in range(25)]
# Installs of one tenant take turns, so there are more tenants than callers.
_TENANTS = 60
_CHECKED_IN = 400


@dataclass(frozen=True)
class Instance:
    """One process of a function with so many threads, and what the bursts of each number of callers showed."""

    served: Served
    threads: int
    runs: dict[tuple[str, int], list[Run]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def burst(self, work: str, supply: Supply, callers: int) -> None:
        before = self._worker.seconds
        run = burst_for(_SECONDS.get(callers, _USUAL_SECONDS), self.served, supply, callers)
        self.runs.setdefault((work, callers), []).append(run)
        if callers == MANY:
            self.cpu.setdefault(work, []).append(1000 * (self._worker.seconds - before) / len(run.seconds))

    def milliseconds(self, work: str, percent: int, callers: int) -> Spread:
        return Spread.of([1000 * run.quantile(percent) for run in self.runs[work, callers]])

    def rate(self, work: str, callers: int) -> Spread:
        return Spread.of([run.rate for run in self.runs[work, callers]])

    @property
    def mebibytes(self) -> Spread:
        return Spread.of([self._worker.resident / 2**20])

    @property
    def _worker(self) -> meter.Reading:
        return meter.read(meter.worker_of(self.served.pid))

    def keep_to_one_cpu(self) -> None:
        """All threads there are, which those to come take after."""
        cpu = min(os.sched_getaffinity(0))
        for process in {self.served.pid, meter.worker_of(self.served.pid)}:
            for task in Path(f"/proc/{process}/task").iterdir():
                os.sched_setaffinity(int(task.name), {cpu})


@dataclass(frozen=True)
class Instances:
    """The instances of one source file by their number of threads."""

    title: str
    by_threads: Mapping[int, Instance]


def threads(ground: Ground, store: FirestoreStore) -> Iterator[Figure]:
    """Throughput, p50, p99 and CPU of an install, a list and a written check-in, by threads and callers."""
    load(store, catalog(_PROVIDERS))
    with as_far_away(ground, ROUND_TRIP_MS) as around, ExitStack() as exits:

        def begun(source: Path, target: str, counts: tuple[int, ...]) -> Instances:
            instances = (
                Instance(exits.enter_context(_begun(ground, source, target, around, threads)), threads)
                for threads in counts
            )
            return Instances(target, {instance.threads: instance for instance in instances})

        installations, registration = (
            begun(FUNCTIONS_DIR / name / "main.py", name, COUNTS) for name in ("installations", "registration")
        )
        bare_install, bare_list, bare_check_in = (
            begun(FLOORS_DIR / f"{module}.py", target, BARE_COUNTS)
            for module, target in (("install", "install"), ("listing", "installed"), ("consumer", "read_and_write"))
        )
        for instances in (installations, registration, bare_install, bare_list, bare_check_in):
            for instance in instances.by_threads.values():
                wait_until(instance.served.answers, f"{instances.title} does not serve: see its log in {ground.folder}")
                instance.keep_to_one_cpu()
        yield from _compared("install", installations, bare_install, lambda name: _installs(ground, store, name))
        yield from _compared("list of 1", installations, bare_list, lambda name: _lists(ground, store, name))
        yield from _compared("check-in", registration, bare_check_in, lambda name: _check_ins(ground, store, name))
        yield from _memory(installations)
        yield from _memory(registration)


def _begun(
    ground: Ground, source: Path, target: str, around: Mapping[str, str], threads: int
) -> AbstractContextManager[Served]:
    home = ground.folder / f"{target}-{threads}"
    home.mkdir()  # gunicorn has a socket in it, of which there may be one
    return begun_as_deployed(source, target, {**around, "HOME": str(home), "THREADS": str(threads)}, home)


def _compared(
    work: str, ours: Instances, bare: Instances, supply_of: Callable[[str], Iterator[Wish]]
) -> Iterator[Figure]:
    """Every instance in its turn, in each round, with each number of callers."""
    kind = work.partition(" ")[0]
    asked = [
        (instance, Supply(supply_of(f"{kind}-{instances.title}-{instance.threads}".replace("_", "-"))))
        for instances in (ours, bare)
        for instance in instances.by_threads.values()
    ]
    for instance, supply in asked:
        burst_for(_USUAL_SECONDS, instance.served, supply, instance.threads)
    for _ in range(ROUNDS):
        for instance, supply in asked:
            is_ours = instance in ours.by_threads.values()
            for callers in sorted({1, FEW, MANY, instance.threads} if is_ours else {MANY}):
                instance.burst(work, supply, callers)
    yield from _by_threads(work, ours.by_threads)
    yield from _beside_bare(work, ours.by_threads, bare.by_threads)


def _by_threads(work: str, ours: Mapping[int, Instance]) -> Iterator[Figure]:
    """Each number of threads beside the most; and an instance that is sent no more than it has threads for."""
    most = ours[MOST]
    for threads, one in ours.items():
        who = f"{work}, THREADS={threads}"
        waiting = one.milliseconds(work, 99, MANY)
        yield Figure(
            f"{who}: p99 of {threads} callers beside {MANY}", "ms", one.milliseconds(work, 99, threads), waiting
        )
        if one is not most:
            yield from _beside(f"{who} beside {MOST}", work, MANY, one, most)
            yield from _beside(f"{who} beside {MOST}", work, FEW, one, most)
    alone = [1000 * run.quantile(50) for run in most.runs[work, 1]]
    yield Figure(f"{work}: p50 of 1 caller", "ms", Spread.of(alone))
    yield Figure(f"{work}: CPU of one, {MANY} callers", "ms", Spread.of(most.cpu[work]))
    # A thread has the CPU for one part in so many of its time.
    enough = [milliseconds / cpu for milliseconds, cpu in zip(alone, most.cpu[work], strict=True)]
    yield Figure(f"{work}: threads that keep a CPU busy", "", Spread.of(enough))


def _beside_bare(work: str, ours: Mapping[int, Instance], bare: Mapping[int, Instance]) -> Iterator[Figure]:
    for threads, floor in bare.items():
        yield from _beside(f"{work}, THREADS={threads}, beside the bare function", work, MANY, ours[threads], floor)


def _beside(title: str, work: str, callers: int, one: Instance, other: Instance) -> Iterator[Figure]:
    told = f"{title}, {callers} callers"
    yield Figure(f"{told}: rate", "/s", one.rate(work, callers), other.rate(work, callers))
    for percent in (50, 99):
        spreads = (side.milliseconds(work, percent, callers) for side in (one, other))
        yield Figure(f"{told}: p{percent}", "ms", *spreads)


def _memory(ours: Instances) -> Iterator[Figure]:
    """After all of it, beside the process of one thread."""
    least = ours.by_threads[min(COUNTS)]
    for threads, one in ours.by_threads.items():
        yield Figure(f"memory of {ours.title}, THREADS={threads} beside 1", "MiB", one.mebibytes, least.mebibytes)


def _tokens(ground: Ground, store: FirestoreStore, name: str) -> list[str]:
    """Of tenants that have their cells, so that no first install chooses one. A quota's number must be read once."""
    slugs = [f"{name}-{number}" for number in range(_TENANTS)]
    load(store, (organization(slug) for slug in slugs))
    load(store, (nothing_installed(slug) for slug in slugs))
    return [ground.token(slug) for slug in slugs]


def _installs(ground: Ground, store: FirestoreStore, name: str) -> Iterator[Wish]:
    """Tenant after tenant installs the same provider, so that few requests at a time are of one tenant."""
    tokens = _tokens(ground, store, name)
    for provider in _PROVIDERS:
        body = {"provider_name": provider.canonical, "version": "1.0.0"}
        yield from (wish("POST", "/providers/install", token, body, expect=201) for token in tokens)


def _lists(ground: Ground, store: FirestoreStore, name: str) -> Iterator[Wish]:
    tokens = _tokens(ground, store, name)
    load(store, (row_of(f"{name}-{number}", _PROVIDERS[0]) for number in range(_TENANTS)))
    return cycle([wish("GET", "/providers/installed", token) for token in tokens])


def _check_ins(ground: Ground, store: FirestoreStore, name: str) -> Iterator[Wish]:
    """Each says another number of resources than the one before, so that all are written.

    They do not name their installation, as old runtimes do not. So an instance reads each row, as it does where many
    instances take turns.
    """
    rows = [row_of(f"{name}-{number}", _PROVIDERS[0]) for number in range(_CHECKED_IN)]
    pod = Pod("", START, Health.HEALTHY, None, 0)
    load(store, ((key, replace(row, instances=(pod,))) for key, row in rows))
    token = ground.push_token()
    for resources in count(1):
        said = {"installation_id": None, "active_resources": resources}
        yield from (check_in_push(row, token, **said) for _, row in rows)

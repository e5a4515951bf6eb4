"""Requests: installs beside the bare function, lists, and check-ins beside the bare consumer."""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from statistics import quantiles

from tests import builders

from provider_hub.adapters.firestore import FirestoreStore
from provider_hub.domain.installation import Installation, LifecycleState
from provider_hub.domain.messages import check_in_token
from provider_hub.domain.names import ProviderName
from provider_hub.operations import keys
from tests.bench.figures import Bar, Figure, Spread
from tests.bench.ground import CHECK_IN_KEY, Ground, Served
from tests.bench.load import Run, Wish, burst, wish
from tests.bench.rows import catalog, load

PROVIDERS = tuple(ProviderName("platform", f"p{number}") for number in range(20))
CALLERS = (1, 4, 16)
ROUNDS = 5
_A_ROUND = {1: 40, 4: 80, 16: 160}
_WARM_UP = 40


@dataclass(frozen=True)
class Side:
    """One of the two that are compared, and its supply of requests."""

    served: Served
    wishes: Iterator[Wish]

    def burst(self, count: int, callers: int = 1) -> Run:
        return burst(self.served, list(islice(self.wishes, count)), callers)


def installs(ground: Ground, store: FirestoreStore) -> Iterator[Figure]:
    """p50, p99 and throughput of `POST /providers/install` at 1, 4 and 16 callers."""
    load(store, catalog(PROVIDERS))
    needed = (_WARM_UP + ROUNDS * sum(_A_ROUND.values())) // len(PROVIDERS) + 2
    ours, floor = ground.function("installations"), ground.floor("install", "install")
    tenants = {slug: ground.token(slug) for number in range(needed) for slug in (f"ours-{number}",)}
    burst(ours, [wish("GET", "/providers/installed", token) for token in tenants.values()])
    bare = {f"floor-{number}": ground.token(f"floor-{number}") for number in range(needed)}
    sides = (Side(ours, _installs(list(tenants.values()))), Side(floor, _installs(list(bare.values()))))
    for side in sides:
        side.burst(_WARM_UP, callers=4)
    for callers in CALLERS:
        yield from _compared(sides, callers)


def _installs(tokens: Sequence[str]) -> Iterator[Wish]:
    """Each tenant installs every provider once: no quota is reached, no row is met twice."""
    for token in tokens:
        for provider in PROVIDERS:
            body = {"provider_name": provider.canonical, "version": "1.0.0"}
            yield wish("POST", "/providers/install", token, body, expect=201)


def _compared(sides: Sequence[Side], callers: int) -> Iterator[Figure]:
    rounds = [[side.burst(_A_ROUND[callers], callers) for side in sides] for _ in range(ROUNDS)]
    ours, floor = ([pair[side] for pair in rounds] for side in (0, 1))
    who = f"{callers} caller{'s' if callers > 1 else ''}"
    bars = {1: (Bar(1.15), None), 16: (None, Bar(0.9, at_least=True))}.get(callers, (None, None))
    yield Figure(f"install p50, {who}", "ms", _over(ours, _p50), _over(floor, _p50), bars[0])
    yield Figure(f"install p99, {who}", "ms", _over(ours, _p99), _over(floor, _p99))
    yield Figure(f"installs, {who}", "/s", _over(ours, _rate), _over(floor, _rate), bars[1])


def _over(runs: Sequence[Run], figure: Callable[[Run], float]) -> Spread:
    return Spread.of([figure(run) for run in runs])


def _p50(run: Run) -> float:
    return quantiles(run.seconds, n=100)[49] * 1000


def _p99(run: Run) -> float:
    return quantiles(run.seconds, n=100)[98] * 1000


def _rate(run: Run) -> float:
    return run.rate

"""Requests: installs beside the bare function, lists, and check-ins beside the bare consumer."""

import base64
import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from statistics import quantiles

from provider_hub.actions import keys
from provider_hub.actions.ports import Key
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.domain.identifiers import RANDOM_BYTES, ulid
from provider_hub.domain.installation import Health, Installation, Instance, LifecycleState
from provider_hub.domain.installation.silence import watch_of
from provider_hub.domain.messages import check_in_token
from provider_hub.domain.names import ProviderName
from provider_hub.settings.core import Deadlines
from tests import builders
from tests.bench.figures import Bar, Figure, Spread
from tests.bench.ground import CHECK_IN_KEY, PROJECT, Ground, Served
from tests.bench.load import Run, Wish, burst, wish
from tests.bench.rows import catalog, load, nothing_installed, organization
from tests.fakes import START

PROVIDERS = tuple(ProviderName("platform", f"p{number}") for number in range(4))
_FIRST = ProviderName("platform", "first")
CALLERS = (1, 4, 16)
ROUNDS = 5
_A_ROUND = {1: 40, 4: 80, 16: 160}
_WARM_UP = 40
LISTED = (1, 100, 1000)
_LISTS_A_ROUND = {1: 30, 100: 10, 1000: 2}
_CHECK_INS_A_ROUND = 80
_CHECK_IN_ROUNDS = 9
# What each pass says is new of the same rows, since an instance knows a thousand. One pass alone leaves the ratio open
# by a twentieth.
_KNOWN_PASSES = (1, 2, 3)
_FIRSTS_A_ROUND = 10
_CHECK_IN_CALLERS = 4


@dataclass(frozen=True)
class Side:
    """One of the two that are compared, and its supply of requests."""

    served: Served
    wishes: Iterator[Wish]

    def burst(self, count: int, callers: int = 1) -> Run:
        return burst(self.served, list(islice(self.wishes, count)), callers)


def installs(ground: Ground, store: FirestoreStore, served: Served) -> Iterator[Figure]:
    """p50, p99 and throughput of `POST /providers/install` at 1, 4 and 16 callers."""
    load(store, catalog((*PROVIDERS, _FIRST)))
    needed = (_WARM_UP + ROUNDS * sum(_A_ROUND.values())) // len(PROVIDERS) + 40
    ours = _placed(served, [ground.token(f"ours-{number}") for number in range(needed)])
    bare = [ground.token(f"floor-{number}") for number in range(needed)]
    sides = (Side(served, _installs(ours)), Side(ground.floor("install", "install"), _installs(bare)))
    for side in sides:
        side.burst(_WARM_UP, callers=4)
    for callers in CALLERS:
        yield from _compared(sides, callers)
    yield from _first_installs(ground, store, sides)


def _first_installs(ground: Ground, store: FirestoreStore, sides: tuple[Side, Side]) -> Iterator[Figure]:
    """What the ratios above leave out: the number that the quota goes by, and the making of an organization."""
    needed = range((ROUNDS + 1) * _FIRSTS_A_ROUND)
    counted = [f"counted-{number}" for number in needed]
    load(store, (organization(slug) for slug in counted))
    load(store, (nothing_installed(slug) for slug in counted))
    supplies = {
        "whose number must be read": _met(sides[0].served, [ground.token(slug) for slug in counted]),
        "never met before": [ground.token(f"stranger-{number}") for number in needed],
    }
    body = {"provider_name": PROVIDERS[0].canonical, "version": "1.0.0"}
    for whose, tokens in supplies.items():
        ours = Side(sides[0].served, (wish("POST", "/providers/install", token, body, expect=201) for token in tokens))
        rounds = [[_p50(side.burst(_FIRSTS_A_ROUND)) for side in (ours, sides[1])] for _ in range(ROUNDS + 1)]
        mine, bare = zip(*rounds[1:], strict=True)
        bar = Bar(1.3) if whose == "whose number must be read" else None
        yield Figure(f"install p50, a tenant {whose}", "ms", Spread.of(mine), Spread.of(bare), bar)


def _met(served: Served, tokens: list[str]) -> list[str]:
    """The same tokens once the function knows their organizations: that is made once in a tenant's life."""
    burst(served, [wish("GET", "/providers/installed", token) for token in tokens])
    return tokens


def _placed(served: Served, tokens: list[str]) -> list[str]:
    """The same tokens once each organization has its cell, which its first install chooses, once in a tenant's life."""
    body = {"provider_name": _FIRST.canonical, "version": "1.0.0"}
    burst(served, [wish("POST", "/providers/install", token, body, expect=201) for token in tokens])
    return tokens


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


def lists(ground: Ground, store: FirestoreStore, served: Served) -> Iterator[Figure]:
    """p50 of `GET /providers/installed` with 1, 100 and 1,000 rows."""
    names = [ProviderName("platform", f"listed{number}") for number in range(max(LISTED))]
    load(store, catalog(names))
    floor = ground.floor("listing", "installed")
    for size in LISTED:
        slug = f"lists-{size}"
        load(store, (row_of(slug, name) for name in names[:size]))
        one = wish("GET", "/providers/installed", ground.token(slug))
        rounds = [
            [_p50(burst(side, [one] * _LISTS_A_ROUND[size])) for side in (served, floor)] for _ in range(ROUNDS + 1)
        ]
        ours, bare = zip(*rounds[1:], strict=True)
        yield Figure(f"list of {size:,} installations, p50", "ms", Spread.of(ours), Spread.of(bare))


def row_of(slug: str, name: ProviderName, **changes: object) -> tuple[Key[Installation], Installation]:
    """A READY row of the tenant `slug`, whose runtime has just checked in."""
    now = datetime.now(UTC)
    changes.setdefault("installation_id", ulid(now, secrets.token_bytes(RANDOM_BYTES)))
    row = builders.wish(
        organization_id=f"org_{slug}",
        organization_slug=slug,
        prefix=name.prefix,
        name=name.name,
        lifecycle_state=LifecycleState.READY,
        current_version="1.0.0",
        ready_revision=builders.revision(),
        ready_generation=1,
        last_check_in_at=now,
        created_at=now,
        updated_at=now,
        **changes,
    )
    watched = replace(row, **watch_of(row, now, Deadlines().deadlines))
    return keys.installation_of(watched), watched


def check_ins(ground: Ground, store: FirestoreStore) -> Iterator[Figure]:
    """How many check-ins a second one instance handles: those that change nothing, and those that are written.

    A row that is written for the first time is read before. At the second time the instance knows it.
    """
    served = [ground.function("registration"), ground.floor("consumer", "consume")]
    served.append(ground.floor("consumer", "read_and_write"))
    rows = _heard_of(store, datetime.now(UTC))
    ours, bare, _ = _rates(served, rows, ground.push_token())
    yield Figure("check-ins, nothing new", "/s", ours, bare)
    rows = _heard_of(store, START)
    ours, bare, also_read = _rates(served, rows, ground.push_token())
    yield Figure("check-ins, written", "/s", ours, bare)
    yield Figure("check-ins, written, beside a read and a write", "/s", ours, also_read)
    passes = [_rates(served[:2], rows, ground.push_token(), active_resources=one) for one in _KNOWN_PASSES]
    ours, bare = (Spread.of([rate for spread in side for rate in spread.rounds]) for side in zip(*passes, strict=True))
    yield Figure("check-ins, written to known rows", "/s", ours, bare, Bar(0.8, at_least=True))


def _heard_of(store: FirestoreStore, heard: datetime) -> list[Installation]:
    """Rows whose pods last checked in then."""
    count = _CHECK_INS_A_ROUND * (_CHECK_IN_ROUNDS + 1)
    named = [row_of(f"checks-{number}", PROVIDERS[0]) for number in range(count)]
    pod = Instance("", heard, Health.HEALTHY, None, 0)
    rows = [(key, replace(row, last_check_in_at=heard, instances=(pod,))) for key, row in named]
    load(store, rows)
    return [row for _, row in rows]


def _rates(served: Sequence[Served], rows: Sequence[Installation], token: str, **news: object) -> list[Spread]:
    """One check-in of each row at each of `served`, turn by turn: how many a second."""
    pushes = [check_in_push(row, token, **news) for row in rows]
    sides = [Side(one, iter(pushes)) for one in served]
    rounds = [
        [side.burst(_CHECK_INS_A_ROUND, _CHECK_IN_CALLERS).rate for side in sides] for _ in range(_CHECK_IN_ROUNDS + 1)
    ]
    return [Spread.of(rates) for rates in zip(*rounds[1:], strict=True)]


def check_in_push(row: Installation, token: str, **news: object) -> Wish:
    """The check-in of a healthy runtime, with what is given beside that, as Pub/Sub pushes it."""
    body = {
        "installation_id": row.installation_id,
        "organization_id": row.organization_id,
        "provider": row.canonical,
        "version": row.installed_version,
        "generation": row.generation,
        "token": check_in_token(CHECK_IN_KEY.encode(), row.organization_id, row.installation_id, row.generation),
        "health": "healthy",
        **news,
    }
    message = {"data": base64.b64encode(json.dumps(body).encode()).decode(), "messageId": secrets.token_hex(8)}
    return wish("POST", f"/projects/{PROJECT}/topics/runtime-check-ins", token, {"message": message}, expect=204)

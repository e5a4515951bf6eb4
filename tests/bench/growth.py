"""Growth: what the same work costs when a hundred times as many rows exist.

What is billed is the measure: Google's indexes answer by what a query returns. The emulator has no indexes and
walks through the whole collection for every query, so its times grow whatever the query; beside them
stands a bare indexed query with Google's ordinary client, which grows alike.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from unittest.mock import patch

import grpc
from google.cloud.firestore import Client
from google.cloud.firestore_v1.base_query import FieldFilter

from provider_hub import wiring
from provider_hub.actions import browse, inspect, keys
from provider_hub.actions.advisories import AdvisoryWatch
from provider_hub.actions.drift import Drift
from provider_hub.actions.expire import Expiry
from provider_hub.actions.left_behind import LeftBehind
from provider_hub.actions.mirror import Mirror
from provider_hub.actions.ports import Key
from provider_hub.actions.publish import publish
from provider_hub.actions.relock import WALKED, Relocking
from provider_hub.actions.sweep import Sweeper
from provider_hub.actions.waves import Waves
from provider_hub.actions.wishes.catalog import Search
from provider_hub.actions.wishes.publishing import MetadataWish, PublishWish
from provider_hub.adapters.firestore import documents
from provider_hub.adapters.firestore import store as firestore
from provider_hub.domain.audit import Actor, ActorKind
from provider_hub.domain.catalog import PLATFORM_AUTHOR
from provider_hub.domain.installation import Installation, UpgradePolicy
from provider_hub.domain.names import ProviderName
from provider_hub.domain.records import OutboxEntry, Topic
from provider_hub.domain.rollout import Rollout, RolloutState
from provider_hub.settings.everything import Rollouts
from provider_hub.wiring.desired_states import DesiredStateSettings, desired_states
from provider_hub.wiring.publishing import publishing_rules
from tests import builders
from tests.bench.counting.wire import counting
from tests.bench.ground import CHECK_IN_KEY, put
from tests.bench.requesting import row_of
from tests.bench.rows import catalog, load
from tests.fakes import FakeCluster, FakeHosts, FakeTasks, FakeWheels, NoBucket, only

SIZES = (1_000, 10_000, 100_000)
_ROUNDS = 2
# The emulator, which has no indexes, walks through 100,000 rows for each of the counts that a search asks for at once.
_PATIENCE_SECONDS = 300.0
_A_TENANT = 10
_DUE = 20
_RELEASE_CI = Actor(ActorKind.CONSOLE_MACHINE, "mch_bench", None)
_METADATA = MetadataWish(display_name="Grown", description="A provider among many", tags=["grown"])


@dataclass(frozen=True, slots=True)
class Point:
    """One kind of work with so many rows present: milliseconds, and documents read as they are billed."""

    work: str
    rows: int
    milliseconds: float
    reads: float


def growth(environment: Mapping[str, str], sizes: Sequence[int]) -> list[Point]:
    """Each kind of work at each size, each size in a database of its own. `environment` names the emulators."""
    with patch.object(documents, "_RPC_SECONDS", _PATIENCE_SECONDS):
        return [point for size in sizes for point in _Grown(environment, size).points()]


class _Needs(DesiredStateSettings, Rollouts):
    """The settings that the sweeper's work needs."""


class _Grown:
    """A project with `rows` installations, ten a tenant, a hundredth as many providers, and the same work due."""

    def __init__(self, environment: Mapping[str, str], rows: int) -> None:
        self._rows = rows
        self._names = [ProviderName("platform", f"grown{number}") for number in range(max(_A_TENANT, rows // 100))]
        self._units: defaultdict[str, float] = defaultdict(float)
        project = f"growth-{rows}"
        for topic in Topic:
            put(environment["PUBSUB_EMULATOR_HOST"], f"projects/{project}/topics/{topic.value}", {})
        given = _Needs.from_environment(
            {
                "GOOGLE_CLOUD_PROJECT": project,
                "HUB_CHECK_IN_KEYS": CHECK_IN_KEY,
                "HUB_ARTIFACTS_BUCKET": "a",
                # The emulator walks through all rows for each range of the index: 30 times 100,000 would take minutes.
                "HUB_SILENCE_SHARDS": "1",
            }
        )
        counted = counting(grpc.insecure_channel, self._tell)
        with patch.dict(os.environ, environment), patch("grpc.insecure_channel", counted):
            connected = wiring.connected_services(given)
            self._services = replace(connected, publishing=publishing_rules(given))
            self._bare: Any = Client(project=project)
            self._store = firestore.connect(project, given.database)
            self._bare_query()  # the ordinary client makes its channel at the first call
        self._waves = Waves(self._services, FakeTasks(), given.pace)
        clusters = only(FakeCluster())
        self._sweeper = Sweeper(
            services=self._services,
            left_behind=LeftBehind(self._services),
            expiry=Expiry(self._services, clusters),
            waves=self._waves,
            drift=Drift(self._services, clusters, desired_states(given, self._services)),
            mirror=Mirror(self._services, NoBucket(), NoBucket()),
            relocking=Relocking(self._services, FakeHosts()),
            advisories=AdvisoryWatch(self._services, None),
        )
        self._published = 0

    def points(self) -> Iterator[Point]:
        began = time.perf_counter()
        load(self._store, catalog(self._names))
        load(self._store, self._installations())
        # A hub walks once through the versions of before there were locks, 20 a sweep: that ends, and is not a sweep's
        # cost for what exists.
        load(self._store, [(keys.cursor(WALKED.name), WALKED)])
        print(f"  {self._rows:,} rows loaded in {time.perf_counter() - began:.0f} s", flush=True)
        works: dict[str, Callable[[], object]] = {
            "sweep": self._sweep,
            "list": self._list,
            "search": self._search,
            "publish": self._publish,
            "wave step": self._wave_step,
            "bare query": self._bare_query,
        }
        for name, work in works.items():
            yield self._measured(name, work)

    def _measured(self, name: str, work: Callable[[], object]) -> Point:
        seconds, reads = [], []
        for _ in range(_ROUNDS):
            self._prepare(name)
            before, began = self._units["reads"], time.perf_counter()
            work()
            seconds.append(time.perf_counter() - began)
            reads.append(self._units["reads"] - before)
        return Point(name, self._rows, median(seconds) * 1000, median(reads))

    def _prepare(self, work: str) -> None:
        now = datetime.now(UTC)
        if work == "sweep":
            left = [_left_behind(f"due-{now:%H%M%S%f}-{number}", now) for number in range(_DUE)]
            load(self._store, ((keys.outbox(entry.event_id), entry) for entry in left))
        if work == "wave step":
            self._published += 1
            self._rollout = _running(self._names[0], f"1.2.{self._published}", self._rows, now)
            key = keys.rollout(self._names[0], self._rollout.version)
            load(self._store, [(key, self._rollout)])

    def _sweep(self) -> None:
        swept = self._sweeper.sweep()
        if swept.failed:
            raise AssertionError(f"jobs of the sweep failed: {', '.join(swept.failed)}")

    def _list(self) -> None:
        tenant = replace(builders.ACME, organization_id="org_grown-0")
        if len(inspect.list_installed(self._services, tenant)) != _A_TENANT:
            raise AssertionError("a tenant has other rows than were loaded")

    def _search(self) -> None:
        browse.search(self._services, None, Search(q="platform", limit=5))

    def _publish(self) -> None:
        self._published += 1
        version = f"1.1.{self._published}"
        name = self._names[1]
        url = f"https://wheels.example/grown-{version}-py3-none-any.whl"
        wish = PublishWish(name=str(name), version=version, wheel_url=url, metadata=_METADATA)
        publish(self._services, FakeWheels(), name, wish, PLATFORM_AUTHOR, _RELEASE_CI)

    def _wave_step(self) -> None:
        self._waves.take_step(self._rollout)

    def _bare_query(self) -> None:
        overdue = FieldFilter("deadline_at", "<=", datetime.now(UTC))
        rows = self._bare.collection_group("installations").where(filter=overdue).order_by("deadline_at")
        list(rows.limit(200).stream())

    def _tell(self, unit: str, amount: float) -> None:
        self._units[unit] += amount

    def _installations(self) -> Iterator[tuple[Key[Installation], Installation]]:
        """Ten a tenant, of ten providers in turn, so that each provider is as widely installed at any size."""
        for number in range(self._rows):
            name = self._names[number % len(self._names)]
            policy = UpgradePolicy.AUTO if name == self._names[0] else UpgradePolicy.MANUAL
            installation_id = f"01JGFJJZ{number:018d}"
            tenant = f"grown-{number // _A_TENANT}"
            yield row_of(tenant, name, upgrade_policy=policy, installation_id=installation_id)


def _left_behind(event_id: str, now: datetime) -> OutboxEntry:
    """An event whose function died between its commit and its publish, a minute ago."""
    ago = now - timedelta(minutes=1)
    return OutboxEntry(event_id, Topic.INSTALLATION_EVENTS, "", "{}", ago, {"event_type": "INSTALL_REQUESTED"})


def _running(name: ProviderName, version: str, candidates: int, now: datetime) -> Rollout:
    """A rollout in its last wave, which has all the room."""
    return Rollout(
        prefix=name.prefix,
        name=name.name,
        version=version,
        state=RolloutState.RUNNING,
        candidates=candidates,
        created_at=now,
        updated_at=now,
        due_at=now,
        wave=3,
    )

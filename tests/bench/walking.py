"""The drift walk through installations that are as they should be: what a row costs the process and the API server."""

import logging
import os
import time
from collections.abc import Iterator
from unittest.mock import patch

from kubernetes import client

from provider_hub import wiring
from provider_hub.actions import keys, walks
from provider_hub.actions.drift import ROWS, ROWS_A_SLICE, WALK_SHARE, Drift
from provider_hub.actions.services import Services
from provider_hub.adapters import kubernetes
from provider_hub.adapters.firestore import store as firestore
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.domain.names import ProviderName
from provider_hub.domain.records import Cursor
from provider_hub.settings.everything import Cluster
from provider_hub.wiring.desired_states import DesiredStateSettings, desired_states
from tests import builders
from tests.bench.figures import Bar, Figure, Spread
from tests.bench.ground import PROJECT, Ground
from tests.bench.requesting import row_of
from tests.bench.rows import catalog, load

ROUNDS = 5
_SLICES = 10
_A_TENANT = 10
# As many as take less than a day through a million: so many a minute are within the time that a sweep gives the walk.
_ROWS_A_MINUTE = 800
_MILLISECONDS = WALK_SHARE.total_seconds() * 1000 / _ROWS_A_MINUTE


def walk(ground: Ground) -> Iterator[Figure]:
    """The first round makes the objects and is left out. No round trusts a namespace yet, as in a walk of a day."""
    logging.getLogger("provider_hub").setLevel(logging.ERROR)
    given = DesiredStateSettings.from_environment(ground.environment)
    with patch.dict(os.environ, ground.environment):
        services, store = wiring.connected_services(given), firestore.connect(PROJECT, given.database)
    _furnish(store)
    rounds = [_round(ground, given, services) for _ in range(ROUNDS + 1)]
    calls, milliseconds = zip(*rounds[1:], strict=True)
    yield Figure("drift walk, calls of the API server a row", "", Spread.of(calls))
    yield Figure("drift walk, CPU a row", "ms", Spread.of(milliseconds), bar=Bar(_MILLISECONDS, absolute=True))


def _furnish(store: FirestoreStore) -> None:
    names = [ProviderName("platform", f"walked{number}") for number in range(_A_TENANT)]
    load(store, catalog(names))
    load(store, [(keys.runtime_version(builders.RUNTIME.version), builders.RUNTIME)])
    rows = (
        row_of(f"walked-{number // _A_TENANT}", names[number % _A_TENANT], installation_id=f"01JGFJJZ{number:018d}")
        for number in range(_SLICES * ROWS_A_SLICE)
    )
    load(store, rows)


def _round(ground: Ground, given: DesiredStateSettings, services: Services) -> tuple[float, float]:
    """Calls and milliseconds of CPU of this process, a row."""
    called = 0
    call = client.ApiClient.call_api

    def counted(*arguments: object, **options: object) -> object:
        nonlocal called
        called += 1
        return call(*arguments, **options)

    clusters = kubernetes.connect(Cluster(kubeconfig=str(ground.kubeconfig)))
    drift = Drift(services, clusters, desired_states(given, services), _SLICES)
    walks.go_on(services.store, Cursor(ROWS, None))
    with patch.object(client.ApiClient, "call_api", counted):
        began = time.process_time()
        drift.repair_slices()
        seconds = time.process_time() - began
    rows = _SLICES * ROWS_A_SLICE
    if services.store.installations_after(walks.reached(services.store, ROWS).place, 1):
        raise AssertionError(f"the walk did not get through its {rows} rows in time: let the machine do nothing else")
    return called / rows, seconds * 1000 / rows

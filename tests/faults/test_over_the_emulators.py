"""A share of the same faults over Google's Firestore emulator and a cluster reached by HTTP: the harness does not lie.

With KUBECONFIG set, that cluster takes the embedded one's place.
"""

import itertools
import os
from collections.abc import Iterator

import grpc
import pytest
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport

from local_kubernetes.cluster import serving
from local_stack.emulators import EmulatorHosts
from provider_hub.adapters.firestore.store import CHANNEL_OPTIONS
from tests.faults.conftest import EVERYTHING
from tests.faults.exhaustive import Report, cases, run, try_all
from tests.faults.histories import HISTORIES, History
from tests.faults.injection import Point, no_fault
from tests.faults.world import Backend, uninstall

RUNS = 400 if EVERYTHING else 4
CHOSEN = ("failing upgrade", "uninstall during install", "superseded upgrade")
_projects = itertools.count(1)


@pytest.fixture(scope="module")
def kubeconfig() -> Iterator[str]:
    given = os.environ.get("KUBECONFIG")
    if given:
        yield given
        return
    with serving() as cluster:
        yield str(cluster.kubeconfig_file)


@pytest.fixture
def backends(emulator_hosts: EmulatorHosts, kubeconfig: str) -> Iterator["Backends"]:
    channel = grpc.insecure_channel(emulator_hosts.firestore, options=CHANNEL_OPTIONS)
    yield Backends(FirestoreClient(transport=FirestoreGrpcTransport(channel=channel)), kubeconfig)
    channel.close()


class Backends:
    """A database of its own for each run, by its project's id, and one cluster for all."""

    def __init__(self, client: FirestoreClient, kubeconfig: str) -> None:
        self._client = client
        self._kubeconfig = kubeconfig

    def __call__(self) -> Backend:
        project = f"faults-{os.getpid()}-{next(_projects)}"
        return Backend(lambda: self._client, self._kubeconfig, locks=True, project=project)


@pytest.mark.timeout(3600 if EVERYTHING else 120)
@pytest.mark.parametrize("name", CHOSEN)
def test_one_fault_ends_as_it_does_in_memory(name: str, backends: Backends) -> None:
    history = _cleaning_up(next(history for history in HISTORIES if history.name == name))
    everything = cases(history)
    chosen = everything[:: max(1, len(everything) // RUNS)][:RUNS]
    report = Report()
    try_all(chosen, report, backends)
    assert sum(report.histories.values()) == len(chosen)


def test_a_run_meets_the_same_points_as_in_memory(backends: Backends) -> None:
    history = _cleaning_up(next(history for history in HISTORIES if history.name == "upgrade"))
    memory, emulated = run(history, no_fault), run(history, no_fault, backends())
    calls = [
        [(point.process, point.call) for point in world.injector.points[: world.points_of_script] if not _marks(point)]
        for world in (memory, emulated)
    ]
    assert calls[0] == calls[1]
    assert any(_marks(point) for point in memory.injector.points)


def _marks(point: Point) -> bool:
    """Whether it has the cluster say which cell it is: that is made once in its life, here by the run before."""
    return "namespaces/provider-hub-" in point.call


def _cleaning_up(history: History) -> History:
    """The cluster is the next run's as well."""
    return History(history.name, (*history.script, uninstall()), None)

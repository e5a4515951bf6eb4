"""One running stack for all clients, and threads in which their lives go on side by side."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import pytest

from local_stack.running import Stack
from provider_hub.adapters.firestore.store import FirestoreStore
from tests.clients.environments import NoPython, python_3_13
from tests.e2e.contract_stack import cluster_options, store_of

R = TypeVar("R")

# Their processes take turns on two cores; more at a time only makes each slower.
_AT_A_TIME = 4

Start = Callable[[Callable[[str], R], tuple[str, ...]], dict[str, "Future[R]"]]


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """The whole system, with waits that a test can sit through; skips where the clients could not be run."""
    try:
        python_3_13()
    except NoPython as missing:
        pytest.skip(str(missing))
    options = ["--retry-min", "0.2", "--sweep-seconds", "2", *cluster_options()]
    with Stack(*options, environment={"HUB_CHECK_IN_SECONDS": "2"}, deadline=240) as running:
        yield running


@pytest.fixture(scope="package")
def store(stack: Stack) -> Iterator[FirestoreStore]:
    """The stack's database, to put what no caller can make."""
    with store_of(stack.info) as opened:
        yield opened


@pytest.fixture(scope="session")
def start() -> Iterator[Start[R]]:
    """Starts `live(version)` for several versions of a client at once; the test of a version awaits its own."""
    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        yield lambda live, versions: {version: threads.submit(live, version) for version in versions}
        threads.shutdown(cancel_futures=True)

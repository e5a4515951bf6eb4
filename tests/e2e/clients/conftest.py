"""What the tests of published clients share: threads in which the clients' lives go on side by side."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import pytest

from local_stack.running import Stack
from provider_hub.adapters.firestore.store import FirestoreStore
from tests.e2e.clients.environments import NoPython, python_3_13
from tests.e2e.contract_stack import store_of

R = TypeVar("R")

# Their processes take turns on two cores; more at a time only makes each slower.
_AT_A_TIME = 4

Start = Callable[[Callable[[str], R], tuple[str, ...]], dict[str, "Future[R]"]]


@pytest.fixture(scope="package", autouse=True)
def interpreter() -> None:
    """Skips where the clients could not be run."""
    try:
        python_3_13()
    except NoPython as missing:
        pytest.skip(str(missing))


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

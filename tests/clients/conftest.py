"""One running stack for all clients, and an environment of its own for each."""

from collections.abc import Iterator

import pytest

from local_stack.running import Stack
from tests.e2e.contract_stack import cluster_options


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The whole system, with waits that a test can sit through."""
    options = ["--retry-min", "0.2", "--sweep-seconds", "2", *cluster_options()]
    with Stack(*options, environment={"HUB_CHECK_IN_SECONDS": "2"}, deadline=240) as running:
        yield running

"""The whole stack, once a session, with deadlines short enough to be waited for.

With KUBECONFIG set, the same tests run against that cluster, by a process node where it has no nodes.
"""

from collections.abc import Iterator
from types import ModuleType

import pytest

from local_stack import sample_wheels
from local_stack.running import Stack
from tests.e2e.contract_stack import cluster_options
from tests.e2e.tenant import Tenant
from tests.package_index import PackageIndex
from tests.runtime_harness import serving

DEADLINE_SECONDS = 25


@pytest.fixture(scope="session")
def index() -> Iterator[PackageIndex]:
    """The package index of the stack: it has what a test puts there."""
    made = PackageIndex()
    with serving(made.answer) as made.url:
        yield made


@pytest.fixture(scope="session")
def stack(index: PackageIndex) -> Iterator[Stack]:
    environment = {
        "HUB_INDEX_URLS": index.simple_url,
        "HUB_DEPLOY_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
        "HUB_CHECK_IN_SECONDS": "2",
        "HUB_INSTALLATION_QUOTA": "60",
    }
    options = ["--retry-min", "0.2", "--sweep-seconds", "2", *cluster_options()]
    with Stack(*options, environment=environment, deadline=240) as running:
        yield running


@pytest.fixture(scope="session")
def sample() -> ModuleType:
    """The builder of the sample provider's wheels."""
    return sample_wheels


@pytest.fixture
def tenant(stack: Stack, request: pytest.FixtureRequest) -> Tenant:
    """A tenant of its own for each test: nothing that another one leaves behind is in the way."""
    slug = request.node.name.split("[")[0].removeprefix("test_").replace("_", "-")[:40].strip("-")
    return Tenant(stack, slug)

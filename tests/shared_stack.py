"""A stack for all tests of a folder, and the package index that it asks. A folder's conftest imports both fixtures.

The folders within that folder share them too. Both fixtures end with the last test of all of these: a stack that
nobody needs any more would take a worker's time from the others.
"""

import os
from collections.abc import Iterator

import pytest

from local_stack.indexes import index_settings
from local_stack.running import Stack
from tests.e2e.contract_stack import cluster_options
from tests.e2e.tenant import DEADLINE_SECONDS
from tests.package_index import PackageIndex
from tests.runtime_harness import serving

__all__ = ["index", "stack"]


@pytest.fixture(scope="package")
def index() -> Iterator[PackageIndex]:
    """The package index of the shared stack: it has what a test puts there."""
    made = PackageIndex()
    with serving(made.answer) as made.url:
        yield made


@pytest.fixture(scope="package")
def stack(index: PackageIndex) -> Iterator[Stack]:
    """The whole stack, with deadlines short enough to be waited for.

    With KUBECONFIG set, the same tests run against that cluster, by a process node where it has no nodes.
    """
    here = index_settings(os.environ)
    environment = {
        # First-party providers and their dependencies come from the index of this machine, which is asked last.
        "HUB_INDEX_URLS": f"{here['HUB_INDEX_URLS']},{index.simple_url}",
        "HUB_DEPLOY_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
        # The pods that earlier tests left go on checking in, some sixty at the end.
        "HUB_CHECK_IN_SECONDS": "20",
        "HUB_BAKE_SECONDS": "1",
        "HUB_INSTALLATION_QUOTA": "60",
    }
    options = ["--retry-min", "0.2", "--sweep-seconds", "2", *cluster_options()]
    with Stack(*options, environment=environment, deadline=240) as running:
        yield running

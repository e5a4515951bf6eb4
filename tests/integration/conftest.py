"""A project of its own for each test that asks for one."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from tests.integration.backend import Backend, backend_on
from tests.integration.deployed import Deployed, StandIns, deployed_on, stand_ins
from tests.integration.drifting import Installed
from tests.integration.node_harness import api_server
from tests.integration.tenants import Tenants

from local_stack.emulators import EmulatorHosts
from local_stack.servers import ca_file


@pytest.fixture
def backend(emulator_hosts: EmulatorHosts) -> Iterator[Backend]:
    """Services over a fresh project whose topics exist."""
    with backend_on(emulator_hosts) as made:
        made.topics.create()
        yield made


@pytest.fixture
def backend_without_topics(emulator_hosts: EmulatorHosts) -> Iterator[Backend]:
    """A fresh project to which nothing can be published until a test creates its topics."""
    with backend_on(emulator_hosts) as made:
        yield made


@pytest.fixture(scope="session")
def around(emulator_hosts: EmulatorHosts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIns]:
    """Issuer, wheel host, Cloud Tasks and cluster, once a run."""
    with stand_ins(emulator_hosts, tmp_path_factory.mktemp("stand-ins")) as served:
        yield served


@pytest.fixture
def http(around: StandIns) -> Iterator[urllib3.PoolManager]:
    """A client that trusts the stand-ins' authority."""
    with urllib3.PoolManager(ssl_context=ssl.create_default_context(cafile=str(ca_file(around.state_dir)))) as made:
        yield made
        made.clear()


@pytest.fixture
def tenants(deployed: Deployed) -> Tenants:
    """The functions over a fresh project that is furnished for two tenants."""
    furnished = Tenants(deployed)
    furnished.furnish()
    return furnished


@pytest.fixture
def deployed(around: StandIns) -> Iterator[Deployed]:
    """The functions over a fresh project."""
    with deployed_on(around) as made:
        yield made


@pytest.fixture(scope="module")
def kubeconfig() -> Iterator[Path]:
    """Of an API server for one module's tests."""
    with api_server() as file:
        yield file


@pytest.fixture
def installed(backend: Backend, kubeconfig: Path) -> Iterator[Installed]:
    """One READY installation in that cluster."""
    made = Installed(backend, kubeconfig)
    yield made
    made.remove()

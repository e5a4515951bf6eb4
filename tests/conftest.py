"""What all tests share: a reproducible hypothesis profile; Google's emulators and the whole stack, each once a run."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from local_stack.emulators import EmulatorHosts, emulators

if TYPE_CHECKING:
    from local_stack.running import Stack
    from tests.package_index import PackageIndex

# The same examples at every run: a failure in CI is a failure on any machine, and the next run finds it again.
settings.register_profile(
    "reproducible",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
# For `make unit`, which is run after every few lines: the first of the same examples.
settings.register_profile("quick", settings.get_profile("reproducible"), max_examples=15)
settings.load_profile("reproducible")

# The folders whose files take longest. They come first, so that no worker is left alone with one of them at the end.
_LONGEST_FIRST = ("clients", "rehearsal", "e2e", "faults", "browser", "publishing_tools", "hostile", "terraform")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order of the workers' files; `--no-loadscope-reorder` keeps it."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    folder = item.path.parent.name
    return _LONGEST_FIRST.index(folder) if folder in _LONGEST_FIRST else len(_LONGEST_FIRST)


@pytest.fixture(scope="session")
def emulator_hosts() -> Iterator[EmulatorHosts]:
    """Both emulators, named in the environment for Google's clients; tests are kept apart by their project's id."""
    with emulators() as hosts, pytest.MonkeyPatch.context() as patch:
        for name, value in hosts.environment.items():
            patch.setenv(name, value)
        yield hosts


@pytest.fixture(scope="session")
def index() -> Iterator["PackageIndex"]:
    """The package index of the shared stack: it has what a test puts there."""
    # Imported here and below, since most runs need no stack.
    from tests.package_index import PackageIndex  # noqa: PLC0415
    from tests.runtime_harness import serving  # noqa: PLC0415

    made = PackageIndex()
    with serving(made.answer) as made.url:
        yield made


@pytest.fixture(scope="session")
def stack(index: "PackageIndex") -> Iterator["Stack"]:
    """The whole stack, with deadlines short enough to be waited for.

    With KUBECONFIG set, the same tests run against that cluster, by a process node where it has no nodes.
    """
    from local_stack.running import Stack  # noqa: PLC0415
    from tests.e2e.contract_stack import cluster_options  # noqa: PLC0415
    from tests.e2e.tenant import DEADLINE_SECONDS  # noqa: PLC0415

    environment = {
        "HUB_INDEX_URLS": index.simple_url,
        "HUB_DEPLOY_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
        "HUB_CHECK_IN_SECONDS": "2",
        "HUB_INSTALLATION_QUOTA": "60",
    }
    options = ["--retry-min", "0.2", "--sweep-seconds", "2", *cluster_options()]
    with Stack(*options, environment=environment, deadline=240) as running:
        yield running

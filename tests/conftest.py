"""What all tests share: one reproducible hypothesis profile, the order of files, and Google's emulators once a run."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from local_stack.emulators import EmulatorHosts, emulators

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
_LONGEST_FIRST = ("clients", "rehearsal", "e2e", "faults", "browser", "hostile", "terraform")


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

"""What all tests share: one reproducible hypothesis profile, and Google's emulators once a run."""

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


@pytest.fixture(scope="session")
def emulator_hosts() -> Iterator[EmulatorHosts]:
    """Both emulators, named in the environment for Google's clients; tests are kept apart by their project's id."""
    with emulators() as hosts, pytest.MonkeyPatch.context() as patch:
        for name, value in hosts.environment.items():
            patch.setenv(name, value)
        yield hosts

"""What all tests share: one reproducible hypothesis profile, the order of files, and Google's emulators once a run."""

import gc
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

from local_stack.emulators import EmulatorHosts, emulators

_HERE = Path(__file__).parent

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

# The collector runs a tenth as often as by default. A function that is started in a test goes back to these thresholds.
gc.set_threshold(20_000, 10, 10)

# The folders whose files take longest. They come first, so that no worker is left alone with one of them at the end:
# all others are unit tests, whose files take seconds.
_LONGEST_FIRST = ("e2e", "rehearsal", "faults", "browser", "hostile", "terraform", "integration")


# The folders whose files share a stack or a browser. One worker runs all that is in such a folder: two would each start
# their own.
_SHARING = ("e2e", "browser")


class _FilesThatShareTogether(LoadFileScheduling):
    """A file is one worker's, and so is a whole folder of _SHARING."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        # In it may be folders as well.
        folders = [str(folder) for folder in PurePosixPath(file).parents if folder.name in _SHARING]
        return folders[0] if folders else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """In the place of `--dist loadfile`; every other way to distribute tests stays as it is."""
    return _FilesThatShareTogether(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """Modules and tests never become garbage: the collector need not walk them at every turn."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order of the workers' files; `--no-loadscope-reorder` keeps it.

    Of a folder, the files that use its shared stack come last: it would be idle beside those with a stack of their own.
    """
    with_stack = {item.path for item in items if "stack" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: (_place(item), item.path in with_stack))


def _place(item: pytest.Item) -> int:
    folder = item.path.relative_to(_HERE).parts[0]
    return _LONGEST_FIRST.index(folder) if folder in _LONGEST_FIRST else len(_LONGEST_FIRST)


@pytest.fixture(scope="session")
def emulator_hosts() -> Iterator[EmulatorHosts]:
    """Both emulators, named in the environment for Google's clients; tests are kept apart by their project's id."""
    with emulators() as hosts, pytest.MonkeyPatch.context() as patch:
        for name, value in hosts.environment.items():
            patch.setenv(name, value)
        yield hosts

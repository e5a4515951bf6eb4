"""A first-party provider, as anybody gets it, becomes READY under the worker of the SDK that it brings.

The end-to-end tests run several of them, each in a pod.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.registry_wheels import wheel_of
from tests.runtime_harness import Runtimes, make_authority, runtimes

_LIBRARY = Path(__file__).parents[2] / "lib"
_VERSION = "6.2.0"
_INSTALL_SECONDS = 240


def _interpreter() -> str | None:
    """A Python of version 3.13, which these providers ask for, with pip."""
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
    candidates = [shutil.which("python3.13"), *map(str, sorted(versions.glob("3.13*/bin/python3.13")))]
    return next((path for path in candidates if path and _runs(path, "-m", "pip", "--version")), None)


def _runs(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def interpreter() -> str:
    if found := _interpreter():
        return found
    pytest.skip("no Python 3.13 with pip is on the PATH or among pyenv's versions")


@pytest.fixture
def start(tmp_path: Path, interpreter: str) -> Iterator[Runtimes]:
    with runtimes(tmp_path, make_authority(tmp_path)) as started:
        started.interpreter = interpreter
        yield started


def _wheel(distribution: str) -> Path:
    try:
        return wheel_of(f"{distribution}=={_VERSION}")
    except subprocess.CalledProcessError:
        pytest.skip(f"{distribution} {_VERSION} cannot be had from this machine's package index")


def test_a_first_party_provider_is_served_until_sigterm(start: Runtimes) -> None:
    wheel = _wheel("pragmatiks-pragma-provider")

    runtime = start.start(wheel, PYTHONPATH=str(_LIBRARY))
    runtime.wait_ready(_INSTALL_SECONDS)

    sent = start.pubsub.wait_for(health="healthy")
    assert "secret" in sent["resource_types"], sent["resource_types"]
    runtime.terminate()
    assert runtime.wait() == 0
    assert '"event": "worker_shutdown_requested"' in runtime.log
    assert start.pubsub.check_ins[-1]["stopping"] is True

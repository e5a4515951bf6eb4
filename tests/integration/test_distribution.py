"""The distribution without extras is the `hub` command alone: small, quick to install, and able to do its work."""

import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.api_server import ApiServer, served
from tests.integration.deployed import StandIns, deployed_on
from tests.integration.tenants import Tenants

_REPOSITORY = Path(__file__).parents[2]
_LOCK = _REPOSITORY / "requirements-hub.lock"
_MOST_DISTRIBUTIONS = 9
_OF_THE_FUNCTIONS = {
    "aiohttp",
    "flask",
    "functions-framework",
    "google-cloud-firestore",
    "grpcio",
    "kubernetes",
    "pydantic",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own wheel, built as for a release."""
    directory = tmp_path_factory.mktemp("dist")
    _run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(directory)], cwd=_REPOSITORY)
    [built] = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def bin_dir(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an empty environment in which the wheel was installed without extras, at the locked versions."""
    environment = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(environment)
    # Constraints with digests would ask for the digest of the wheel itself, which no lock has.
    constraints = environment / "constraints.txt"
    locked = (line.partition(" ")[0] for line in _LOCK.read_text().splitlines() if "==" in line)
    constraints.write_text("\n".join(locked) + "\n")
    _pip(environment / "bin", "install", "--quiet", "--no-compile", "--constraint", str(constraints), str(wheel))
    return environment / "bin"


def _pip(bin_dir: Path, *arguments: str) -> str:
    """What this run's pip says, at work in another environment, which thus needs none of its own."""
    pip = [sys.executable, "-m", "pip", "--python", str(bin_dir / "python"), "--disable-pip-version-check"]
    return _run([*pip, *arguments])


@pytest.fixture(scope="module")
def tenants(around: StandIns) -> Iterator[Tenants]:
    with deployed_on(around) as deployed:
        made = Tenants(deployed)
        made.furnish()
        yield made


@pytest.fixture(scope="module")
def api(tenants: Tenants) -> Iterator[ApiServer]:
    with served(tenants.deployed) as server:
        yield server


def test_the_base_brings_the_command_and_nothing_of_the_functions(bin_dir: Path) -> None:
    listed = json.loads(_pip(bin_dir, "list", "--format", "json"))
    names = {found["name"].lower() for found in listed}
    assert "provider-hub" in names
    assert len(names) <= _MOST_DISTRIBUTIONS, sorted(names)
    assert not names & _OF_THE_FUNCTIONS


def test_help_lists_the_commands_of_both_packages(bin_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run([str(bin_dir / "hub"), "--help"])
    began = time.perf_counter()
    shown = _run([str(bin_dir / "hub"), "--help"])
    seconds = time.perf_counter() - began
    with capsys.disabled():
        # A figure to see and no bar: what else this machine does at the moment counts, too.
        print(f" [hub --help: {seconds:.2f} s]", end="")
    assert {"publish", "search", "up", "token"} <= set(shown.split())


def test_search_finds_a_published_provider(bin_dir: Path, api: ApiServer, tenants: Tenants, tmp_path: Path) -> None:
    hub = [str(bin_dir / "hub")]
    environment = {"HUB_API_URL": api.url, "HUB_TOKEN": tenants.machine}
    found = json.loads(_run([*hub, "search", "-o", "json"], environment=environment, cwd=tmp_path))
    assert "acme/weather" in [item["canonical"] for item in found["items"]]


@pytest.mark.parametrize("command", [["up"], ["token", "console-user"]])
def test_what_the_base_cannot_run_says_what_to_install(bin_dir: Path, tmp_path: Path, command: list[str]) -> None:
    done = subprocess.run(
        [bin_dir / "hub", *command, "--state-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=_environment(),
    )
    assert done.returncode == 1
    assert "is not installed: this command needs the extra `local` (pip install 'provider-hub[local]'" in done.stderr


def _run(command: list[str], *, environment: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        cwd=cwd,
        env=_environment() | (environment or {}),
    )
    assert done.returncode == 0, f"{command[:4]}: {done.stdout}{done.stderr}"
    return done.stdout


def _environment() -> dict[str, str]:
    """Of this process, but for what would lead an environment's Python to another's packages or to another hub."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH" and not name.startswith("HUB_")}

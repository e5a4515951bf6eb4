"""What is installed, however the machine and its pip are set up; and that a start which takes too long ends."""

import json
import os
import shutil
import sys
import threading
import venv
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.runtime_harness import (
    TOKEN,
    Answer,
    RuntimeProcess,
    Runtimes,
    make_authority,
    make_wheel,
    packages_of,
    runtimes,
    serving,
)

_LIBRARY = Path(__file__).parents[2] / "lib"
_NO_FILES = {"PIP_CONFIG_FILE": "/dev/null", "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": "", "PIP_INDEX_URL": ""}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Runtimes]:
    with runtimes(tmp_path, make_authority(tmp_path)) as started:
        yield started


@dataclass(frozen=True)
class Stuck:
    """Two runtimes that never get ready."""

    by_index: RuntimeProcess
    by_import: RuntimeProcess


@pytest.fixture(scope="module", autouse=True)
def stuck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stuck]:
    """Their deadlines pass while the other tests run; the last tests of this file look at them."""
    directory = tmp_path_factory.mktemp("stuck")
    needs_tide = make_wheel(directory, {"sample.py": ""}, metadata=["Requires-Dist: tide"])
    (directory / "hanging").mkdir()
    hangs = make_wheel(directory / "hanging", {"sample.py": "import time\ntime.sleep(600)"})
    over = threading.Event()

    def answer(*_: object) -> Answer:
        over.wait(60)
        return Answer(503)

    with serving(answer) as url, ExitStack() as exits:
        exits.callback(over.set)
        by_index, by_import = (
            exits.enter_context(runtimes(_made(directory / name), make_authority(_made(directory / f"{name}-ca"))))
            for name in ("index", "import")
        )
        never = {**_NO_FILES, "PIP_INDEX_URL": f"{url}/simple"}
        yield Stuck(
            by_index.start(needs_tide, PRAGMA_START_SECONDS="6", **never),
            by_import.start(hangs, PRAGMA_START_SECONDS="6"),
        )


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory


def _links(tmp_path: Path, **requirements: list[str]) -> dict[str, str]:
    """The variables by which pip finds these distributions, each with METADATA lines, and nothing else."""
    links = tmp_path / "links"
    links.mkdir()
    for name, metadata in requirements.items():
        make_wheel(links, {f"{name}.py": ""}, name=name, metadata=metadata)
    return {**_NO_FILES, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(links)}


@pytest.mark.parametrize(
    "settings",
    [
        {"PIP_USER": "1"},
        {"PIP_PREFIX": "/nowhere"},
        {"PIP_TARGET": "/nowhere"},
        {"PIP_ROOT": "/nowhere"},
        {"PIP_REQUIRE_HASHES": "1"},
        {"PIP_REQUIRE_VIRTUALENV": "1", "PIP_ISOLATED": "1"},
        {"PIP_CONSTRAINT": "constraints.txt"},
        {"PIP_CONFIG_FILE": "pip.conf"},
    ],
    ids="+".join,
)
def test_a_developers_pip_settings_do_not_break_an_install(
    start: Runtimes, tmp_path: Path, settings: dict[str, str]
) -> None:
    dependency = _links(tmp_path, tide=[])
    (tmp_path / "pip.conf").write_text("[global]\nuser = true\nrequire-hashes = true\ntarget = /nowhere\n")
    if "PIP_CONFIG_FILE" in settings:
        settings = {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}
    wheel = make_wheel(tmp_path, {"sample.py": "import tide"}, metadata=["Requires-Dist: tide"])

    start.start(wheel, **{**dependency, **settings}).wait_ready()

    assert (packages_of(start.work_dir) / "tide.py").is_file()


def test_both_halves_of_a_namespace_arrive_where_compiled_packages_have_a_directory_of_their_own(
    start: Runtimes, tmp_path: Path
) -> None:
    """As on Fedora: `purelib` is below `lib`, `platlib` below `lib64`."""
    start.interpreter = str(_interpreter_with_two_libraries(tmp_path / "fedora"))
    links = _links(tmp_path)
    for half, pure in (("sun", "true"), ("moon", "false")):
        wheel = make_wheel(Path(links["PIP_FIND_LINKS"]), {f"sky/{half}.py": ""}, name=half, pure=pure)
        assert wheel.is_file()
    wheel = make_wheel(
        tmp_path, {"sample.py": "import sky.sun, sky.moon"}, metadata=["Requires-Dist: sun", "Requires-Dist: moon"]
    )

    start.start(wheel, PYTHONPATH=str(_LIBRARY), **links).wait_ready()


def _interpreter_with_two_libraries(directory: Path) -> Path:
    venv.EnvBuilder(symlinks=True).create(directory)
    packages = directory / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    schemes = "{name: {**scheme, 'platlib': scheme['platlib'].replace('/lib/', '/lib64/')}"
    schemes += " if 'home' in name or 'prefix' in name else scheme for name, scheme in s._INSTALL_SCHEMES.items()}"
    patch = (
        f"import sysconfig as s; s._INSTALL_SCHEMES.update({schemes}); s._INSTALL_SCHEMES['posix_home']['platlib'] = "
    )
    patch += "'{platbase}/lib64/python'"
    (packages / "two_libraries.py").write_text(patch.replace("; ", "\n"))
    (packages / "two_libraries.pth").write_text("import two_libraries\n")
    pip = next(Path(entry, "pip") for entry in sys.path if Path(entry, "pip", "__pip-runner__.py").is_file())
    (packages / "pip").symlink_to(pip)
    return directory / "bin" / "python"


def test_what_an_install_needed_on_the_way_is_gone_from_the_small_disk(start: Runtimes, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"sample.py": ""}, metadata=["Requires-Dist: tide"])

    # pip asks a `rustc` on the PATH for its version, and a developer's one writes to HOME.
    environment = {**_links(tmp_path, tide=[]), "HOME": str(start.work_dir), "PATH": "/usr/bin:/bin"}
    start.start(wheel, **environment).wait_ready()

    left = {path.relative_to(start.work_dir).parts[0] for path in start.work_dir.rglob("*") if path.is_file()}
    assert left == {"site"}


@pytest.mark.parametrize(
    ("dependencies", "reason"),
    [
        ({"tide": ["Requires-Python: >=4"]}, f"requires a different Python: {sys.version_info.major}"),
        (
            {"tide": ["Requires-Dist: base<2"], "wave": ["Requires-Dist: base>=2"], "base": []},
            "the dependencies contradict each other: tide 1.0.0 depends on base<2; wave 1.0.0 depends on base>=2",
        ),
        ({"tide": ["Requires-Dist: base>=3"], "base": []}, "base>=3 (from tide) (from versions: 1.0.0)"),
    ],
)
def test_the_reason_names_the_true_cause(
    start: Runtimes, tmp_path: Path, dependencies: dict[str, list[str]], reason: str
) -> None:
    links = _links(tmp_path, **dependencies)
    wanted = [f"Requires-Dist: {name}" for name in dependencies if name != "base"]
    wheel = make_wheel(tmp_path, {"sample.py": ""}, metadata=wanted)

    runtime = start.start(wheel, **links)

    assert runtime.wait() == 1, runtime.log
    assert reason in start.pubsub.check_ins[0]["message"]


_SCRIPT = "import json, os, sys, sample\nprint(json.dumps([sys.argv[1:], dict(os.environ)]), flush=True)\n"


def test_an_entrypoint_runs_once_the_wheel_is_verified_and_installed(start: Runtimes, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"sample.py": "", "serve_it.py": _SCRIPT})

    runtime = start.start_in(start.environment(wheel), "--", "python", "-m", "serve_it", "--name", "$HOME `x` '")

    assert runtime.wait() == 0, runtime.log
    arguments, environment = json.loads(runtime.last_line)
    assert arguments == ["--name", "$HOME `x` '"]
    assert environment["PRAGMA_CHECK_IN_TOKEN"] == TOKEN  # it checks in by itself from there on
    assert environment["PATH"].split(os.pathsep)[-1] == str(start.work_dir / "site" / "bin")


def test_an_entrypoint_may_be_a_script_of_the_wheel(start: Runtimes, tmp_path: Path) -> None:
    files = {
        "sample.py": "def main():\n    print('the script ran')",
        "sample-1.0.0.dist-info/entry_points.txt": "[console_scripts]\nserve-sample = sample:main\n",
    }

    runtime = start.start_in(start.environment(make_wheel(tmp_path, files)), "--", "serve-sample")

    assert runtime.wait() == 0, runtime.log
    assert runtime.last_line == "the script ran"


def test_an_entrypoint_may_start_the_runtime_itself(start: Runtimes, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"sample.py": ""})
    command = ["sh", "-c", "exec python -m pragma_runtime.entrypoint"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    runtime = start.start_in(start.environment(wheel, PATH=path), "--", *command)

    start.pubsub.wait_for(health="healthy")
    runtime.terminate()
    assert runtime.wait() == 0


def test_an_entrypoint_is_not_run_where_the_wheel_is_another(start: Runtimes, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"sample.py": ""})
    environment = start.environment(wheel, PRAGMA_WHEEL_SHA256="0" * 64)

    runtime = start.start_in(environment, "--", "touch", str(tmp_path / "ran"))

    assert runtime.wait() == 1
    assert "was published; it is not installed" in start.pubsub.check_ins[0]["message"]
    assert not (tmp_path / "ran").exists()


def test_an_entrypoint_that_is_not_there_is_named(start: Runtimes, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"sample.py": ""})

    runtime = start.start_in(start.environment(wheel), "--", "no-such-program")

    assert runtime.wait() == 1
    assert "'no-such-program': No such file or directory" in start.pubsub.check_ins[0]["message"]


def test_the_provider_is_installed_without_pip_beside_it(start: Runtimes, tmp_path: Path) -> None:
    start.start(make_wheel(tmp_path, {"sample.py": ""})).wait_ready()

    assert not shutil.which("pip", path=str(start.work_dir / "site" / "bin"))


def test_a_package_index_that_never_answers_is_named_before_the_deadline(stuck: Stuck) -> None:
    runtime = stuck.by_index
    assert runtime.wait(12) == 75, runtime.log
    assert "pip has not installed sample-1.0.0-py3-none-any.whl and its dependencies within" in runtime.last_line
    assert "the package index or this machine is slow" in runtime.last_line


def test_an_import_that_hangs_is_given_up_before_the_deadline_and_named(stuck: Stuck) -> None:
    runtime = stuck.by_import
    assert runtime.wait(12) == 75, runtime.log
    assert runtime.last_line == "pragma_runtime: The start was given up after 6 s, while importing sample."

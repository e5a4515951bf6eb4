"""Small pure wheels are unpacked; whatever takes more than that is left to an installer."""

import platform
import stat
import subprocess
import sys
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from tests.runtime_harness import make_wheel

from pragma_runtime import pure_wheels
from pragma_runtime.environment import ProviderEnvironment
from pragma_runtime.pure_wheels import are_only_to_unpack, surely_allows, unpack

_INFO = "sample-1.0.0.dist-info"
_NOW = f"{sys.version_info.major}.{sys.version_info.minor}"
_NEXT = f"{sys.version_info.major}.{sys.version_info.minor + 1}"
_LAST = f"{sys.version_info.major}.{sys.version_info.minor - 1}"


def _renamed(path: Path, tags: str) -> Path:
    return path.rename(path.with_name(f"sample-1.0.0-{tags}.whl"))


def _with_entry(path: Path, name: str, mode: int = 0o644) -> Path:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFREG | mode) << 16 if mode < 0o10000 else mode << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, "content")
    return path


def _without(path: Path, name: str) -> Path:
    with zipfile.ZipFile(path) as archive:
        content = {one: archive.read(one) for one in archive.namelist() if one != name}
    with zipfile.ZipFile(path, "w") as archive:
        for one, data in content.items():
            archive.writestr(one, data)
    return path


def test_what_is_unpacked_is_what_the_wheels_hold(tmp_path: Path, environment: ProviderEnvironment) -> None:
    sample = _with_entry(make_wheel(tmp_path, {"sample/__init__.py": "A = 1", "sample/é.txt": "x"}), "run.sh", 0o755)
    moon = make_wheel(tmp_path, {"sky/moon.py": ""}, name="moon", metadata=["Requires-Python: >=3.7"])

    assert are_only_to_unpack([sample, moon])
    unpack([sample, moon], environment)

    into = environment.packages
    found = {str(path.relative_to(into)) for path in into.rglob("*") if path.is_file()}
    with zipfile.ZipFile(sample) as one, zipfile.ZipFile(moon) as other:
        assert found == {*one.namelist(), *other.namelist()}
    assert (into / "sample" / "__init__.py").read_text() == "A = 1"
    assert (into / "run.sh").stat().st_mode & 0o111
    assert not (into / "sky" / "moon.py").stat().st_mode & 0o111


@pytest.mark.parametrize(
    "change",
    [
        lambda path: _renamed(path, "cp313-cp313-manylinux_2_17_x86_64"),
        lambda path: _renamed(path, "py2-none-any"),
        lambda path: _renamed(path, "py3-none-win32"),
        lambda path: path.rename(path.with_name("other-1.0.0-py3-none-any.whl")),
        lambda path: _with_entry(path, "sample-1.0.0.data/scripts/run"),
        lambda path: _with_entry(path, "moon-1.0.0.dist-info/METADATA"),
        lambda path: _with_entry(path, "../outside.py"),
        lambda path: _with_entry(path, "/etc/outside.py"),
        lambda path: _with_entry(path, "sample\\outside.py"),
        lambda path: _with_entry(path, "SAMPLE.py"),
        lambda path: _with_entry(path, "link", stat.S_IFLNK | 0o777),
        lambda path: _without(path, f"{_INFO}/RECORD"),
        lambda path: _without(path, f"{_INFO}/WHEEL"),
        lambda path: _without(path, f"{_INFO}/METADATA"),
    ],
)
def test_what_takes_more_than_unpacking_is_left_to_an_installer(tmp_path: Path, change: Callable[[Path], Path]) -> None:
    wheel = make_wheel(tmp_path, {"sample.py": ""})
    assert are_only_to_unpack([wheel])

    assert not are_only_to_unpack([change(wheel)])


@pytest.fixture
def environment(tmp_path: Path) -> ProviderEnvironment:
    made = ProviderEnvironment(tmp_path / "site")
    made.create_anew()
    return made


@pytest.mark.parametrize(
    "entry_points",
    ["[gui_scripts]\nrun = sample:main\n", "[console_scripts]\nrun = sample:main [more]\n", "[console_scripts]\nrun\n"],
)
def test_a_wheel_with_other_programs_is_left_to_an_installer(tmp_path: Path, entry_points: str) -> None:
    assert not are_only_to_unpack([make_wheel(tmp_path, {"sample.py": "", f"{_INFO}/entry_points.txt": entry_points})])


@pytest.mark.parametrize("folder", ["site", "a folder", "f" * 130])
def test_programs_for_a_console_are_written_and_recorded(tmp_path: Path, folder: str) -> None:
    environment = ProviderEnvironment(tmp_path / folder)
    environment.create_anew()
    module = (
        "import sys\nclass Main:\n    @staticmethod\n    def run():\n        print(*sys.argv[1:])\n        return 3\n"
    )
    scripts = "# both\n[console_scripts]\nrun-sample = sample:Main.run\n[pragma.provider]\nsample = sample\n"
    wheel = make_wheel(tmp_path, {"sample.py": module, f"{_INFO}/entry_points.txt": scripts})

    assert are_only_to_unpack([wheel])
    unpack([wheel], environment)

    done = subprocess.run([environment.scripts / "run-sample", "a b", "'"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("a b '\n", 3), done.stderr
    (recorded,) = (file for file in distribution_in(environment).files or () if file.name == "run-sample")
    content = recorded.locate().read_bytes()
    assert recorded.hash is not None
    assert recorded.hash.value == urlsafe_b64encode(sha256(content).digest()).decode().rstrip("=")
    assert recorded.size == len(content)


def distribution_in(environment: ProviderEnvironment) -> Distribution:
    return next(iter(Distribution.discover(name="sample", path=[str(environment.packages)])))


def test_a_program_that_is_called_as_the_interpreter_is_not_written(
    tmp_path: Path, environment: ProviderEnvironment
) -> None:
    scripts = {f"{_INFO}/entry_points.txt": "[console_scripts]\npython = sample:main\n"}
    with pytest.raises(FileExistsError):
        unpack([make_wheel(tmp_path, {"sample.py": "", **scripts})], environment)


def test_other_entry_points_take_no_installer(tmp_path: Path) -> None:
    entry_points = {f"{_INFO}/entry_points.txt": "[pragma.provider]\nsample = sample\n"}
    assert are_only_to_unpack([make_wheel(tmp_path, {"sample.py": "", **entry_points})])


def test_a_wheel_with_compiled_parts_is_left_to_an_installer(tmp_path: Path) -> None:
    assert not are_only_to_unpack([make_wheel(tmp_path, {"sample.py": ""}, pure="false")])


def test_a_file_that_two_wheels_have_is_left_to_an_installer(tmp_path: Path) -> None:
    one, other = (make_wheel(tmp_path, {"sky/__init__.py": ""}, name=name) for name in ("sun", "moon"))
    assert are_only_to_unpack([one])
    assert not are_only_to_unpack([one, other])


def test_large_wheels_are_left_to_an_installer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = make_wheel(tmp_path, {"sample.py": "x" * 1000})
    monkeypatch.setattr(pure_wheels, "_MOST_BYTES", 1000)
    assert not are_only_to_unpack([wheel])


def test_what_lies_there_already_is_not_overwritten(tmp_path: Path, environment: ProviderEnvironment) -> None:
    wheel = make_wheel(tmp_path, {"sample.py": ""})
    (environment.packages / "sample.py").write_text("mine")
    with pytest.raises(FileExistsError):
        unpack([wheel], environment)
    assert (environment.packages / "sample.py").read_text() == "mine"


@pytest.mark.parametrize(
    "requires",
    [
        "", ">=3.7", ">= 3.8, <4", "!=3.0.*,!=3.1.*,!=3.2.*,>=2.7", f">={_NOW}", f">={_NEXT}", f"<{_NOW}", f"<{_NEXT}",
        f"!={_NOW}.*", f"!={_LAST}.*", f">={platform.python_version()}", f"<{platform.python_version()}",
        f"!={platform.python_version()}",
    ],
)  # fmt: skip
def test_a_required_python_is_read_as_its_standard_says(requires: str) -> None:
    assert surely_allows(requires) is SpecifierSet(requires).contains(platform.python_version())


@pytest.mark.parametrize("requires", ["~=3.8", "==3.*", f"=={_NOW}.*", ">3.6", "<=4", ">=3.8.*", ">=3.8rc1", "rubbish"])
def test_a_required_python_that_is_written_otherwise_is_left_to_an_installer(requires: str) -> None:
    assert not surely_allows(requires)

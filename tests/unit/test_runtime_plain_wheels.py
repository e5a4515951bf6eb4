"""Plain wheels are unpacked; whatever takes more than that is left to an installer."""

import platform
import stat
import subprocess
import sys
import tracemalloc
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.tags import sys_tags
from tests.runtime_harness import make_wheel
from tests.unit.test_runtime_unpacked import archive, saying

from pragma_runtime import plain_wheels
from pragma_runtime.environment import ProviderEnvironment
from pragma_runtime.errors import PermanentError
from pragma_runtime.plain_wheels import PlainWheel, only_to_unpack, surely_allows, unpack
from pragma_runtime.tags import runs_here
from pragma_runtime.unpacked import check_truth

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

    unpack(only_to_unpack([sample, moon]), environment)

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
        lambda path: _renamed(path, "cp39-cp39-manylinux_2_17_x86_64"),
        lambda path: _renamed(path, "py3-none-manylinux_2_17_x86_64"),
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
    assert only_to_unpack([wheel])

    assert not only_to_unpack([change(wheel)])


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
    assert not only_to_unpack([make_wheel(tmp_path, {"sample.py": "", f"{_INFO}/entry_points.txt": entry_points})])


@pytest.mark.parametrize("folder", ["site", "a folder", "f" * 130])
def test_programs_for_a_console_are_written_and_recorded(tmp_path: Path, folder: str) -> None:
    environment = ProviderEnvironment(tmp_path / folder)
    environment.create_anew()
    module = (
        "import sys\nclass Main:\n    @staticmethod\n    def run():\n        print(*sys.argv[1:])\n        return 3\n"
    )
    scripts = "# both\n[console_scripts]\nrun-sample = sample:Main.run\n[pragma.provider]\nsample = sample\n"
    wheel = make_wheel(tmp_path, {"sample.py": module, f"{_INFO}/entry_points.txt": scripts})

    unpack(only_to_unpack([wheel]), environment)

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
        unpack(only_to_unpack([make_wheel(tmp_path, {"sample.py": "", **scripts})]), environment)


def test_other_entry_points_take_no_installer(tmp_path: Path) -> None:
    entry_points = {f"{_INFO}/entry_points.txt": "[pragma.provider]\nsample = sample\n"}
    assert only_to_unpack([make_wheel(tmp_path, {"sample.py": "", **entry_points})])


def test_a_wheel_with_compiled_parts_for_this_python_is_unpacked(
    tmp_path: Path, environment: ProviderEnvironment
) -> None:
    tag = next(tag for tag in sys_tags() if tag.platform.startswith("manylinux_"))
    wheel = _renamed(make_wheel(tmp_path, {"sample.so": "x"}, pure="false"), str(tag))
    unpack(only_to_unpack([wheel]), environment)
    assert (environment.packages / "sample.so").read_text() == "x"


def test_only_wheels_that_this_python_takes_run_here() -> None:
    ours = {str(tag) for tag in sys_tags()}
    pythons = [f"cp3{minor}" for minor in range(8, sys.version_info.minor + 2)]
    abis = [*pythons, f"cp3{sys.version_info.minor}t", "abi3", "none"]
    machines = ("x86_64", "aarch64", "i686")
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in (5, 17, 28, 99) for machine in machines]
    platforms += ["manylinux2014_x86_64", "manylinux_3_0_x86_64", "musllinux_1_2_x86_64", "linux_x86_64", "win_amd64"]
    wheels = [f"{python}-{abi}-{platform}" for python in pythons for abi in abis for platform in platforms]

    found = {wheel for wheel in wheels if runs_here(f"sample-1.0.0-{wheel}")}

    assert found <= ours
    if platform.libc_ver()[0] == "glibc":
        sure = {wheel for wheel in wheels if "many" in wheel and "none" not in wheel}
        assert found == ours & sure


def test_a_wheel_of_several_tags_runs_here_by_one_of_them() -> None:
    ours = next(tag for tag in sys_tags() if tag.platform.startswith("manylinux_"))
    platforms = f"manylinux_2_99_x86_64.{ours.platform}.win_amd64"
    assert runs_here(f"sample-1.0.0-{ours.interpreter}-{ours.abi}-{platforms}")
    assert runs_here("sample-1.0.0-1-py2.py3-none-any")


@pytest.mark.parametrize("said", [0, 10, 4_999_999, 5_000_001, 1_000_000_000])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_file_of_another_size_than_its_wheel_says_is_refused_and_not_written_further(
    tmp_path: Path, environment: ProviderEnvironment, said: int, compression: int
) -> None:
    content = b"\0" * 5_000_000
    path = saying(archive(tmp_path / "wheels", content, compress_type=compression), said)
    with zipfile.ZipFile(path) as opened:
        wheel = PlainWheel(path, opened.infolist(), ())
    with pytest.raises(PermanentError, match=r"says that its 'moon\.py' has \d+ bytes"):
        unpack([wheel], environment)
    written = environment.packages / "moon.py"
    assert not written.exists() or written.stat().st_size <= said


def test_a_file_with_a_wrong_checksum_is_not_taken(tmp_path: Path, environment: ProviderEnvironment) -> None:
    path = archive(tmp_path / "wheels", b"the content", compress_type=zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"the content", b"any content"))
    with zipfile.ZipFile(path) as opened:
        wheel = PlainWheel(path, opened.infolist(), ())
    with pytest.raises(zipfile.BadZipFile, match="wrong checksum"):
        unpack([wheel], environment)


def test_nothing_is_written_any_more_once_unpacking_has_failed(
    tmp_path: Path, environment: ProviderEnvironment
) -> None:
    """The failure is the first wheel's, and the others take longer."""
    large = [
        make_wheel(tmp_path, {f"{name}/{number}.py": "x" * 1000 for number in range(200)}, name=name)
        for name in ("sun", "tide", "wind")
    ]
    broken = make_wheel(tmp_path, {"moon.py": "x" * 1_000_000}, name="moon")
    (environment.packages / "moon.py").write_text("mine")
    with pytest.raises(FileExistsError):
        unpack(only_to_unpack([broken, *large]), environment)
    assert {path.name for path in environment.packages.iterdir()} >= {"sun", "tide", "wind"}
    assert all(len(list((environment.packages / name).iterdir())) == 200 for name in ("sun", "tide", "wind"))


def test_an_archive_that_lies_is_not_inflated_to_its_end(tmp_path: Path) -> None:
    content = {f"{_INFO}/{name}": "" for name in ("METADATA", "RECORD")}
    path = tmp_path / "sample-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{_INFO}/WHEEL", b"\n" * 50_000_000)
        for name, text in content.items():
            archive.writestr(name, text)
    saying(path, 100)
    tracemalloc.start()
    try:
        assert not only_to_unpack([path])
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["WHEEL", "METADATA"])
def test_a_damaged_wheel_is_left_to_whoever_says_what_is_wrong_with_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "stored").mkdir()
    stored = make_wheel(tmp_path / "stored", {"moon.py": ""})
    path = tmp_path / stored.name
    with zipfile.ZipFile(stored) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as deflated:
        for listed in source.namelist():
            deflated.writestr(listed, source.read(listed))
        entry = deflated.getinfo(f"{_INFO}/{name}")
    data = bytearray(path.read_bytes())
    begin = entry.header_offset + 30 + len(entry.filename)
    data[begin : begin + entry.compress_size] = b"\xff" * entry.compress_size
    path.write_bytes(data)
    assert not only_to_unpack([path])
    with pytest.raises(PermanentError):
        check_truth([path])


def test_a_file_that_two_wheels_have_is_left_to_an_installer(tmp_path: Path) -> None:
    one, other = (make_wheel(tmp_path, {"sky/__init__.py": ""}, name=name) for name in ("sun", "moon"))
    assert only_to_unpack([one])
    assert not only_to_unpack([one, other])


def test_large_wheels_are_left_to_an_installer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = make_wheel(tmp_path, {"sample.py": "x" * 1000})
    monkeypatch.setattr(plain_wheels, "_MOST_BYTES", 1000)
    assert not only_to_unpack([wheel])


def test_what_lies_there_already_is_not_overwritten(tmp_path: Path, environment: ProviderEnvironment) -> None:
    wheel = make_wheel(tmp_path, {"sample.py": ""})
    (environment.packages / "sample.py").write_text("mine")
    with pytest.raises(FileExistsError):
        unpack(only_to_unpack([wheel]), environment)
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

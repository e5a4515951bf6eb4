"""What the runtime reads from a wheel: whether there is anything to resolve, and whether it is made for the SDK."""

import zipfile
from pathlib import Path

import pytest
from tests.runtime_harness import make_wheel

from pragma_runtime.download import wheel_file_name
from pragma_runtime.errors import PermanentError
from pragma_runtime.wheel import read_wheel


@pytest.mark.parametrize(
    ("requirement", "counts"),
    [
        ("six", True),
        ("six>=1.0; python_version > '3'", True),
        ("six; extra == 'dev'", False),
        ('six>=1 ; (python_version > "3") and extra == "dev"', False),
        ('six; extra == "dev" or python_version > "3"', True),
    ],
)
def test_only_requirements_outside_of_extras_are_dependencies(tmp_path: Path, requirement: str, counts: bool) -> None:
    wheel = make_wheel(tmp_path, {"weather.py": ""}, metadata=[f"Requires-Dist: {requirement}"])

    assert read_wheel(wheel).has_dependencies is counts


@pytest.mark.parametrize(
    ("entry_points", "declares"),
    [
        ("[pragma.provider]\ngithub = github_provider\n", True),
        ("[console_scripts]\nx = y:z\n\n [ pragma.provider ] \r\ngithub = github_provider\r\n", True),
        ("[console_scripts]\rx = y:z\r[pragma.provider]\rgithub = github_provider", True),
        ("[pragma.providers]\ngithub = github_provider\n", False),
        ("[console_scripts]\npragma.provider = y:z\n", False),
        ("", False),
    ],
)
def test_a_provider_for_the_sdk_declares_itself_by_an_entry_point(
    tmp_path: Path, entry_points: str, declares: bool
) -> None:
    wheel = make_wheel(tmp_path, {"weather.py": "", "sample-1.0.0.dist-info/entry_points.txt": entry_points})

    assert read_wheel(wheel).declares_provider is declares


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sample-1.0.0-py3-none-any.whl"
    path.write_text("<html>Not found</html>")

    with pytest.raises(PermanentError, match="is not a readable wheel"):
        read_wheel(path)


def test_a_wheel_without_metadata_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sample-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weather.py", "")

    with pytest.raises(PermanentError, match=r"0 `\*\.dist-info/METADATA` files"):
        read_wheel(path)


def test_the_file_name_is_what_pip_expects_of_the_url() -> None:
    url = "https://wheels.example/a/w-1.0%2Blocal-py3-none-any.whl?X-Signature=a/b.zip"

    assert wheel_file_name(url) == "w-1.0+local-py3-none-any.whl"


@pytest.mark.parametrize("path", ["", "w.whl", "w-1.0-py3-none-any.zip", "a%2Fw-1.0-py3-none-any.whl"])
def test_a_url_that_ends_in_no_wheel_name_is_refused(path: str) -> None:
    with pytest.raises(PermanentError, match="does not end in a wheel's file name"):
        wheel_file_name(f"https://wheels.example/{path}")

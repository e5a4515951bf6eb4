"""Which package of a wheel is the provider, and whether there is anything to resolve."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.runtime_harness import make_wheel

from pragma_runtime.download import wheel_file_name
from pragma_runtime.errors import PermanentError
from pragma_runtime.wheel import find_package, read_wheel


def _found(directory: Path, files: Sequence[str], name: str = "sample", top_level: str | None = None) -> str:
    return find_package(read_wheel(make_wheel(directory, dict.fromkeys(files, ""), name=name, top_level=top_level)))


@pytest.mark.parametrize(
    ("files", "package"),
    [
        (["weather/__init__.py", "weather/sun.py"], "weather"),
        (["weather.py"], "weather"),
        (["weather.cpython-312-x86_64-linux-gnu.so"], "weather"),
        (["weather/__init__.py", "tests/__init__.py", "_vendored/__init__.py"], "weather"),
        (["weather/sun.py"], "weather"),
        (["acme/providers/weather/__init__.py"], "acme.providers.weather"),
        (["sample-1.0.0.data/purelib/weather/__init__.py", "sample-1.0.0.data/scripts/run.py"], "weather"),
        (["weather/__init__.py", "share/icon.png", "weather-stubs/__init__.py"], "weather"),
    ],
)
def test_the_one_package_with_code_is_the_provider(tmp_path: Path, files: list[str], package: str) -> None:
    assert _found(tmp_path, files) == package


def test_of_several_packages_the_one_named_as_the_distribution_wins(tmp_path: Path) -> None:
    files = ["weather_provider/__init__.py", "sun/__init__.py"]

    assert _found(tmp_path, files, name="Weather-Provider") == "weather_provider"


def test_a_package_in_a_namespace_is_recognised_by_its_dotted_name(tmp_path: Path) -> None:
    files = ["acme/weather/__init__.py", "acme/sun/__init__.py"]

    assert _found(tmp_path, files, name="acme-weather") == "acme.weather"


def test_top_level_txt_says_what_counts(tmp_path: Path) -> None:
    files = ["weather/__init__.py", "sun/__init__.py"]

    assert _found(tmp_path, files, top_level="weather\n") == "weather"


def test_an_ambiguous_wheel_is_refused_with_its_candidates(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"several packages: sun, weather\. .*`package_name`"):
        _found(tmp_path, ["weather/__init__.py", "sun.py"])


@pytest.mark.parametrize("files", [[], ["README.txt"], ["tests/__init__.py"], ["/".join("d" * 2000) + "/x.py"]])
def test_a_wheel_without_a_package_is_refused(tmp_path: Path, files: list[str]) -> None:
    with pytest.raises(PermanentError, match="no package to import"):
        _found(tmp_path, files)


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

"""Which package of a wheel is the provider: one table for the command, publishing and runtimes."""

import pytest

from provider_hub.domain.wheels import PackageRefused, PackageUnclear
from provider_hub.domain.wheels.package import Packages, WheelLayout, declares_namespace, find_packages

PKGUTIL = '__path__ = __import__("pkgutil").extend_path(__path__, __name__)\n'
PKGUTIL_IMPORTED = "from pkgutil import extend_path\n__path__ = extend_path(__path__, __name__)\n"
PKG_RESOURCES = '__import__("pkg_resources").declare_namespace(__name__)\n'
EITHER = '''"""A namespace."""
try:
    import pkg_resources
    pkg_resources.declare_namespace(__name__)
except ImportError:
    import pkgutil
    __path__ = pkgutil.extend_path(__path__, __name__)
'''

Files = dict[str, str] | list[str]


def found(files: Files, distribution: str = "sample", **told: object) -> Packages:
    texts = files if isinstance(files, dict) else dict.fromkeys(files, "")
    return find_packages(WheelLayout(distribution, tuple(texts), texts.get, **told))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("files", "distribution", "package"),
    [
        # One package, whatever lies beside it.
        (["weather/__init__.py", "weather/sun.py"], "sample", "weather"),
        (["weather/__init__.py", "tests/__init__.py", "docs/conf.py", "examples/__init__.py"], "sample", "weather"),
        (["weather/__init__.py", "_vendored/__init__.py", "_native.abi3.so"], "sample", "weather"),
        (["weather/__init__.py", "weather-stubs/__init__.pyi", "share/icon.png"], "sample", "weather"),
        (["weather/__init__.py", "sample-nspkg.pth"], "sample", "weather"),
        (["sample-1.0.data/purelib/weather/__init__.py", "sample-1.0.data/scripts/run.py"], "sample", "weather"),
        (["sample-1.0.data/platlib/weather/core.so"], "sample", "weather.core"),
        # Single modules, compiled or not.
        (["weather.py"], "sample", "weather"),
        (["weather.cpython-313-x86_64-linux-gnu.so"], "sample", "weather"),
        (["weather.abi3.so"], "sample", "weather"),
        (["weather.pyc"], "sample", "weather"),
        (["weather/__init__.cpython-313-x86_64-linux-gnu.so"], "sample", "weather"),
        # Namespaces of all three kinds.
        (["acme/weather/__init__.py"], "sample", "acme.weather"),
        (
            ["acme/providers/weather/__init__.py", "acme/providers/tests/__init__.py"],
            "sample",
            "acme.providers.weather",
        ),
        ({"acme/__init__.py": PKGUTIL, "acme/weather/__init__.py": ""}, "sample", "acme.weather"),
        ({"acme/__init__.py": PKGUTIL_IMPORTED, "acme/weather/__init__.py": ""}, "sample", "acme.weather"),
        ({"acme/__init__.py": PKG_RESOURCES, "acme/weather/__init__.py": ""}, "sample", "acme.weather"),
        ({"acme/__init__.py": EITHER, "acme/weather/__init__.py": ""}, "sample", "acme.weather"),
        ({"acme/__init__.py": PKGUTIL, "acme/weather.py": ""}, "sample", "acme.weather"),
        # Modules beside the packages of a namespace, and nothing else.
        (["acme/_version.py", "acme/weather/__init__.py"], "sample", "acme.weather"),
        (["acme/py.typed", "acme/version.py", "acme/weather/__init__.py"], "acme-weather", "acme.weather"),
        (["jaraco/context.py"], "jaraco.context", "jaraco.context"),
        (["weather/sun.py"], "weather", "weather.sun"),
        (["acme/weather/_sun.py", "acme/weather/moon.so", "acme/tests/test_moon.py"], "sample", "acme.weather.moon"),
        # A package that extends its path and does more is a package of its own.
        ({"acme/__init__.py": PKGUTIL + "def start(): ...\n", "acme/weather/__init__.py": ""}, "sample", "acme"),
        ({"acme/__init__.py": "", "acme/weather/__init__.py": ""}, "sample", "acme"),
        ({"acme/__init__.py": "no Python", "acme/weather/__init__.py": ""}, "sample", "acme"),
        # Several packages: the one that is named as the distribution.
        (["attr/__init__.py", "attrs/__init__.py"], "attrs", "attrs"),
        (["weather_provider/__init__.py", "sun/__init__.py"], "Weather-Provider", "weather_provider"),
        (["acme/weather/__init__.py", "acme/sun/__init__.py"], "acme-weather", "acme.weather"),
        (["mypy/__init__.py", "mypyc/__init__.py", "a1b2__mypyc.cpython-313-x86_64-linux-gnu.so"], "mypy", "mypy"),
        (["testing/__init__.py"], "testing", "testing"),
        # Python's own modules are never the wheel's.
        (["weather/__init__.py", "types.py"], "sample", "weather"),
    ],
)
def test_the_providers_package_is_found(files: Files, distribution: str, package: str) -> None:
    assert found(files, distribution).choose(None) == package


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([], "only metadata and dependencies: publish the wheel that has the provider's package"),
        (["sample-1.0.dist-info/METADATA"], "only metadata and dependencies"),
        (["requests-stubs/__init__.pyi", "requests-stubs/METADATA.toml"], "only type stubs"),
        (["sample-1.0.data/scripts/run.py"], "only scripts"),
        (["sample-1.0.data/data/share/x.txt", "share/icon.png"], "only data files"),
        (["__editable__.sample-1.0.pth", "__editable___sample_1_0_finder.py"], "editable install .* regular wheel"),
        (["tests/__init__.py"], "only tests, documentation, private modules"),
        (["_native.so"], "only tests, documentation, private modules"),
        (["not-a-name/__init__.py"], "folders that are no Python names"),
        (["class/__init__.py"], "folders that are no Python names"),
        (["weather/_sun.py"], r"weather has no __init__\.py, so an import of it runs nothing: add"),
        (["acme/_version.py", "acme/tests/test_weather.py"], r"acme has no __init__\.py"),
        (["argparse.py"], r"argparse cannot be imported .* Python's own module .* rename the package"),
        (["test/__init__.py", "json/__init__.py"], "json cannot be imported"),
        (["/".join("d" * 2000) + "/x.py"], "nothing to import"),
    ],
)
def test_a_wheel_that_could_never_start_says_what_it_has_and_what_to_do(files: list[str], why: str) -> None:
    with pytest.raises(PackageRefused, match=why):
        found(files).choose(None)


def test_several_packages_are_listed_and_one_of_them_can_be_named() -> None:
    packages = found(["weather/__init__.py", "sun.py"])
    with pytest.raises(PackageUnclear, match=r"several packages \(sun, weather\): say with package_name") as unclear:
        packages.choose(None)
    assert unclear.value.candidates == ("sun", "weather")
    assert packages.choose("sun") == "sun"


def test_many_packages_below_one_namespace_are_not_all_listed() -> None:
    files = {"google/__init__.py": EITHER, **{f"google/api{number}/x.py": "" for number in range(40)}}
    with pytest.raises(PackageUnclear, match=r"google\.api0\.x, .* and 20 more\)"):
        found(files).choose(None)


def test_top_level_txt_says_what_counts_unless_it_names_nothing_of_the_wheel() -> None:
    files = ["weather/__init__.py", "sun/__init__.py"]
    assert found(files, top_level=("weather", "gone")).choose(None) == "weather"
    assert found(files[:1], top_level=("gone",)).choose(None) == "weather"


def test_namespace_packages_txt_names_namespaces_whatever_their_code() -> None:
    files = {"acme/__init__.py": "x = 1", "acme/weather/__init__.py": ""}
    assert found(files, namespaces=frozenset({"acme"})).choose(None) == "acme.weather"


@pytest.mark.parametrize("value", ["github_provider", "github_provider:provider", "github_provider [extra]"])
def test_an_entry_point_of_a_provider_says_which_package_it_is(value: str) -> None:
    files = ["github_provider/__init__.py", "other/__init__.py"]
    assert found(files, entry_points=(value,)).choose(None) == "github_provider"


def test_entry_points_that_name_nothing_or_two_packages_are_refused() -> None:
    files = ["one/__init__.py", "two/__init__.py"]
    with pytest.raises(PackageRefused, match="no package 'three': name one that it has"):
        found(files, entry_points=("three:provider",)).choose(None)
    with pytest.raises(PackageUnclear):
        found(files, entry_points=("one", "two")).choose(None)


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("other", r"no package 'other': name one that it has \(acme\.weather\)"),
        ("acme", r"acme is a namespace without code of its own: name acme\.weather instead"),
        ("json", "json cannot be imported"),
        ("acme.weather.none", "no package"),
    ],
)
def test_a_name_that_no_runtime_could_import_is_refused(named: str, why: str) -> None:
    with pytest.raises(PackageRefused, match=why):
        found(["acme/weather/__init__.py", "acme/weather/sun.py", "json.py"], top_level=("acme",)).choose(named)


def test_a_folder_without_init_may_be_named_as_providers_of_before_do() -> None:
    packages = found(["acme/_version.py", "acme/weather/__init__.py"])
    assert packages.choose("acme") == "acme"
    assert found(["acme/_sun.py"], entry_points=("acme",)).choose(None) == "acme"


@pytest.mark.parametrize("named", ["acme_weather.sun", "acme-weather", "acme_weather"])
def test_a_package_or_module_that_the_wheel_has_may_be_named(named: str) -> None:
    packages = found(["acme_weather/__init__.py", "acme_weather/sun.py"])
    assert packages.choose(named) == named.replace("-", "_")


@pytest.mark.parametrize("source", ["", "(" * 10_000, "\0", "__path__ = []", "import os\n" + PKGUTIL])
def test_what_does_not_only_declare_a_namespace_is_a_package(source: str) -> None:
    assert not declares_namespace(source)

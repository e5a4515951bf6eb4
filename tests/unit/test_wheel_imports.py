"""A wheel that can only fail at its import is refused at publishing, and one that may work never is."""

from collections.abc import Mapping

import pytest

from provider_hub.domain.wheels.dependencies import check_dependencies
from provider_hub.domain.wheels.package import PackageRefused, WheelLayout, find_packages

INIT = "weather/__init__.py"

FAILING: Mapping[str, tuple[Mapping[str, str], str]] = {
    "at once": ({INIT: "import docutils\n"}, "docutils"),
    "a part of it": ({INIT: "import json\nfrom docutils.nodes import Node\n"}, "docutils.nodes"),
    "in a module of its own": (
        {INIT: "from . import reading\n", "weather/reading.py": "import requests\n"},
        "requests",
    ),
    "in a module named in full": (
        {INIT: "from weather.reading import Reading\n", "weather/reading.py": "import requests\n"},
        "requests",
    ),
    "two levels up": (
        {INIT: "import weather.deep.one\n", "weather/deep/__init__.py": "",
         "weather/deep/one.py": "from ..two import x\n", "weather/two.py": "import numpy\n"},
        "numpy",
    ),
    "from a module without a package": ({"weather.py": "import yaml\n"}, "yaml"),
}  # fmt: skip

WORKING: Mapping[str, Mapping[str, str]] = {
    "the standard library": {INIT: "from __future__ import annotations\nimport json, os.path\n"},
    "a module that only an older Python has": {INIT: "import distutils\nimport cgi\n"},
    "guarded": {INIT: "try:\n    import ujson\nexcept ImportError:\n    ujson = None\n"},
    "for types alone": {INIT: "import typing\nif typing.TYPE_CHECKING:\n    import pandas\n"},
    "within a function": {INIT: "def read():\n    import pandas\n"},
    "another top-level module of the wheel": {INIT: "import weather_core\n", "weather_core.py": ""},
    "a compiled module of the wheel": {INIT: "from ._core import read\n", "weather/_core.abi3.so": ""},
    "a module that nobody imports": {INIT: "", "weather/contrib.py": "import django\n"},
    "a circle": {INIT: "from weather import a\n", "weather/a.py": "import weather\n"},
    "whoever finds modules itself": {INIT: "import sys\nsys.path.insert(0, 'x')\nimport hidden\n"},
    "no Python": {INIT: "import docutils\nprint 'two'\n"},
    "beyond the top": {INIT: "from ...x import y\n"},
}  # fmt: skip


def layout(files: Mapping[str, str], *, is_alone: bool = True) -> WheelLayout:
    return WheelLayout("weather", tuple(files), files.get, is_alone=is_alone)


@pytest.mark.parametrize(("files", "missing"), FAILING.values(), ids=FAILING)
def test_an_import_that_is_nowhere_is_named_with_the_remedy(files: Mapping[str, str], missing: str) -> None:
    for named in (None, "weather"):
        with pytest.raises(PackageRefused, match=rf"weather imports {missing}, which .* declare in its metadata"):
            find_packages(layout(files)).choose(named)


@pytest.mark.parametrize("files", WORKING.values(), ids=WORKING)
def test_what_may_work_is_published(files: Mapping[str, str]) -> None:
    assert find_packages(layout(files)).choose(None) == "weather"


def test_a_wheel_with_dependencies_is_not_judged() -> None:
    assert find_packages(layout({INIT: "import docutils\n"}, is_alone=False)).choose(None) == "weather"


def test_many_modules_are_followed_to_an_end() -> None:
    chain = {f"weather/m{n}.py": f"from . import m{n + 1}\n" for n in range(2000)}
    assert find_packages(layout({INIT: "from . import m0\n", **chain})).choose(None) == "weather"


@pytest.mark.parametrize(
    ("lines", "may_be_installed"),
    [
        ([], False),
        (["docutils"], True),
        (["docutils; extra == 'docs'"], False),
        (["docutils; extra == 'docs' or python_version < '3.12'"], True),
        (["pytest; extra == 'test'", "docutils>=0.2"], True),
    ],
)
def test_only_extras_leave_a_wheel_alone(lines: list[str], may_be_installed: bool) -> None:
    assert check_dependencies(lines) is may_be_installed

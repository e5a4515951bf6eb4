"""Builds wheels of the weather provider: the healthy one, and one for each way in which a provider can go wrong."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from build import ProjectBuilder

from local_stack.errors import LocalError

DEGRADED_MESSAGE = "Station Bergen has not answered since noon"
EXIT_CODE = 3
LAST_WORDS = "weather: the licence has run out, leaving"
MISSING_DISTRIBUTION = "provider-hub-no-such-distribution"
MISSING_MODULE = "barometer_that_is_not_there"

_SOURCE = Path(__file__).parents[2] / "examples" / "weather"
_BUILD_SECONDS = 120.0
_EPOCH = "1735689600"  # any fixed time makes the archive's bytes a function of its content

_DEGRADED = f"""

def health() -> str | None:
    return {DEGRADED_MESSAGE!r}
"""
_ECHO_CONFIG = """

_seen = {name: value.encode(errors="surrogateescape").hex() for name, value in os.environ.items()}
(Path(os.environ["PRAGMA_WORK_DIR"]) / "environment.json").write_text(json.dumps(_seen))
"""

# What each variant puts before and after the code of the package's `__init__.py`.
_VARIANTS: Mapping[str, tuple[str, str]] = {
    "healthy": ("", ""),
    "import-fails": (f"import {MISSING_MODULE}\n", ""),
    "exits-at-once": (f"import os\nprint({LAST_WORDS!r}, flush=True)\nos._exit({EXIT_CODE})\n", ""),
    "never-checks-in": ("import time\nwhile True:\n    time.sleep(3600)\n", ""),
    "degraded": ("", _DEGRADED),
    "echo-config": ("import json\n", _ECHO_CONFIG),
    "missing-dependency": ("", ""),
}
VARIANTS = tuple(_VARIANTS)


def build_wheel(version: str, into: Path, *, variant: str = "healthy", dependencies: Sequence[str] = ()) -> Path:
    """The path of the weather provider's wheel of `version`, built with its own backend; under a second.

    The same arguments give the same bytes, so a process builds them once. `into` is made where it is missing;
    `dependencies` are PEP 508 requirements. The variants:

    - `healthy`
    - `import-fails`: the import raises ModuleNotFoundError for MISSING_MODULE
    - `exits-at-once`: the import prints LAST_WORDS and ends the process with EXIT_CODE
    - `never-checks-in`: the import never returns
    - `degraded`: health() returns DEGRADED_MESSAGE
    - `echo-config`: the import writes the environment it sees to `environment.json` in PRAGMA_WORK_DIR, a map of
      name to the value's bytes in hexadecimal
    - `missing-dependency`: requires MISSING_DISTRIBUTION, which no index has

    Raises ValueError for another variant, LocalError where the sample provider's source is not there.
    """
    if variant not in _VARIANTS:
        raise ValueError(f"There is no variant {variant!r} of the weather provider; there are {', '.join(VARIANTS)}.")
    if variant == "missing-dependency":
        dependencies = (*dependencies, MISSING_DISTRIBUTION)
    if not _SOURCE.is_dir():
        raise LocalError(f"the sample provider is not at {_SOURCE}: run this from a clone of the repository.")
    name, content = built(version, variant, tuple(dependencies))
    into.mkdir(parents=True, exist_ok=True)
    wheel = into / name
    wheel.write_bytes(content)
    return wheel


@cache
def built(version: str, variant: str, dependencies: tuple[str, ...]) -> tuple[str, bytes]:
    """The file name and the bytes of the wheel that `build_wheel` writes."""
    with tempfile.TemporaryDirectory(prefix="weather-") as directory:
        tree = Path(directory) / "weather"
        shutil.copytree(_SOURCE, tree, ignore=shutil.ignore_patterns("__pycache__"))
        _set_project(tree / "pyproject.toml", version, dependencies)
        _set_variant(tree / "weather_provider" / "__init__.py", variant)
        wheel = Path(ProjectBuilder(tree, runner=_run_backend).build("wheel", Path(directory) / "dist"))
        return wheel.name, wheel.read_bytes()


def digest(wheel: Path) -> str:
    """The SHA-256 of the file, in lowercase hexadecimal: what is published with it."""
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def _set_project(path: Path, version: str, dependencies: Sequence[str]) -> None:
    text = re.sub(r'^version = ".*"$', f'version = "{version}"', path.read_text(), flags=re.MULTILINE)
    path.write_text(text.replace("\ndependencies = []\n", f"\ndependencies = {json.dumps(list(dependencies))}\n"))


def _set_variant(path: Path, variant: str) -> None:
    before, after = _VARIANTS[variant]
    docstring, end, code = path.read_text().partition('"""\n\n')
    path.write_text(docstring + end + before + code + after)


def _run_backend(cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None) -> None:
    environment = {**os.environ, **(extra_environ or {}), "SOURCE_DATE_EPOCH": _EPOCH}
    completed = subprocess.run(  # noqa: S603 - the backend that ProjectBuilder names
        cmd, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=_BUILD_SECONDS
    )
    if completed.returncode:
        output = completed.stdout + completed.stderr
        raise RuntimeError(f"The build ended with exit code {completed.returncode}:\n{output}")


if __name__ == "__main__":
    print(build_wheel(sys.argv[1], Path(sys.argv[2]), variant=sys.argv[3] if len(sys.argv) > 3 else "healthy"))

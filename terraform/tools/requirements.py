"""Makes the smaller lists of requirements from requirements.lock, hashes included.

Each function's requirements.txt has what the function imports, and what that needs. requirements-hub.lock has what
the `hub` command needs and what builds its wheel, so that a CI job installs nothing else. The runtime's
requirements.txt has the programs that its image holds beside Python.

`python -m terraform.tools.requirements` writes them; with `--check` it writes nothing and fails where one is
not what it would write. Run it in the environment made from the lock.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from terraform.tools.imports import reached_imports

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
HUB_LOCK = ROOT / "requirements-hub.lock"
FUNCTIONS = ROOT / "functions"
RUNTIME = ROOT / "lib" / "pragma_runtime"
COMMAND = "python -m terraform.tools.requirements"

# Imported by the service's own start and not by any code of ours, so that no import tells of it.
_ALWAYS = ("functions-framework",)
# It installs the wheels of a lock in a fraction of the time that pip takes.
_IN_THE_IMAGE = ("uv",)
_PYTHONS = ("3.11", "3.12", "3.13")


class RequirementsError(Exception):
    """A requirement cannot be worked out; the message says which and what to do."""


@dataclass(frozen=True)
class Installed:
    """The distributions of this environment, and which of them brings each module."""

    by_name: Mapping[str, Distribution]
    by_module: Mapping[str, str]

    def bringing(self, module: str) -> str:
        """The distribution that a dotted module, or an attribute of one, comes from. Raises RequirementsError."""
        parts = module.split(".")
        names = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
        found = next((self.by_module[name] for name in names if name in self.by_module), None)
        if found is None:
            raise RequirementsError(f"no installed distribution brings the module {module}: run make setup")
        return found


@cache
def read_installed() -> Installed:
    """Look at every distribution of this environment."""
    by_name: dict[str, Distribution] = {canonicalize_name(found.metadata["Name"]): found for found in distributions()}
    modules = {module: name for name, found in by_name.items() for module in _modules_of(found)}
    return Installed(by_name, modules)


def read_lock(path: Path = LOCK) -> dict[str, str]:
    """Each locked distribution's lines, hashes included and comments left out, by its name."""
    entries: dict[str, list[str]] = {}
    name = ""
    for line in path.read_text().splitlines():
        if line.strip().startswith("#"):
            continue
        if line and not line[0].isspace():
            name = canonicalize_name(re.split(r"[=<>!~ ;\[]", line, maxsplit=1)[0])
            entries[name] = []
        if line.strip():
            entries[name].append(line)
    return {name: "\n".join(lines) for name, lines in entries.items()}


def requirements_of(main: Path, installed: Installed, lock: Mapping[str, str]) -> str:
    """The requirements.txt of the function in `main`. Raises RequirementsError."""
    direct = {installed.bringing(module) for module in reached_imports(main, ROOT / "lib")}
    return _locked({*_ALWAYS, *direct}, str(main), installed, lock)


def requirements_of_hub(installed: Installed, lock: Mapping[str, str]) -> str:
    """What the `hub` command needs, and what builds its wheel. Raises RequirementsError."""
    pyproject = _pyproject()
    texts = [*pyproject["project"]["dependencies"], *pyproject["build-system"]["requires"]]
    return _locked({canonicalize_name(Requirement(text).name) for text in texts}, HUB_LOCK.name, installed, lock)


def _locked(direct: Iterable[str], whose: str, installed: Installed, lock: Mapping[str, str]) -> str:
    names = sorted(_closure(direct, installed))
    missing = [name for name in names if name not in lock]
    if missing:
        raise RequirementsError(f"{whose}: {', '.join(missing)} are not in {LOCK.name}; lock them first")
    head = f"# Made from requirements.lock by `{COMMAND}`; change that, not this.\n"
    return head + "\n".join(lock[name] for name in names) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write or check; returns the exit status."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say which files are not up to date")
    check = parser.parse_args(arguments).check
    try:
        stale = list(_stale_files(read_installed(), read_lock()))
    except RequirementsError as error:
        print(error, file=sys.stderr)
        return 1
    for path, text in stale:
        if check:
            print(f"{path.relative_to(ROOT)} is not what the lock gives: run `{COMMAND}`", file=sys.stderr)
        else:
            path.write_text(text)
            print(f"wrote {path.relative_to(ROOT)}")
    return int(check and bool(stale))


def _stale_files(installed: Installed, lock: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    image = RUNTIME / "requirements.txt"
    made = {
        HUB_LOCK: requirements_of_hub(installed, lock),
        image: _locked(_IN_THE_IMAGE, str(image), installed, lock),
    }
    for main_file in sorted(FUNCTIONS.glob("*/main.py")):
        made[main_file.with_name("requirements.txt")] = requirements_of(main_file, installed, lock)
    for path, text in made.items():
        if not path.exists() or path.read_text() != text:
            yield path, text


def _closure(names: Iterable[str], installed: Installed) -> set[str]:
    """The named distributions and all that they require on Linux, on any supported Python."""
    extras = _extras_asked_for()
    waiting = [(name, extras.get(name, frozenset())) for name in names]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted = waiting.pop()
        if wanted in seen:
            continue
        seen.add(wanted)
        waiting.extend(_required_by(*wanted, installed))
    return {name for name, _ in seen}


def _extras_asked_for() -> dict[str, frozenset[str]]:
    """What the project asks of a distribution beyond its name."""
    project = _pyproject()["project"]
    texts = [*project["dependencies"], *project["optional-dependencies"]["functions"]]
    return {canonicalize_name(asked.name): frozenset(asked.extras) for asked in map(Requirement, texts)}


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def _required_by(name: str, extras: frozenset[str], installed: Installed) -> Iterator[tuple[str, frozenset[str]]]:
    if name not in installed.by_name:
        raise RequirementsError(f"{name} is required and not installed: run make setup")
    for text in installed.by_name[name].requires or ():
        requirement = _parsed(text)
        if _applies(text, extras):
            yield canonicalize_name(requirement.name), frozenset(requirement.extras)


@cache
def _parsed(text: str) -> Requirement:
    return Requirement(text)


@cache
def _applies(text: str, extras: frozenset[str]) -> bool:
    marker = _parsed(text).marker
    if marker is None:
        return True
    return any(marker.evaluate(_linux(python, extra)) for python in _PYTHONS for extra in ("", *extras))


def _linux(python: str, extra: str) -> dict[str, str]:
    """The environment of a function, in which markers are read."""
    here = {key: str(value) for key, value in default_environment().items()}
    there = {
        "extra": extra,
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_system": "Linux",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }
    return here | there


def _modules_of(distribution: Distribution) -> Iterator[str]:
    for file in distribution.files or ():
        if file.suffix == ".py" and ".." not in file.parts:
            parts = file.with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


if __name__ == "__main__":
    raise SystemExit(main())

"""The CPythons of this machine that pods can run with. Each stands for one image of the runtime."""

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

LIBRARIES = Path(__file__).resolve().parents[1]
"""The folder that `pragma_runtime` is imported from, by whichever interpreter."""

_OLDEST = (3, 11)
_NAME = re.compile(r"python3(\.\d+)?")
_PROGRAM = b"\x7fELF"
_PROBE_SECONDS = 10.0
# The runtime makes a virtual environment for the provider and runs its own interpreter's pip there. A free-threaded
# build (abiflags "t") and a pre-release take other wheels than the version says, and another environment may vanish.
_PROBE = """
import importlib.util, json, os, sys
pip = importlib.util.find_spec("pip")
places = pip and pip.submodule_search_locations or ()
print(json.dumps({
    "version": list(sys.version_info[:3]),
    "is_usable": sys.implementation.name == "cpython"
    and sys.version_info.releaselevel == "final"
    and sys.abiflags == ""
    and sys.prefix == sys.base_prefix
    and importlib.util.find_spec("venv") is not None
    and any(os.path.isfile(os.path.join(place, "__pip-runner__.py")) for place in places),
}))
"""


@dataclass(frozen=True)
class Interpreter:
    """A CPython, with its whole version such as `3.13.2`."""

    executable: Path
    version: str

    @property
    def image(self) -> str:
        """The reference of the image that it stands for: another interpreter or release is another image."""
        series = self.version.rpartition(".")[0]
        digest = sha256(f"{self.executable} {self.version}".encode()).hexdigest()
        return f"provider-hub/pragma-runtime-python{series}@sha256:{digest}"

    @property
    def release(self) -> tuple[int, ...]:
        """The version as numbers, to compare."""
        return tuple(map(int, self.version.split(".")))


Probe = Callable[[Path], Interpreter | None]


def find_interpreters(environment: Mapping[str, str], probe: Probe | None = None) -> Sequence[Interpreter]:
    """Every CPython from 3.11 on that can run pods, the newest first; never empty.

    Looks on the PATH, in pyenv's folder and in uv's, and starts each interpreter once, all at the same time. The one
    that runs this process is always among them. One that does not start, or has no pip, is left out.
    """
    own = own_interpreter()
    # A virtual environment may have a copy of its program instead of a link to it.
    base = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    others = _programs(_candidates(environment), without={own.executable.resolve(), base.resolve()})
    with ThreadPoolExecutor(max_workers=8) as threads:
        found = [interpreter for interpreter in threads.map(probe or probed, others) if interpreter]
    # The own one wins over another of the same version: it has been compiled and read from disk already.
    return sorted([own, *found], key=lambda one: (one.release, one is own), reverse=True)


def own_interpreter() -> Interpreter:
    """The one that runs this process."""
    return Interpreter(Path(sys.executable), platform.python_version())


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    for directory in environment.get("PATH", os.defpath).split(os.pathsep):
        if directory:
            yield from sorted(Path(directory).glob("python3*"))
    home = Path(environment.get("HOME") or "/")
    pyenv = Path(environment.get("PYENV_ROOT") or home / ".pyenv")
    yield from sorted(pyenv.glob("versions/*/bin/python3"))
    # What `uv python dir` prints, by uv's own rule.
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    uv = Path(environment.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")
    yield from sorted(uv.glob("*/bin/python3"))


def _programs(candidates: Iterable[Path], without: Set[Path]) -> Sequence[Path]:
    """The programs behind the names, each once. pyenv's shims are scripts, and stand for programs found elsewhere."""
    named = (path for path in candidates if _NAME.fullmatch(path.name))
    real = dict.fromkeys(path.resolve() for path in named)
    return [path for path in real if path not in without and _is_program(path)]


def _is_program(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_PROGRAM)) == _PROGRAM and os.access(path, os.X_OK)
    except OSError:
        return False


def probed(executable: Path) -> Interpreter | None:
    """What the program says of itself; None where it is no CPython, too old, or cannot run pods."""
    command = [str(executable), "-I", "-c", _PROBE]
    try:
        answer = subprocess.run(command, capture_output=True, check=True, timeout=_PROBE_SECONDS)  # noqa: S603
        facts = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if not facts["is_usable"] or tuple(facts["version"]) < _OLDEST:
        return None
    return Interpreter(executable, ".".join(map(str, facts["version"])))

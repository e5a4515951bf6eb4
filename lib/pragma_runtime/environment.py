"""The virtual environment that holds a provider: its wheel, and what the wheel depends on."""

import shutil
import sys
from pathlib import Path
from typing import NamedTuple

SCRATCH = "tmp"  # in the work directory, beside the environment and so on its file system
# Files of the installers, in the work directory while they run.
PIP_LOG = "pip.log"
PIP_OUTPUT = "pip.out"
UV_OUTPUT = "uv.out"
REQUIREMENTS = "requirements.txt"
INSTALLERS_FILES = (PIP_LOG, PIP_OUTPUT, UV_OUTPUT, REQUIREMENTS)


class ProviderEnvironment(NamedTuple):
    """A virtual environment without pip, whose interpreter sees the standard library and the provider alone.

    A directory that `pip --target` fills would not do: pip installs pure and compiled distributions to two
    directories where the interpreter keeps them apart (`lib` and `lib64`), and then merges the two top-level entry by
    top-level entry, so that one half of a namespace package is lost. In a virtual environment the two are one.
    """

    prefix: Path

    @property
    def packages(self) -> Path:
        """The directory to import from."""
        return self.prefix / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"

    @property
    def scripts(self) -> Path:
        """The directory with the console scripts of the wheel and its dependencies."""
        return self.prefix / "bin"

    @property
    def python(self) -> Path:
        """The interpreter that imports from `packages` and from nothing else but the standard library."""
        return self.scripts / "python"

    def create_anew(self) -> None:
        """Makes the environment empty, whatever it held; raises OSError, say on a full disk.

        The module `venv` would do it too, and write scripts for a person's shell. Every start would wait for its
        import.
        """
        shutil.rmtree(self.prefix, ignore_errors=True)
        for directory in (self.packages, self.scripts):
            directory.mkdir(parents=True)
        (self.prefix / "lib64").symlink_to("lib")
        # Of a runtime that is itself in a virtual environment, the interpreter that this one was made from.
        base = Path(getattr(sys, "_base_executable", sys.executable)).absolute()
        for name in ("python", "python3", f"python3.{sys.version_info.minor}"):
            (self.scripts / name).symlink_to(base)
        version = ".".join(map(str, sys.version_info[:3]))
        lines = (f"home = {base.parent}", "include-system-site-packages = false", f"version = {version}")
        (self.prefix / "pyvenv.cfg").write_text("".join(f"{line}\n" for line in lines))

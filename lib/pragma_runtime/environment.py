"""The virtual environment that holds a provider: its wheel, and what the wheel depends on."""

import sys
import venv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProviderEnvironment:
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

    def create(self) -> None:
        """Makes the empty environment; raises OSError, say on a full disk."""
        venv.EnvBuilder(symlinks=True).create(self.prefix)

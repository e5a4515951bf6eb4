"""Environments for functions: exactly the distributions of a requirements.txt, and no others."""

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.utils import canonicalize_name
from terraform.tools.requirements import read_lock

from local_stack.function_list import FUNCTIONS, FUNCTIONS_DIR


def installed_distributions(cache: Path) -> Mapping[str, Distribution]:
    """The distributions of all functions, as pip installs them from their requirements with hashes checked.

    `cache` keeps them from one run to the next for as long as the requirements stay the same.
    """
    entries: dict[str, str] = {}
    for name in FUNCTIONS:
        entries |= read_lock(FUNCTIONS_DIR / name / "requirements.txt")
    text = "\n".join(entries[name] for name in sorted(entries)) + "\n"
    site = cache / hashlib.sha256(f"{sys.version} {text}".encode()).hexdigest()[:16]
    if not site.exists():
        _install(text, site)
    return {canonicalize_name(found.metadata["Name"]): found for found in distributions(path=[str(site)])}


def site_maker(installed: Mapping[str, Distribution], new_folder: Callable[[], Path]) -> Callable[[Path], Path]:
    """Makes a folder with the distributions of a requirements.txt; one for all files that ask for the same."""
    sites: dict[frozenset[str], Path] = {}

    def make(requirements: Path) -> Path:
        names = frozenset(read_lock(requirements)) & set(installed)
        if names not in sites:
            sites[names] = new_folder()
            for name in names:
                _link(installed[name], sites[names])
        return sites[names]

    return make


def _install(requirements: str, site: Path) -> None:
    """Into `site`, which is there only once it is complete."""
    with tempfile.TemporaryDirectory(dir=site.parent) as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text(requirements)
        options = [
            "--require-hashes",
            "--no-deps",
            "--no-compile",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
        ]
        command = [sys.executable, "-m", "pip", "install", *options, "-r", str(listed), "--target", f"{folder}/site"]
        subprocess.run(command, check=True, timeout=300)
        (Path(folder) / "site").rename(site)


def _link(distribution: Distribution, site: Path) -> None:
    for file in distribution.files or ():
        if ".." in file.parts or file.suffix == ".pyc":
            continue
        target = site / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(str(distribution.locate_file(file)))

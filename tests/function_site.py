"""Environments for functions: exactly the distributions of a requirements.txt, and no others."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import Distribution, PackagePath, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from terraform.tools.requirements import read_lock


@dataclass(frozen=True)
class Installed:
    """What `make setup` installed from the lock, with hashes checked.

    `owners` names the distributions that have files at a path below site-packages, or below that path.
    """

    lock: Mapping[str, str]
    by_name: Mapping[str, Distribution]
    owners: Mapping[tuple[str, ...], set[str]] = field(default_factory=lambda: defaultdict(set))

    def distribution(self, name: str, entry: str) -> Distribution | None:
        """The one that an entry of a requirements.txt asks for; None where its marker leaves it out here.

        Raises AssertionError where something else than what the entry names with its hashes is installed.
        """
        asked = Requirement(entry.partition("\\")[0].strip())
        if asked.marker and not asked.marker.evaluate():
            return None
        assert self.lock.get(name) == entry, f"requirements.lock has another entry for {name}: run make generate"
        found = self.by_name.get(name)
        version = found.version if found else "no version"
        assert f"=={version}" == str(asked.specifier), f"{name}: {version} is installed: run make setup"
        return found


def installed_distributions() -> Installed:
    """Look at every distribution of this environment."""
    installed = Installed(read_lock(), {canonicalize_name(found.metadata["Name"]): found for found in distributions()})
    for name, distribution in installed.by_name.items():
        for file in _files(distribution):
            for end in range(1, len(file.parts) + 1):
                installed.owners[file.parts[:end]].add(name)
    return installed


def site_maker(installed: Installed, new_folder: Callable[[], Path]) -> Callable[[Path], Path]:
    """Makes a folder with the distributions of a requirements.txt; one for all files that ask for the same."""
    sites: dict[frozenset[str], Path] = {}

    def make(requirements: Path) -> Path:
        entries = read_lock(requirements)
        found = {name: installed.distribution(name, entry) for name, entry in entries.items()}
        names = frozenset(name for name, distribution in found.items() if distribution)
        if names not in sites:
            sites[names] = new_folder()
            for name in names:
                _link(installed, name, sites[names])
        return sites[names]

    return make


def _link(installed: Installed, name: str, site: Path) -> None:
    """Links to a distribution's folders, bytecode included, and to its files in folders that others share."""
    distribution = installed.by_name[name]
    for file in _files(distribution):
        parts = file.parts
        places = (parts[:end] for end in range(1, len(parts) + 1))
        own = next((place for place in places if installed.owners[place] == {name}), parts)
        target = site.joinpath(*own)
        if not target.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(str(distribution.locate_file("/".join(own))))


def _files(distribution: Distribution) -> list[PackagePath]:
    """Those in site-packages, without bytecode, which is no distribution's own."""
    return [file for file in distribution.files or () if ".." not in file.parts and file.suffix != ".pyc"]

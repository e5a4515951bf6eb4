"""Environments for functions: exactly the distributions of a requirements.txt, and no others."""

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackagePath, distributions
from importlib.util import cache_from_source
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from terraform.tools.package import LIB, PACKAGE
from terraform.tools.requirements import read_lock

# The parts of a path.
Place = tuple[str, ...]


@dataclass(frozen=True)
class Installed:
    """What `make setup` installed from the lock, with hashes checked.

    `places` are each distribution's own paths below site-packages: folders that no other one has files in, and files in
    folders that others share.
    """

    lock: Mapping[str, str]
    by_name: Mapping[str, Distribution]
    places: Mapping[str, frozenset[Place]]

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
    by_name = {canonicalize_name(found.metadata["Name"]): found for found in distributions()}
    files = {name: _files(distribution) for name, distribution in by_name.items()}
    owners: Mapping[Place, set[str]] = defaultdict(set)
    for name, of_name in files.items():
        for file in of_name:
            for place in _upwards(file):
                owners[place].add(name)
    return Installed(read_lock(), by_name, {name: _own(name, files[name], owners) for name in files})


def _upwards(file: PackagePath) -> Iterator[Place]:
    """From the topmost folder of a file to the file itself."""
    return (file.parts[:end] for end in range(1, len(file.parts) + 1))


def _own(name: str, files: Iterable[PackagePath], owners: Mapping[Place, set[str]]) -> frozenset[Place]:
    return frozenset(next((place for place in _upwards(file) if owners[place] == {name}), file.parts) for file in files)


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


def bring_bytecode(folder: Path) -> None:
    """Give an unpacked function the bytecode of the library's same sources, which it would compile anew."""
    for source in (LIB / PACKAGE).rglob("*.py"):
        compiled, unpacked = Path(cache_from_source(str(source))), folder / source.relative_to(LIB)
        if not compiled.exists() or unpacked.read_bytes() != source.read_bytes():
            continue
        # Python takes bytecode for a source of the size and the time that the bytecode names.
        changed = source.stat().st_mtime_ns
        os.utime(unpacked, ns=(changed, changed))
        beside = Path(cache_from_source(str(unpacked)))
        beside.parent.mkdir(exist_ok=True)
        shutil.copyfile(compiled, beside)


def _link(installed: Installed, name: str, site: Path) -> None:
    """Links to a distribution's folders, bytecode included, and to its files in folders that others share."""
    for place in installed.places[name]:
        target = site.joinpath(*place)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.is_symlink():
            target.symlink_to(str(installed.by_name[name].locate_file("/".join(place))))


def _files(distribution: Distribution) -> list[PackagePath]:
    """Those in site-packages, without bytecode, which is no distribution's own."""
    return [file for file in distribution.files or () if ".." not in file.parts and file.suffix != ".pyc"]

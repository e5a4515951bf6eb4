"""Projects of the package index that this process has read: installers ask for a page more often than it changes."""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provider_hub.domain.catalog import Provider
    from provider_hub.domain.names import ProviderName
    from provider_hub.domain.package_index import IndexedProject

    Providers = tuple[Provider, ...]
    Place = tuple[str, tuple[ProviderName, ...]]

# About a kilobyte each.
MOST_FILES = 20_000


class IndexedProjects:
    """Projects by their name and their providers, each for as long as the rows of those providers stay as they are.

    Every transaction that changes what the index says of a version writes the provider's row too, with another
    `updated_at`: what is found here is never out of date. A caller who may see other providers asks for another place,
    so nobody gets another's view. It belongs to one process. Where there are more files than `most_files`, it forgets
    the projects first that nobody has asked for longest.
    """

    def __init__(self, most_files: int = MOST_FILES) -> None:
        self._most_files = most_files
        self._lock = threading.Lock()
        self._known: OrderedDict[Place, tuple[Providers, IndexedProject]] = OrderedDict()
        self._files = 0

    def find(self, name: str, providers: "Providers") -> "IndexedProject | None":
        """The project as it was read, if these are its providers' rows still."""
        place = _place(name, providers)
        with self._lock:
            known = self._known.get(place)
            if known is None or known[0] != providers:
                return None
            self._known.move_to_end(place)
            return known[1]

    def keep(self, providers: "Providers", project: "IndexedProject") -> None:
        """Remember a project that was read after those rows of its providers."""
        place = _place(project.name, providers)
        with self._lock:
            self._forget(place)
            self._known[place] = (providers, project)
            self._files += _size(project)
            while self._files > self._most_files:
                self._forget(next(iter(self._known)))

    def _forget(self, place: "Place") -> None:
        known = self._known.pop(place, None)
        if known is not None:
            self._files -= _size(known[1])


def _place(name: str, providers: "Providers") -> "Place":
    return name, tuple(provider.provider_name for provider in providers)


def _size(project: "IndexedProject") -> int:
    return 1 + len(project.files)  # one without files takes memory as well

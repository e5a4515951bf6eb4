"""What this process read a moment ago about an installation: a poll of it costs the read of its row alone."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from provider_hub.actions.short_memory import ShortMemory
from provider_hub.domain.names import ProviderName

if TYPE_CHECKING:
    from provider_hub.actions.installed import Installed, LockFacts
    from provider_hub.domain.catalog import Provider

    Known = tuple[Provider | None, LockFacts]

# The installed version and its lock.
Running = tuple[str, str | None]

TRUSTED = timedelta(seconds=10)
_REMEMBERED = 2_000


class KnownProviders:
    """Catalog rows without their readme, and facts about locks, each for TRUSTED: what is published meanwhile shows
    that much later.

    It belongs to one process. Only polls use it: a caller without an earlier answer gets the stored row.
    """

    def __init__(self) -> None:
        self._memory: ShortMemory[tuple[ProviderName, Running], Known] = ShortMemory(TRUSTED, _REMEMBERED)

    def keep(self, name: ProviderName, running: Running, found: "Installed", now: datetime) -> None:
        """Remember what was read beside the row; None stands for a provider that does not exist."""
        small = replace(found.provider, readme=None) if found.provider else None
        self._memory.keep((name, running), (small, found.lock), now)

    def find(self, name: ProviderName, running: Running, now: datetime) -> "Known | None":
        """The remembered row and facts; None if none are remembered, or they are too old."""
        return self._memory.find((name, running), now)

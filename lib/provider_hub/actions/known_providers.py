"""What this process read a moment ago about an installation: a poll of it costs the read of its row alone."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from provider_hub.actions.short_memory import ShortMemory
from provider_hub.domain.names import ProviderName

if TYPE_CHECKING:
    from provider_hub.actions.installed import Installed, LockFacts, Mend
    from provider_hub.domain.catalog import Provider

    Known = tuple[Provider | None, LockFacts]

# The installed version and its lock.
Running = tuple[str, str | None]

TRUSTED = timedelta(seconds=10)
_REMEMBERED = 2_000


class KnownProviders:
    """Catalog rows without their readme, and facts about locks, each for TRUSTED: what is published meanwhile shows
    that much later.

    All organizations share them, so they have nothing of what one organization requires. Which versions it refuses is
    remembered beside them, for each organization by itself.

    It belongs to one process. Only polls use it: a caller without an earlier answer gets the stored row.
    """

    def __init__(self) -> None:
        self._memory: ShortMemory[tuple[ProviderName, Running], Known] = ShortMemory(TRUSTED, _REMEMBERED)
        self._refusals: ShortMemory[Mend, bool] = ShortMemory(TRUSTED, _REMEMBERED)

    def keep(self, name: ProviderName, running: Running, found: "Installed", now: datetime) -> None:
        """Remember what was read beside the row, with the lock's facts that are the same for every organization.

        None stands for a provider that does not exist.
        """
        small = replace(found.provider, readme=None) if found.provider else None
        self._memory.keep((name, running), (small, found.lock), now)

    def find(self, name: ProviderName, running: Running, now: datetime) -> "Known | None":
        """The remembered row and facts; None if none are remembered, or they are too old."""
        return self._memory.find((name, running), now)

    def keep_refusal(self, mend: "Mend", now: datetime, *, is_refused: bool) -> None:
        """Remember whether the organization refuses the version which mends its installation."""
        self._refusals.keep(mend, is_refused, now)

    def refuses(self, mend: "Mend", now: datetime) -> bool | None:
        """Whether it does; None if that is not remembered, or too old."""
        return self._refusals.find(mend, now)

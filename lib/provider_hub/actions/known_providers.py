"""The catalog rows that this process read a moment ago: a poll of an installation costs the read of its row alone."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from provider_hub.domain.names import ProviderName

if TYPE_CHECKING:
    from provider_hub.domain.catalog import Provider

TRUSTED = timedelta(seconds=10)
_REMEMBERED = 2_000


class KnownProviders:
    """Catalog rows without their readme, each for TRUSTED: a version that is published meanwhile shows that much later.

    It belongs to one process. Only polls use it: a caller without an earlier answer gets the stored row.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[ProviderName, tuple[Provider | None, datetime]] = {}

    def keep(self, name: ProviderName, provider: "Provider | None", now: datetime) -> None:
        """Remember what was read; None stands for a provider that does not exist."""
        small = replace(provider, readme=None) if provider else None
        with self._lock:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[name] = (small, now + TRUSTED)

    def find(self, name: ProviderName, now: datetime) -> "tuple[Provider | None] | None":
        """The remembered row in a tuple of one; None if none is remembered, or it is too old."""
        with self._lock:
            kept = self._known.get(name)
        return (kept[0],) if kept and now < kept[1] else None

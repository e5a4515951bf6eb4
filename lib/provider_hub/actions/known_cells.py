"""In which cells this process placed organizations a moment ago, before it reads the organizations again."""

import threading
from datetime import datetime, timedelta

# As long as an organization is kept (`organizations.py`): whoever moves one by hand waits for no more than that.
TRUSTED = timedelta(minutes=1)
_REMEMBERED = 10_000


class KnownCells:
    """The cells of organizations that had none when this process read them, each for TRUSTED."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, datetime]] = {}

    def keep(self, organization_id: str, cell: str, now: datetime) -> None:
        """Remember what a commit at `now` wrote or found."""
        with self._lock:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[organization_id] = (cell, now + TRUSTED)

    def find(self, organization_id: str, now: datetime) -> str | None:
        """The remembered cell; None if none is remembered, or it is too old."""
        with self._lock:
            kept = self._known.get(organization_id)
        return kept[0] if kept and now < kept[1] else None

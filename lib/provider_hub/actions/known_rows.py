"""The rows that this process has last seen, so that it can change one without reading it again."""

import threading
from datetime import datetime, timedelta

from provider_hub.actions.ports import Key, Seen
from provider_hub.actions.short_memory import ShortMemory
from provider_hub.domain.installation import Installation

KNOWN_FOR = timedelta(minutes=10)
# A row takes 12 KiB, and up to 50 with a long timeline.
_MOST_ROWS = 1000
# A use that is overtaken costs a refused commit, one that is not saves a read.
_SHARE_THAT_PAYS = 0.7
_WEIGHT_OF_A_USE = 0.05
_ONE_TRY_OF = 32


class KnownRows:
    """Rows as they were last read or written here. Threads share it.

    An old row does no harm, since a change is committed on condition that the row is as it is known. It costs a commit
    that is refused, though. Where several instances handle the check-ins of a row in turn, what each of them knows is
    mostly old. So a row is only said to be known while most of them turn out to be as they were known.
    """

    def __init__(self) -> None:
        self._rows: ShortMemory[str, Seen[Installation]] = ShortMemory(KNOWN_FOR, _MOST_ROWS)
        self._lock = threading.Lock()
        self._share_as_known = 1.0
        self._refused = 0

    def find(self, key: Key[Installation], now: datetime) -> Seen[Installation] | None:
        """The row as it was last seen here; None where it was not, or where a use of it would not pay at present."""
        known = self._rows.find(key.place, now)
        return known if known and self._pays() else None

    def keep(self, key: Key[Installation], seen: Seen[Installation] | None, now: datetime) -> None:
        """Remember the row as it was seen at `now`; None, and one that is not there, is forgotten."""
        if seen and seen.record:
            self._rows.keep(key.place, seen, now)
        else:
            self._rows.forget(key.place)

    def was(self, *, as_known: bool) -> None:
        """Learn from a use of a row that was found here."""
        with self._lock:
            self._share_as_known += _WEIGHT_OF_A_USE * (as_known - self._share_as_known)

    def _pays(self) -> bool:
        with self._lock:
            if self._share_as_known >= _SHARE_THAT_PAYS:
                return True
            self._refused += 1
            return self._refused % _ONE_TRY_OF == 0

"""The rows that this process has last seen, so that it can change one without reading it again."""

import threading
from datetime import UTC, datetime, timedelta

from provider_hub.actions.ports import Key, Seen
from provider_hub.actions.short_memory import ShortMemory
from provider_hub.domain.installation import Installation

# Long enough for six check-ins at the default interval. An older row would do no harm, but it takes room.
KNOWN_FOR = timedelta(minutes=30)
# Together 50 MiB at most: a document of 16 KiB, and its record. Most take 12 KiB with it.
_MOST_ROWS = 1000
_MOST_BYTES = 16 * 1024
# A use that is overtaken costs a refused commit, one that is not saves a read.
_SHARE_THAT_PAYS = 0.7
_WEIGHT_OF_A_USE = 0.05
_UNTIL_ANOTHER_TRY = timedelta(minutes=10)


class KnownRows:
    """Rows as they were last read or written here. Threads share it.

    An old row does no harm, since a change is committed on condition that the row is as it is known. It costs a commit
    that is refused, though. Where several instances handle the check-ins of a row in turn, what each of them knows is
    mostly old. So when too few rows turn out to be as they were known, none is said to be known for a while.
    """

    def __init__(self) -> None:
        self._rows: ShortMemory[str, Seen[Installation]] = ShortMemory(KNOWN_FOR, _MOST_ROWS)
        self._lock = threading.Lock()
        self._share_as_known = 1.0
        self._none_until = datetime.min.replace(tzinfo=UTC)

    def find(self, key: Key[Installation], now: datetime) -> Seen[Installation] | None:
        """The row as it was last seen here; None where it was not, or where a use of it would not pay at present."""
        return self._rows.find(key.place, now) if now >= self._none_until else None

    def last_seen(self, key: Key[Installation], now: datetime) -> Installation | None:
        """The row as it was last seen here, for what needs no row as it is now; None where it was not."""
        seen = self._rows.find(key.place, now)
        return seen.record if seen else None

    def keep(self, key: Key[Installation], seen: Seen[Installation] | None, now: datetime) -> None:
        """Remember the row as it was seen at `now`; None is forgotten, and a row that is not there or too large."""
        if seen and seen.record and seen.size <= _MOST_BYTES:
            self._rows.keep(key.place, seen, now)
        else:
            self._rows.forget(key.place)

    def forget(self, key: Key[Installation]) -> None:
        """Know nothing of the row."""
        self._rows.forget(key.place)

    def held(self) -> None:
        """Learn that a row was as it was known."""
        self._learn(1.0)

    def was_overtaken(self, key: Key[Installation], known: Seen[Installation], now: datetime) -> None:
        """Learn that somebody had written the row since. It says nothing if that was another thread of this process."""
        if self._rows.find(key.place, now) is not known:
            return
        self._learn(0.0)
        with self._lock:
            if self._share_as_known < _SHARE_THAT_PAYS:
                self._share_as_known, self._none_until = 1.0, now + _UNTIL_ANOTHER_TRY

    def _learn(self, outcome: float) -> None:
        with self._lock:
            self._share_as_known += _WEIGHT_OF_A_USE * (outcome - self._share_as_known)

"""The quota without a count at every install: a count that finds room lets this process admit a share of it."""

import threading
from datetime import datetime, timedelta

# As many instances as the function may have (terraform): all their shares together are no more than the room was.
SHARES = 20
TRUSTED = timedelta(seconds=10)
_REMEMBERED = 10_000


class Room:
    """How many installations each organization may still be given here without being counted again.

    What is admitted elsewhere is not seen until the share is used up or its time is over, so a burst of seconds
    over many instances may overshoot, by less than the shares they hold. Counting at every install would allow
    as much: requests that are under way together all count the same. Nobody is refused without a fresh count.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shares: dict[str, tuple[int, datetime]] = {}

    def take(self, organization_id: str, now: datetime) -> bool:
        """Whether one more is admitted; if not, count."""
        with self._lock:
            left, until = self._shares.get(organization_id, (0, now))
            if not left or now >= until:
                self._shares.pop(organization_id, None)
                return False
            self._shares[organization_id] = (left - 1, until)
            return True

    def found(self, organization_id: str, room: int, now: datetime) -> None:
        """A count of this moment left `room` installations."""
        share = room // SHARES
        with self._lock:
            if len(self._shares) >= _REMEMBERED:
                self._shares.clear()
            self._shares[organization_id] = (share, now + TRUSTED)

"""The quota without a read at every install: what a count left free lets this process admit a share of it."""

import threading
from datetime import datetime, timedelta

# No fewer than the instances that functions/functions.json allows, so that all shares together never exceed what the
# count left free. With more instances, a burst over all of them may exceed it.
SHARES = 20
TRUSTED = timedelta(seconds=10)
_REMEMBERED = 10_000


class QuotaCache:
    """How many more installations this process may admit for each organization without another count.

    A share lasts for TRUSTED. Until then this process does not see what other instances admit. A burst over many
    instances may therefore exceed the quota, by less than the shares that they hold. A count at every install would
    not prevent that: requests that run at the same time all get the same count. An install is refused only after
    a fresh count.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shares: dict[str, tuple[int, datetime]] = {}

    def take(self, organization_id: str, now: datetime) -> bool:
        """Admit one installation from the share; False when the caller has to count first."""
        with self._lock:
            left, until = self._shares.get(organization_id, (0, now))
            if not left or now >= until:
                self._shares.pop(organization_id, None)
                return False
            self._shares[organization_id] = (left - 1, until)
            return True

    def counted(self, organization_id: str, free: int, now: datetime) -> None:
        """A count at `now` left `free` installations: this process gets its share of them."""
        share = free // SHARES
        with self._lock:
            if len(self._shares) >= _REMEMBERED:
                self._shares.clear()
            self._shares[organization_id] = (share, now + TRUSTED)

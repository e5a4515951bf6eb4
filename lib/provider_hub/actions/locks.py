"""Locks: within one process, transactions on the same installation run one after the other."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from provider_hub.domain.errors import TemporaryError

_LOCKS = 64
_PATIENCE_SECONDS = 5.0


class InstallationLocks:
    """Serializes what concerns one installation, or counts one organization, within this process.

    Pub/Sub delivers copies of a message to one instance at the same time. Without a lock they read the same row,
    conflict on commit, and exhaust their retries. Likewise, a tenant's installs that arrive together would each run
    the same count. Names share 64 locks by their hash, so two names may wait for each other.
    """

    def __init__(self) -> None:
        self._locks = tuple(threading.RLock() for _ in range(_LOCKS))

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Waits at most 5 s for the lock of `name`. Raises TemporaryError when its holder needs longer."""
        lock = self._locks[hash(name) % _LOCKS]
        if not lock.acquire(timeout=_PATIENCE_SECONDS):
            raise TemporaryError("an earlier request about the same is still under way here")
        try:
            yield
        finally:
            lock.release()

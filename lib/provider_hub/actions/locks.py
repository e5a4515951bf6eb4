"""Locks with names: within one process, whatever holds the same name runs one after the other."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from provider_hub.domain.errors import TemporaryError

_PATIENCE_SECONDS = 5.0


class NamedLocks:
    """Within one process, whatever holds the same name runs one after the other.

    The names are ids of installations and of organizations, and paths of documents. Pub/Sub delivers copies of a
    message to one instance at the same time. Without a lock they read the same row, conflict on commit, and exhaust
    their retries. Likewise, a tenant's installs that arrive together would each run the same count, and its publishes
    would conflict over the document that counts them. A name has a lock of its own for as long as somebody holds or
    wants it: a holder commits under it, which takes a round trip of the database, and whoever is about something else
    does not wait for that.
    """

    def __init__(self) -> None:
        self._locks: dict[str, threading.RLock] = {}
        self._wanted: Counter[str] = Counter()
        self._changing = threading.Lock()

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Waits at most 5 s for the lock of `name`. Raises TemporaryError when its holder needs longer."""
        with self._lock_of(name) as lock:
            if not lock.acquire(timeout=_PATIENCE_SECONDS):
                raise TemporaryError("an earlier request about the same is still under way here")
            try:
                yield
            finally:
                lock.release()

    @contextmanager
    def _lock_of(self, name: str) -> Iterator[threading.RLock]:
        with self._changing:
            lock = self._locks.setdefault(name, threading.RLock())
            self._wanted[name] += 1
        try:
            yield lock
        finally:
            with self._changing:
                self._wanted[name] -= 1
                if not self._wanted[name]:
                    del self._wanted[name], self._locks[name]

"""What concerns one installation, or counts one organization, passes through a process one after the other."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from provider_hub.domain.errors import TemporaryError

_LOCKS = 64
_PATIENCE_SECONDS = 5.0


class SingleFile:
    """Who comes after somebody with the same name waits, for 5 s at most.

    Copies of a message reach an instance together. Side by side each has read the row when the other wants to commit,
    so all of them are refused and try again; and where a reader's lock is waited for, more of them than go in a
    while are refused for good. A tenant's installs that come together would each count what one count tells.
    """

    def __init__(self) -> None:
        self._locks = tuple(threading.RLock() for _ in range(_LOCKS))

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Raises TemporaryError when the one before does not come to its end in time."""
        lock = self._locks[hash(name) % _LOCKS]
        if not lock.acquire(timeout=_PATIENCE_SECONDS):
            raise TemporaryError("an earlier request about the same is still under way here")
        try:
            yield
        finally:
            lock.release()

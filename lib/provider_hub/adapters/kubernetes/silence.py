"""A control plane that gives no answer is not asked for a moment.

A call waits until its time is up for a cluster that takes connections and answers none. The functions serve all cells
with the same few threads, so a silent cell would soon hold all of them.
"""

import threading
from collections.abc import Callable

from provider_hub.actions.cluster import Unanswered

# So many calls in a row, with no answer to another one in between: a single slow one is no sign of silence.
UNANSWERED_IN_A_ROW = 3
PAUSE_SECONDS = 5.0


class Silence:
    """What one cluster's calls tell of it. One object serves all threads of a process; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._until = 0.0

    def admit_call(self) -> None:
        """Return if the cluster is to be called: while it is silent, by one call in PAUSE_SECONDS.

        Raises Unanswered for the others.
        """
        with self._lock:
            if self._in_a_row < UNANSWERED_IN_A_ROW:
                return
            now = self._clock()
            if now < self._until:
                raise Unanswered("the cluster left the last calls unanswered: it is asked again in some seconds")
            self._until = now + PAUSE_SECONDS

    def answered(self) -> None:
        """A call was answered, with whatever status."""
        with self._lock:
            self._in_a_row = 0

    def unanswered(self) -> None:
        """A call waited in vain until its time was up."""
        with self._lock:
            self._in_a_row += 1
            self._until = self._clock() + PAUSE_SECONDS

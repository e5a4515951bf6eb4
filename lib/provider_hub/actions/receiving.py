"""The bodies of requests that are on their way into this process: how long each may take, and how many of one caller.

A thread that waits for a body serves nobody else meanwhile, and an instance has few of them. Whoever sends bodies drop
by drop, with a token or without, would hold all.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from provider_hub.actions.turns import Turns
from provider_hub.domain.errors import QuotaExceeded, TemporaryError

_WAIT_SECONDS = 0.5
_RETRY_SECONDS = 1


@dataclass(frozen=True, slots=True)
class BodyPace:
    """How long a body may take: `seconds`, and as long as its length takes at `least_bytes_per_second`.

    It is never more than `most_seconds`, and a function has yet to do its work afterwards.
    """

    seconds: float = 10
    least_bytes_per_second: int = 128 * 1024
    most_seconds: float = 120

    def seconds_for(self, length: int) -> float:
        """The time from the first read to the last byte of a body of `length` bytes."""
        return min(self.seconds + length / self.least_bytes_per_second, self.most_seconds)


class Receiving:
    """The places of one process for bodies that are not there yet; it has `threads` threads for requests.

    A holder is an organization, or the address of a caller who is nobody's. Half of the threads at most wait for its
    bodies; an eighth wait for such a place, for a moment; and an eighth take in what those still send who were refused.
    """

    def __init__(self, threads: int = 8, pace: BodyPace | None = None) -> None:
        self.pace = pace or BodyPace()
        few = threads // 8
        # Two publishes of one organization may run at a time, and a function for them has three threads.
        each = max(2, threads // 2)
        self._places = Turns(threads, 2 * few, _WAIT_SECONDS, "bodies", each=each)
        few = max(1, few)
        self._remains = Turns(few, 0, 0, "remains of bodies", each=few)

    @contextmanager
    def place(self, holder: str) -> Iterator[None]:
        """A place for as long as a body of the holder's arrives. Raises QuotaExceeded."""
        with ExitStack() as stack:
            try:
                stack.enter_context(self._places.turn(holder))
            except TemporaryError:
                sentence = "you are still sending as many other requests as you may at a time: wait for one to end"
                raise QuotaExceeded(sentence, _RETRY_SECONDS) from None
            yield

    def remains(self) -> AbstractContextManager[None]:
        """A place for what a caller still sends who is answered already. Raises TemporaryError where none is free."""
        return self._remains.turn()

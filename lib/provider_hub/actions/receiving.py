"""The threads of this process that one caller may hold: with requests under way, and with bodies that arrive.

A thread that waits serves nobody else meanwhile, and an instance has few of them. Whoever sends bodies drop by drop,
with a token or without, would hold all; so would a tenant that asks faster than its requests are answered.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from provider_hub.actions.turns import Turns
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import QuotaExceeded, TemporaryError

_WAIT_SECONDS = 0.5
_RETRY_SECONDS = 1
_MANY_THREADS = 16


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
    Of many threads three quarters at most have one organization's requests.
    """

    def __init__(self, threads: int = 8, pace: BodyPace | None = None) -> None:
        self.pace = pace or BodyPace()
        few = threads // 8
        # Two publishes of one organization may run at a time, and a function for them has three threads.
        each = max(2, threads // 2)
        self._places = Turns(threads, 2 * few, _WAIT_SECONDS, "bodies", each=each)
        # Of few threads none is kept free: two publishes or a client with eight connections are nothing unusual.
        most = threads - threads // 4 if threads >= _MANY_THREADS else threads
        self._requests = Turns(threads, 0, 0, "requests", each=most)
        few = max(1, few)
        self._remains = Turns(few, 0, 0, "remains of bodies", each=few)

    @contextmanager
    def place(self, holder: str) -> Iterator[None]:
        """A place for as long as a body of the holder's arrives. Raises QuotaExceeded."""
        sentence = "you are still sending as many other requests as you may at a time: wait for one to end"
        with _or_refused(self._places.turn(holder), sentence):
            yield

    @contextmanager
    def request(self, organization_id: str) -> Iterator[None]:
        """One of the requests that an organization may have under way. Raises QuotaExceeded."""
        sentence = "the organization has as many requests under way as it may: wait for one to be answered"
        with _or_refused(self._requests.turn(organization_id), sentence):
            yield

    def remains(self) -> AbstractContextManager[None]:
        """A place for what a caller still sends who is answered already. Raises TemporaryError where none is free."""
        return self._remains.turn()


@contextmanager
def _or_refused(turn: AbstractContextManager[None], sentence: str) -> Iterator[None]:
    """The turn; where there is none, QuotaExceeded. What fails within the turn fails as it is."""
    with ExitStack() as stack:
        try:
            stack.enter_context(turn)
        except TemporaryError:
            raise QuotaExceeded(sentence, _RETRY_SECONDS) from None
        yield

"""The refusals and failures of the domain, each with one human sentence.

The HTTP layer maps a Refusal to its status; a Pub/Sub consumer raises TemporaryError to be delivered
again and records PermanentError. No message names a document path, a host of ours or a token.
"""

from dataclasses import dataclass


class HubError(Exception):
    """Base of every error that this system raises on purpose."""


class Refusal(HubError):
    """The caller asked for something that cannot be; `str()` is the sentence to answer with."""


class NotFound(Refusal):
    """Unknown, or not visible to the caller: the two are never told apart."""


class Forbidden(Refusal):
    """The caller is known and may not do this."""


class Conflict(Refusal):
    """What is stored contradicts the request."""


class UnderWay(Conflict):
    """The same request is being handled right now; asking again shortly gets its answer."""


class QuotaExceeded(Refusal):
    """The organization has as many installations as it may have."""


class TooLarge(Refusal):
    """The request's body is over `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is over {limit} bytes")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a request: where (`("body", "version")`), what, and a stable type."""

    loc: tuple[str | int, ...]
    msg: str
    type: str = "value_error"


class Invalid(Refusal):
    """The request is well-formed JSON that cannot be accepted; `problems` says where."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.msg for problem in problems))
        self.problems = problems

    @classmethod
    def at(cls, *loc: str | int, msg: str, kind: str = "value_error") -> "Invalid":
        """A single problem at `loc`."""
        return cls(Problem(loc, msg, kind))


class TemporaryError(HubError):
    """A dependency failed in a way that passes; trying again later is right."""


class PermanentError(HubError):
    """Trying again cannot help; `str()` is the reason to record."""


class MalformedMessage(PermanentError):
    """A message that no consumer can ever understand; it belongs in the dead letters."""


class NotAuthenticated(HubError):
    """The caller's token is missing, malformed or not valid: the caller gets no reason.

    `why` is for the log; it never holds the token or a part of it.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

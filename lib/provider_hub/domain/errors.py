"""The refusals and failures of the system, each with one sentence for a person.

The HTTP layer maps a Refusal to its status; a Pub/Sub consumer raises TemporaryError to be delivered
again, and records PermanentError. No message names a document path, an internal host or a token.
"""

from typing import Self

from provider_hub.domain.dataclass import dataclass


class HubError(Exception):
    """Base of every error that this system raises on purpose."""


class Refusal(HubError):
    """The caller asked for something that is not possible; `str()` is the sentence to answer with."""


class NotFound(Refusal):
    """Unknown, or not visible to the caller: the answer never shows which of the two."""


class Forbidden(Refusal):
    """The caller is known and may not do this."""


class Conflict(Refusal):
    """What is stored contradicts the request."""


class UnderWay(Conflict):
    """The same request is being handled right now; a repetition in a moment gets its answer."""


class MintRefused(Refusal):
    """The hub gives no token for this token of a CI platform; tools tell kinds of refusals by `code`."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class QuotaExceeded(Refusal):
    """The organization has reached one of its limits."""

    def __init__(self, sentence: str, retry_after_seconds: int = 60) -> None:
        super().__init__(sentence)
        self.retry_after_seconds = retry_after_seconds


class TooLarge(Refusal):
    """The request's body is over `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is over {limit} bytes")


class TooSlow(Refusal):
    """The request's body was not there within `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the body took longer than {seconds:.1f} seconds: send it faster, or a smaller one")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a request: where (`("body", "version")`), what, and a stable type."""

    loc: tuple[str | int, ...]
    msg: str
    type: str = "value_error"


class Invalid(Refusal):
    """A rule refuses the request, although it fits its schema; `problems` says where."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.msg for problem in problems))
        self.problems = problems

    @classmethod
    def at(cls, *loc: str | int, msg: str, kind: str = "value_error") -> Self:
        """A refusal with a single problem at `loc`."""
        return cls(Problem(loc, msg, kind))


class SchemaViolation(Invalid):
    """The request's body, query or header does not fit its schema; `problems` says where."""


class TemporaryError(HubError):
    """A dependency failed in a way that passes, so a later retry may succeed."""


class PermanentError(HubError):
    """A retry cannot succeed; `str()` is the reason to record."""


class MalformedMessage(PermanentError):
    """A message that no consumer can read; it becomes a dead letter without a retry."""


class NotAuthenticated(HubError):
    """The caller's token is missing, malformed or not valid: the caller gets no reason.

    `why` is for the log; it never holds the token or a part of it.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

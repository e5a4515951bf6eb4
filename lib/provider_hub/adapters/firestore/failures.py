"""Which failures of Firestore are temporary, and which say that somebody else wrote first."""

from collections.abc import Iterator
from contextlib import contextmanager

from google.api_core import exceptions

from provider_hub.domain.errors import TemporaryError

# Of a transaction, and of a commit on condition that a document is as it was read.
CONFLICTS = (exceptions.Aborted,)
CONDITION_FAILED = (exceptions.Aborted, exceptions.FailedPrecondition, exceptions.NotFound, exceptions.AlreadyExists)
TEMPORARY = (
    exceptions.Aborted,
    exceptions.ServiceUnavailable,
    exceptions.DeadlineExceeded,
    exceptions.InternalServerError,
    exceptions.ResourceExhausted,
    exceptions.Cancelled,
    exceptions.Unknown,
    exceptions.RetryError,
)


@contextmanager
def translated() -> Iterator[None]:
    """Raise Firestore's temporary failures as TemporaryError. Any other error is a fault of ours and stays as it is."""
    try:
        yield
    except TEMPORARY as error:
        raise no_answer(error) from error


def no_answer(error: Exception) -> TemporaryError:
    """The TemporaryError to raise for a failure of the database; its message names the kind of failure only."""
    return TemporaryError(f"the database did not answer: {type(error).__name__}")

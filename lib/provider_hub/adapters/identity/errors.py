"""Why a caller is not let in."""

from provider_hub.domain.errors import HubError


class IdentityError(HubError):
    """Base of what authentication raises."""


class NotAuthenticated(IdentityError):
    """The token is missing, malformed or not valid: the caller gets 401 and no reason.

    `why` is for the log; it never holds the token or a part of it.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class IdentityUnavailable(IdentityError):
    """No key of the realm is known and its endpoint does not answer: 503, for the token may well be good.

    `retry_after` is in whole seconds.
    """

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after

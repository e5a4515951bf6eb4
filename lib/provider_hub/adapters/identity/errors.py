"""Why a token cannot be verified now."""

from provider_hub.domain.errors import TemporaryError


class IdentityUnavailable(TemporaryError):
    """No key of the realm is known and its endpoint does not answer: 503, for the token may well be good.

    `retry_after` is in whole seconds.
    """

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after

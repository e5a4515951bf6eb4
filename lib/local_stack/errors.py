"""The one error of this package that a person is meant to read."""

from hub_cli.errors import ClientError


class LocalError(ClientError):
    """Something on this machine stands in the way; the message says what, and what to do about it."""

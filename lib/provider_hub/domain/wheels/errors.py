"""Why a wheel is not taken; each message is one sentence fit for the caller."""

from provider_hub.domain.errors import HubError


class WheelError(HubError):
    """Base of what fetching a wheel raises."""


class WheelRefused(WheelError):
    """The URL, or where it leads, is not one that may be fetched."""


class WheelUnreachable(WheelError):
    """The host did not deliver: DNS, connection, certificate, status, time, or a body cut short."""


class WheelInvalid(WheelError):
    """The file is not a wheel that could be installed."""


class DigestMismatch(WheelError):
    """The bytes are not those the author announced."""

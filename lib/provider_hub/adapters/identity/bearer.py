"""The bearer token of an Authorization header (RFC 6750)."""

import re

from provider_hub.domain.errors import NotAuthenticated

_BEARER = re.compile(r"bearer +([^\s,]+)", re.IGNORECASE)


def bearer_token(authorization_header: str | None) -> str:
    """The token, not verified yet. Raises NotAuthenticated where there is none."""
    if not authorization_header:
        raise NotAuthenticated("no Authorization header")
    match = _BEARER.fullmatch(authorization_header.strip())
    if not match:
        raise NotAuthenticated("the Authorization header is not of the form: Bearer <token>")
    return match[1]

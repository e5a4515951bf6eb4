"""Tokens as Python's own tools send them: as the password of a login (RFC 7617)."""

import base64
import binascii
import re

_BASIC = re.compile(r"basic +([A-Za-z0-9+/=]+)", re.IGNORECASE)


def bearer_of(authorization: str | None, user: str | None = None) -> str | None:
    """The header with the token as a bearer, where it came as the password of `user`; of any user where that is None.

    Any other header stays as it is, and is refused as one.
    """
    match = _BASIC.fullmatch((authorization or "").strip())
    if not match:
        return authorization
    try:
        given, _, token = base64.b64decode(match[1], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return authorization
    return f"Bearer {token}" if user in (None, given) else authorization

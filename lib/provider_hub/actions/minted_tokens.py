"""Tokens of trusted publishers, as every function meets them."""

import re
from hashlib import sha256

from provider_hub.actions import keys
from provider_hub.actions.ports import DocumentStore
from provider_hub.actions.services import Services
from provider_hub.domain.publishers.records import MintedToken

PREFIX = "hubpub_"
_FORM = re.compile(r"hubpub_[A-Za-z0-9_-]{43}")
_BEARER = re.compile(rf"bearer +({PREFIX}[^\s,]+)", re.IGNORECASE)


def minted_token_of(authorization_header: str | None) -> str | None:
    """The token of a trusted publisher in a header, not looked up yet; None for a token of another kind."""
    match = _BEARER.fullmatch((authorization_header or "").strip())
    return match[1] if match else None


def find_minted(services: Services[DocumentStore], token: str) -> MintedToken | None:
    """What a token may publish; None for one that is burnt, expired or unknown, or whose publisher was removed."""
    if not has_form(token):
        return None
    found = services.store.get(keys.minted_token(digest(token)))
    if found is None or services.clock() >= found.expires_at:
        return None
    return found if services.store.get(keys.publisher(found.publisher_id)) else None


def has_form(token: str) -> bool:
    """Whether a text looks like such a token: nothing is read for one that does not."""
    return _FORM.fullmatch(token) is not None


def digest(token: str) -> str:
    """What a token is stored by."""
    return sha256(token.encode()).hexdigest()

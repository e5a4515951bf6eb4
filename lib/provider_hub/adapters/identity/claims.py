"""From verified claims to the principal they speak of."""

import re
from typing import Any

from provider_hub.adapters.identity.realm import VerifiedClaims
from provider_hub.adapters.identity.scopes import words_of
from provider_hub.domain.errors import NotAuthenticated
from provider_hub.domain.identity import (
    ConsoleMachine,
    ConsolePrincipal,
    ConsoleUser,
    CustomerPrincipal,
    Machine,
    OrganizationClaims,
    User,
)

# Ids and slugs become document paths and object names: nothing in them may mean anything there.
_SUBJECT = re.compile(r"(user|mch)_[A-Za-z0-9_.-]{1,200}")
_TOKEN_ID = re.compile(r"mt_[A-Za-z0-9_.-]{1,200}")
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


def customer_principal(claims: VerifiedClaims) -> CustomerPrincipal:
    """The user or machine of a customer token. Raises NotAuthenticated where the claims name neither."""
    kind, subject = _subject(claims)
    organization = _organization(claims)
    if kind == "mch":
        return Machine(machine_id=subject, organization=organization, scopes=words_of(claims.get("scopes")))
    return User(user_id=subject, email=_text(claims, "email"), organization=organization)


def console_principal(claims: VerifiedClaims) -> ConsolePrincipal:
    """The user or machine of a console token. Raises NotAuthenticated where the claims name neither."""
    kind, subject = _subject(claims)
    if kind == "user":
        return ConsoleUser(user_id=subject)
    token_id = _text(claims, "jti")
    if token_id is None or not _TOKEN_ID.fullmatch(token_id):
        raise NotAuthenticated("a console machine's token needs a jti of the form mt_…")
    return ConsoleMachine(machine_id=subject, token_id=token_id, scopes=words_of(claims.get("scopes")))


def _subject(claims: VerifiedClaims) -> tuple[str, str]:
    subject = claims["sub"]
    match = _SUBJECT.fullmatch(subject)
    if not match:
        raise NotAuthenticated("the token's sub is neither user_… nor mch_…")
    return match[1], subject


def _organization(claims: VerifiedClaims) -> OrganizationClaims | None:
    nested = claims.get("o")
    if nested is None:
        nested = {}
    if not isinstance(nested, dict):
        raise NotAuthenticated("the token's organization claim o is not an object")
    short = [_text(nested, key) for key in ("id", "slg", "rol")]
    long = [_text(claims, key) for key in ("org_id", "org_slug", "org_role")]
    # Where an issuer lets applications add claims, one of the two may not be the issuer's own word.
    if any(one and other and _bare(one) != _bare(other) for one, other in zip(short, long, strict=True)):
        raise NotAuthenticated("the token names two organizations or roles: o and org_* disagree")
    organization_id, slug, role = short if any(short) else long
    if organization_id is None and slug is None:
        return None
    for value in (organization_id, slug):
        if value is None or not _IDENTIFIER.fullmatch(value):
            raise NotAuthenticated("the token's organization has no usable id and slug")
    return OrganizationClaims(
        organization_id=str(organization_id),
        slug=str(slug),
        role=_bare(role) if role else None,
        name=_text(claims, "org_name"),
    )


def _bare(text: str) -> str:
    """A role without the issuer's prefix, which `org_role` has and `o.rol` has not; an id or slug as it is."""
    return text.removeprefix("org:")


def _text(claims: dict[str, Any], key: str) -> str | None:
    value = claims.get(key)
    if value is not None and not isinstance(value, str):
        raise NotAuthenticated(f"the token's {key} is not a string")
    return value or None

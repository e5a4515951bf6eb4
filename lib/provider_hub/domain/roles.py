"""What a caller of the customer realm may do in its organization, by a person's role or a machine's scopes."""

from collections.abc import Iterable
from enum import StrEnum


class Right(StrEnum):
    """What a route takes. Each includes those before it."""

    READ = "read"
    PUBLISH = "publish"
    MANAGE = "manage"

    def includes(self, other: "Right") -> bool:
        """Whether whoever has this right has `other` too."""
        order = list(Right)
        return order.index(self) >= order.index(other)


ROLES = {"member": Right.READ, "publisher": Right.PUBLISH, "admin": Right.MANAGE}
_SCOPE_PREFIX = "hub:"


def right_of_role(role: str | None) -> Right:
    """A person's right. An unknown role reads; an issuer that names no roles leaves everything to everybody."""
    return Right.MANAGE if role is None else ROLES.get(role, Right.READ)


def right_of_scopes(scopes: Iterable[str]) -> Right:
    """A machine's right: the widest of `hub:read`, `hub:publish` and `hub:manage`, everything where it has none.

    Other scopes are other services' words: some issuers put the machines there that a token may be shown to.
    """
    ours = [scope.removeprefix(_SCOPE_PREFIX) for scope in scopes if scope.startswith(_SCOPE_PREFIX)]
    if not ours:
        return Right.MANAGE
    named = [right for right in Right if right in ours]
    return named[-1] if named else Right.READ

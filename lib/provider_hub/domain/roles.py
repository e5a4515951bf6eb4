"""What a caller of the customer realm may do in its organization, by a person's role or a machine's scopes."""

from collections.abc import Iterable
from enum import StrEnum


class Right(StrEnum):
    """What a route takes. Each includes those before it."""

    READ = "read"
    PUBLISH = "publish"
    MANAGE = "manage"

    def includes(self, other: "Right") -> bool:
        """Whether this right includes `other`."""
        order = list(Right)
        return order.index(self) >= order.index(other)


ROLES = {"member": Right.READ, "publisher": Right.PUBLISH, "admin": Right.MANAGE}
_SCOPE_PREFIX = "hub:"


def right_of_role(role: str | None) -> Right:
    """A person's right. An unknown role may read. Without a role a person may do everything: the issuer has none."""
    return Right.MANAGE if role is None else ROLES.get(role, Right.READ)


def right_of_scopes(scopes: Iterable[str]) -> Right:
    """A machine's right: the widest of `hub:read`, `hub:publish` and `hub:manage`, everything where it has none.

    Other scopes belong to other services: some issuers list there the machines that may receive the token.
    """
    ours = [scope.removeprefix(_SCOPE_PREFIX) for scope in scopes if scope.startswith(_SCOPE_PREFIX)]
    if not ours:
        return Right.MANAGE
    named = [right for right in Right if right in ours]
    return named[-1] if named else Right.READ

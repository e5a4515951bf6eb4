"""The records of organizations."""

from datetime import datetime

from provider_hub.domain.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Organization:
    """A tenant. Its slug never changes, because the name of its namespace is made from it.

    `status` is `active` or `suspended`; `suspended_reason` is the reason that its callers get then.
    """

    organization_id: str
    name: str
    slug: str
    status: str
    created_at: datetime
    updated_at: datetime
    suspended_reason: str | None = None


@dataclass(frozen=True, slots=True)
class SlugClaim:
    """The organization that a slug belongs to: the first one whose token had it."""

    slug: str
    organization_id: str

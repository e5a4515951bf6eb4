"""The records of organizations."""

from datetime import datetime

from provider_hub.domain.cells import DEFAULT_CELL
from provider_hub.domain.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Organization:
    """A tenant. Its slug never changes, because the name of its namespace is made from it.

    `status` is `active` or `suspended`; `suspended_reason` is the reason that its callers get then. `cell` names the
    cluster that its pods run in; None until its first install chooses one.
    """

    organization_id: str
    name: str
    slug: str
    status: str
    created_at: datetime
    updated_at: datetime
    suspended_reason: str | None = None
    # A document that was stored before there were cells has no such field: its organization is in the default cell.
    cell: str | None = DEFAULT_CELL


@dataclass(frozen=True, slots=True)
class SlugClaim:
    """The organization that a slug belongs to: the first one whose token had it."""

    slug: str
    organization_id: str

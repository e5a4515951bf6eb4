"""What is asked of the audit, within which bounds (contract, section 6)."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from provider_hub.actions.wishes.base import Wish
from provider_hub.actions.wishes.fields import NO_NUL
from provider_hub.domain.audit import AuditAction
from provider_hub.domain.identifiers import ULID_PATTERN


class OwnAuditQuery(Wish):
    """Which entries of the caller's own organization, and which page of them."""

    action: AuditAction | None = Field(None, description="Only this action.")
    since: AwareDatetime | None = Field(
        None, description="Only what was done at this time or later.", examples=["2026-03-01T00:00:00Z"]
    )
    limit: int = Field(50, ge=1, le=200, description="How many entries a page has.")
    page_token: str | None = Field(
        None, pattern=f"^{ULID_PATTERN}$", description="`next_page_token` of the page before."
    )


class AuditQuery(OwnAuditQuery):
    """Which entries of all, or of one organization."""

    organization: Annotated[str, Field(min_length=1, max_length=200), NO_NUL] | None = Field(
        None, description="Only what concerns this organization, by its id."
    )

"""The audit as callers see it, and an organization's own for its admins (contract, section 6)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, Self

from pydantic import Field

from provider_hub.actions import audit
from provider_hub.actions.services import Services
from provider_hub.actions.wishes.audit import OwnAuditQuery
from provider_hub.domain.audit import ActorKind, AuditAction, AuditEntry
from provider_hub.domain.roles import Right
from provider_hub.http.call import Call
from provider_hub.http.models import Response
from provider_hub.http.parameters import Parameter
from provider_hub.http.route import Access, Routes


class Hub(Protocol):
    """What the handlers work with."""

    @property
    def services(self) -> Services:
        """Services over this deployment's documents."""


OWN_ORGANIZATION = {"organization_id": Parameter("`me`, or the organization's own id.", example="me")}
routes: Routes[Hub] = Routes("identity", parameters=OWN_ORGANIZATION)


class AuditEntryBody(Response):
    """Something that was done, or refused: by whom, from where."""

    id: str = Field(description="The entry's id.", examples=["01JZK3V8M4Q2T7Y9B5N6C1D0EF"])
    at: datetime = Field(description="When.", examples=["2026-03-02T10:15:42.120000Z"])
    action: AuditAction = Field(description="What was done.", examples=["version-yanked"])
    actor_kind: ActorKind = Field(description="What kind of caller did it.", examples=["machine"])
    actor: str = Field(description="The `sub` of the caller's token.", examples=["mch_release"])
    address: str | None = Field(description="The caller's IP address; null where unknown.", examples=["203.0.113.9"])
    organization_id: str | None = Field(
        description="The organization that it concerns; null for what is the platform's own.", examples=["org_acme"]
    )
    subject: str = Field(
        description="What it was done to: a provider, `prefix/name version`, an organization; the route of a refusal.",
        examples=["acme/weather 1.4.0"],
    )
    detail: str | None = Field(description="How, or why.", examples=["Reads stations upside down."])

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """The view of an entry."""
        return cls(
            id=entry.entry_id,
            at=entry.at,
            action=entry.action,
            actor_kind=entry.actor_kind,
            actor=entry.actor,
            address=entry.address or None,
            organization_id=entry.organization_id,
            subject=entry.subject,
            detail=entry.detail,
        )


class AuditPage(Response):
    """A page of the audit."""

    items: list[AuditEntryBody] = Field(description="Newest first.")
    next_page_token: str | None = Field(description="The `page_token` of the next page; null on the last one.")

    @classmethod
    def of(cls, entries: Sequence[AuditEntry], token: str | None) -> Self:
        """The view of a page, and of the token of the next one."""
        return cls(items=[AuditEntryBody.of(entry) for entry in entries], next_page_token=token)


# Who was refused what, and from which address, is for those who can do something about it.
@routes.add("GET", "/organizations/{organization_id}/audit", Access.TENANT, refusals=(404,), needs=Right.MANAGE)
def list_own_audit(hub: Hub, call: Call, query: OwnAuditQuery) -> AuditPage:
    """What was done to what is the organization's, and refused, in the last 400 days, newest first."""
    entries, token = audit.list_own_entries(hub.services, call.own_organization.organization_id, query)
    return AuditPage.of(entries, token)

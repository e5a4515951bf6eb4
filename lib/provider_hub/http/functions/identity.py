"""Who the caller is (contract, section 6)."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from provider_hub.actions import stored_allowance, suspension
from provider_hub.actions.minting import Minting
from provider_hub.actions.services import Services
from provider_hub.actions.stored_allowance import Stored
from provider_hub.actions.wishes import Wish
from provider_hub.actions.wishes.fields import NO_NUL
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import NotFound
from provider_hub.domain.identity import ConsoleMachine, ConsoleScope, User
from provider_hub.domain.names import is_organization_id
from provider_hub.domain.organizations import Organization
from provider_hub.http import audit, minting, provenance
from provider_hub.http.call import Call
from provider_hub.http.models import Response
from provider_hub.http.parameters import Parameter
from provider_hub.http.route import Access, Routes

_ORGANIZATION = "/console/organizations/{tenant_id}"
# One PiB: beyond it a figure is a mistake, and Firestore's integers hold it with room for what is added up.
_MOST_BYTES = 1024**5


@dataclass(frozen=True, slots=True)
class Hub:
    """What the handlers of identity work with."""

    services: Services
    minting: Minting


routes: Routes[Hub] = Routes(
    "identity",
    minting.routes,
    audit.routes,
    provenance.routes,
    about="Who a token is.",
    parameters={
        **audit.OWN_ORGANIZATION,
        "tenant_id": Parameter("The organization's id at its issuer.", example="org_acme"),
    },
)


class WhoAmI(Response):
    """A caller of the console realm; what does not apply to its kind is null."""

    kind: str = Field(description="`console_user` or `console_machine`.", examples=["console_machine"])
    user_id: str | None = Field(description="The person, `user_…`.")
    machine_id: str | None = Field(description="The machine, `mch_…`.", examples=["mch_release"])
    token_id: str | None = Field(description="The machine's token, `mt_…`.", examples=["mt_4b1f0c9e"])
    scopes: list[str] | None = Field(
        description="What the machine's token may do.", examples=[["provider_versions:write"]]
    )


@routes.add("GET", "/console/whoami", Access.CONSOLE)
def whoami(_hub: Hub, call: Call) -> WhoAmI:
    """Who the console token is."""
    caller = call.caller
    if isinstance(caller, ConsoleMachine):
        return WhoAmI(
            kind="console_machine",
            user_id=None,
            machine_id=caller.machine_id,
            token_id=caller.token_id,
            scopes=list(caller.scopes),
        )
    return WhoAmI(kind="console_user", user_id=caller.subject, machine_id=None, token_id=None, scopes=None)


class Me(Response):
    """A caller of the customer realm."""

    user_id: str = Field(description="The person, `user_…`, or the machine, `mch_…`.", examples=["user_ada"])
    email: str | None = Field(
        description="The person's address, where the token has it.", examples=["ada@acme.example"]
    )
    organization_id: str | None = Field(description="The token's organization.", examples=["org_acme"])
    organization_name: str | None = Field(description="The organization's display name.", examples=["Acme"])


@routes.add("GET", "/auth/me", Access.CUSTOMER)
def me(_hub: Hub, call: Call) -> Me:
    """Who the customer token is."""
    caller, organization = call.caller, call.tenant
    return Me(
        user_id=caller.subject,
        email=caller.email if isinstance(caller, User) else None,
        organization_id=organization.organization_id if organization else None,
        organization_name=organization.name if organization else None,
    )


class OrganizationBody(Response):
    """An organization, which is a tenant of the hub."""

    organization_id: str = Field(description="The issuer's id of it, `org_…`.", examples=["org_acme"])
    name: str = Field(description="What people read as its name.", examples=["Acme"])
    slug: str = Field(description="The namespace of its providers; it never changes.", examples=["acme"])
    status: str = Field(description="`active` or `suspended`.", examples=["active"])
    created_at: datetime = Field(description="When a token of it was first seen.", examples=["2026-01-15T08:00:00Z"])
    updated_at: datetime = Field(description="When the row last changed.", examples=["2026-01-15T08:00:00Z"])

    stored_bytes: int = Field(
        description="What the hub keeps of its providers, and what uploads may still bring.", examples=[52428800]
    )
    stored_bytes_limit: int = Field(
        description="The most of it: a publish or an upload beyond is refused.", examples=[53687091200]
    )


class AllowedOrganizationBody(OrganizationBody):
    """An organization, as the platform sees it."""

    allowed_bytes: int | None = Field(
        description="What the platform lets it have stored; null for as much as every other organization may.",
        examples=[214748364800],
    )


def _shown(hub: Hub, organization: Organization) -> OrganizationBody:
    stored = stored_allowance.of_organization(hub.services, organization)
    return OrganizationBody(**_fields_of(hub, stored))


def _allowed(hub: Hub, stored: Stored) -> AllowedOrganizationBody:
    return AllowedOrganizationBody(**_fields_of(hub, stored), allowed_bytes=stored.use.allowed_bytes)


def _fields_of(hub: Hub, stored: Stored) -> dict[str, Any]:
    services, use = hub.services, stored.use
    return {
        **asdict(stored.organization),
        "stored_bytes": use.stored_bytes(services.clock()),
        "stored_bytes_limit": use.most_bytes(services.publishing_rules.limits),
    }


@routes.add("GET", "/organizations", Access.TENANT)
def list_organizations(hub: Hub, call: Call) -> list[OrganizationBody]:
    """The caller's organizations."""
    return [_shown(hub, call.organization)]


class OrganizationStatus(Response):
    """Whether an organization can be worked with."""

    status: str = Field("ready", description="`ready`: the hub knows the organization.")


@routes.add("GET", "/organizations/me/status", Access.TENANT)
def organization_status(_hub: Hub, _call: Call) -> OrganizationStatus:
    """Whether the caller's organization can be worked with."""
    return OrganizationStatus()


@routes.add("GET", "/organizations/{organization_id}", Access.TENANT, refusals=(404,))
def get_organization(hub: Hub, call: Call) -> OrganizationBody:
    """The caller's organization, by its id or as `me`."""
    return _shown(hub, call.own_organization)


class SuspendWish(Wish):
    """Why an organization is suspended."""

    model_config = ConfigDict(title="SuspendRequest")

    reason: Annotated[str, Field(min_length=1, max_length=500), NO_NUL] = Field(
        description="Its callers are told it with every refusal.", examples=["Its publishers' tokens were stolen."]
    )


_MACHINE, _CHANGES = Access.CONSOLE_MACHINE, ConsoleScope.ORGANIZATIONS


@routes.add("GET", _ORGANIZATION, _MACHINE, scope=_CHANGES, refusals=(404,))
def get_any_organization(hub: Hub, call: Call) -> AllowedOrganizationBody:
    """Any organization, how much is stored for it, and how much may be."""
    return _allowed(hub, stored_allowance.stored_of(hub.services, _organization_id(call)))


class AllowanceWish(Wish):
    """How much one organization may have stored."""

    model_config = ConfigDict(title="AllowanceRequest")

    allowed_bytes: Annotated[int, Field(ge=0, le=_MOST_BYTES)] | None = Field(
        description="Null for as much as every other organization may.", examples=[214748364800]
    )


@routes.add("PATCH", _ORGANIZATION, _MACHINE, scope=_CHANGES, refusals=(404,))
def allow_storage(hub: Hub, call: Call, body: AllowanceWish) -> AllowedOrganizationBody:
    """Let an organization have more stored than others, or less; what is stored stays."""
    stored = stored_allowance.allow(hub.services, call.actor, _organization_id(call), body.allowed_bytes)
    return _allowed(hub, stored)


@routes.add(
    "POST", f"{_ORGANIZATION}/suspend", _MACHINE, scope=_CHANGES, refusals=(404,), example={"status": "suspended"}
)
def suspend_organization(hub: Hub, call: Call, body: SuspendWish) -> OrganizationBody:
    """Refuse an organization's tokens; what it runs goes on."""
    return _shown(hub, suspension.suspend(hub.services, call.actor, _organization_id(call), body.reason))


@routes.add("POST", f"{_ORGANIZATION}/resume", _MACHINE, scope=_CHANGES, refusals=(404,))
def resume_organization(hub: Hub, call: Call) -> OrganizationBody:
    """Let a suspended organization's tokens in again."""
    return _shown(hub, suspension.resume(hub.services, call.actor, _organization_id(call)))


@routes.add(
    "POST",
    f"{_ORGANIZATION}/release-slug",
    _MACHINE,
    scope=_CHANGES,
    refusals=(404, 409),
    example={"status": "suspended"},
)
def release_slug(hub: Hub, call: Call) -> OrganizationBody:
    """Free the slug of a suspended organization that has nothing left."""
    return _shown(hub, suspension.release_slug(hub.services, call.actor, _organization_id(call)))


def _organization_id(call: Call) -> str:
    wanted = call.parameters["tenant_id"]
    if not is_organization_id(wanted):
        raise NotFound(f"there is no organization {wanted[:80]}")
    return wanted

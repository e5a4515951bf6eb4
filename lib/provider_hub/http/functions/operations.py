"""Operating: dead letters, liveness, and the description of all routes (contract, section 6)."""

from datetime import datetime
from typing import Annotated, Any, Protocol, Self

from pydantic import Field

from provider_hub.actions import audit, dead_letters
from provider_hub.actions.services import Services
from provider_hub.actions.wishes import Wish
from provider_hub.actions.wishes.audit import AuditQuery
from provider_hub.actions.wishes.fields import NO_NUL
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import Invalid
from provider_hub.domain.identity import ConsoleScope
from provider_hub.domain.records import DeadLetter
from provider_hub.http.audit import AuditPage
from provider_hub.http.call import Call, Reply
from provider_hub.http.models import Response
from provider_hub.http.parameters import Parameter
from provider_hub.http.route import HTML, Access, Routes

_CACHED = {"Cache-Control": "public, max-age=300"}


class Description(Protocol):
    """All routes described. It knows every function's module, which this one must not import."""

    def document(self) -> bytes:
        """OpenAPI 3.1, as JSON."""

    def page(self) -> bytes:
        """The same for people, as HTML."""

    def page_policy(self) -> str:
        """The page's Content-Security-Policy."""


@dataclass(frozen=True, slots=True)
class Hub:
    """What the handlers of operations work with."""

    services: Services
    description: Description


routes: Routes[Hub] = Routes(
    "operations",
    about="Dead letters, liveness, and this description.",
    parameters={"id": Parameter("The dead letter's id.", example="01JZK3V8M4Q2T7Y9B5N6C1D0EF")},
)


class DeadLetterBody(Response):
    """An event that no consumer could handle."""

    id: str = Field(description="The id to read, retry or delete it by.", examples=["01JZK3V8M4Q2T7Y9B5N6C1D0EF"])
    event_id: str = Field(description="The event's own id.", examples=["01JZK3V8M4Q2T7Y9B5N6C1D0EF"])
    provider: str | None = Field(description="The provider that it concerns, `prefix/name`.", examples=["acme/weather"])
    resource_type: str = Field(description="`provider_installation`.", examples=["provider_installation"])
    resource_name: str | None = Field(description="The same as `provider`.", examples=["acme/weather"])
    event_type: str = Field(
        description="What was to be done, such as `INSTALL_REQUESTED`.", examples=["INSTALL_REQUESTED"]
    )
    payload: dict[str, Any] = Field(
        description="The event's message; empty where it was not kept, or is no JSON object.",
        examples=[{"organization_id": "org_acme", "provider": "acme/weather", "generation": 1}],
    )
    error_message: str = Field(
        description="Why the last try failed.", examples=["the cluster did not answer in ten tries"]
    )
    attempt_count: int = Field(description="How often it was tried.", examples=[10])
    failed_at: datetime = Field(description="When the hub gave up.", examples=["2026-03-02T10:15:42.120000Z"])

    @classmethod
    def of(cls, letter: DeadLetter) -> Self:
        """The view of a stored dead letter."""
        return cls(
            id=letter.dead_letter_id,
            event_id=letter.event_id,
            provider=letter.provider,
            resource_type="provider_installation",
            resource_name=letter.provider,
            event_type=letter.event_type,
            payload=dead_letters.read_payload(letter.payload),
            error_message=letter.error_message,
            attempt_count=letter.attempt_count,
            failed_at=letter.failed_at,
        )


class DeadLetterQuery(Wish):
    """Which dead letters to list."""

    provider: Annotated[str, Field(max_length=200), NO_NUL] | None = Field(
        None, description="Only those of this provider, `prefix/name`."
    )


@routes.add("GET", "/ops/dead-letter", Access.TENANT)
def list_dead_letters(hub: Hub, call: Call, query: DeadLetterQuery) -> list[DeadLetterBody]:
    """Events that could not be handled, newest first."""
    letters = dead_letters.list_letters(hub.services, call.organization.organization_id, query.provider)
    return [DeadLetterBody.of(letter) for letter in letters]


class DeadLetterDeletion(Wish):
    """Which dead letters to delete: one of the two must be given."""

    provider: Annotated[str, Field(max_length=200), NO_NUL] | None = Field(
        None, description="Those of this provider, `prefix/name`."
    )
    all: bool = Field(False, description="Every one of the organization's.")


class DeletedCount(Response):
    """How much was deleted."""

    deleted_count: int = Field(description="How many dead letters were deleted.", examples=[2])


@routes.add("DELETE", "/ops/dead-letter", Access.TENANT)
def delete_dead_letters(hub: Hub, call: Call, query: DeadLetterDeletion) -> DeletedCount:
    """Delete one provider's, or with `all=true` all of them."""
    if query.provider is None and not query.all:
        raise Invalid.at("query", "provider", msg="name a provider, or say all=true to delete all", kind="missing")
    organization_id = call.organization.organization_id
    return DeletedCount(deleted_count=dead_letters.delete_letters(hub.services, organization_id, query.provider))


class RetriedCount(Response):
    """How much was put back."""

    retried_count: int = Field(description="How many dead letters are on their topic again.", examples=[2])


@routes.add("POST", "/ops/dead-letter/retry-all", Access.TENANT)
def retry_dead_letters(hub: Hub, call: Call) -> RetriedCount:
    """Put every one back on its topic."""
    return RetriedCount(retried_count=dead_letters.retry_all(hub.services, call.organization.organization_id))


@routes.add("GET", "/ops/dead-letter/{id}", Access.TENANT, refusals=(404,))
def get_dead_letter(hub: Hub, call: Call) -> DeadLetterBody:
    """One of them."""
    letter = dead_letters.get_letter(hub.services, call.organization.organization_id, call.parameters["id"])
    return DeadLetterBody.of(letter)


@routes.add("DELETE", "/ops/dead-letter/{id}", Access.TENANT, status=204, refusals=(404,))
def delete_dead_letter(hub: Hub, call: Call) -> None:
    """Delete one."""
    dead_letters.delete_letter(hub.services, call.organization.organization_id, call.parameters["id"])


@routes.add("POST", "/ops/dead-letter/{id}/retry", Access.TENANT, status=204, refusals=(404,))
def retry_dead_letter(hub: Hub, call: Call) -> None:
    """Put one back on its topic."""
    dead_letters.retry_letter(hub.services, call.organization.organization_id, call.parameters["id"])


_MACHINE, _LETTERS = Access.CONSOLE_MACHINE, ConsoleScope.DEAD_LETTERS


@routes.add("GET", "/console/dead-letter", _MACHINE, scope=_LETTERS)
def list_platform_dead_letters(hub: Hub, _call: Call) -> list[DeadLetterBody]:
    """Events that could not be handled and belong to no organization, newest first."""
    return [DeadLetterBody.of(letter) for letter in dead_letters.list_letters(hub.services, None, None)]


@routes.add("DELETE", "/console/dead-letter/{id}", _MACHINE, scope=_LETTERS, status=204, refusals=(404,))
def delete_platform_dead_letter(hub: Hub, call: Call) -> None:
    """Delete one that belongs to no organization."""
    dead_letters.delete_letter(hub.services, None, call.parameters["id"], call.actor)


@routes.add("POST", "/console/dead-letter/{id}/retry", _MACHINE, scope=_LETTERS, status=204, refusals=(404, 409))
def retry_platform_dead_letter(hub: Hub, call: Call) -> None:
    """Put one that belongs to no organization back on its topic; refused where its message was not kept."""
    dead_letters.retry_letter(hub.services, None, call.parameters["id"], call.actor)


@routes.add("GET", "/console/audit", Access.CONSOLE_MACHINE, scope=ConsoleScope.AUDIT)
def list_audit(hub: Hub, _call: Call, query: AuditQuery) -> AuditPage:
    """What was done, and refused, in the last 400 days, newest first."""
    entries, token = audit.list_entries(hub.services, query)
    return AuditPage.of(entries, token)


class HealthBody(Response):
    """That the function answers."""

    status: str = Field("ok", description="`ok`.")


@routes.add("GET", "/health", Access.ANYONE)
def health(_hub: Hub, _call: Call) -> HealthBody:
    """Whether this answers."""
    return HealthBody()


@routes.add("GET", "/openapi.json", Access.ANYONE)
def openapi(hub: Hub, _call: Call) -> Reply[bytes]:
    """This description."""
    return Reply(hub.description.document(), headers=_CACHED)


@routes.add("GET", "/docs", Access.ANYONE, media=HTML)
def docs(hub: Hub, _call: Call) -> Reply[bytes]:
    """This description for people."""
    description = hub.description
    return Reply(description.page(), headers={**_CACHED, "Content-Security-Policy": description.page_policy()})

"""The catalog: finding and reading providers, and what their author may change (contract, section 4)."""

import json
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Annotated, Self

from pydantic import ConfigDict, Field

from provider_hub.actions import browse, curate, rollouts
from provider_hub.actions.artifacts import ArtifactStore
from provider_hub.actions.browse import Listing
from provider_hub.actions.indexed_projects import IndexedProjects
from provider_hub.actions.known_advisories import known_of
from provider_hub.actions.ports import Tasks
from provider_hub.actions.relock_request import request_relock
from provider_hub.actions.services import Services
from provider_hub.actions.wishes import Wish
from provider_hub.actions.wishes.catalog import CatalogEdit, Search, VersionPage
from provider_hub.actions.wishes.fields import NO_NUL
from provider_hub.domain.catalog import Author, AuthorKind
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.identity import ConsoleScope
from provider_hub.domain.publishers.claims import Platform
from provider_hub.domain.roles import Right
from provider_hub.domain.rollout import Rollout, RolloutState
from provider_hub.domain.scope import Scope
from provider_hub.http import integrity, package_index, publishers
from provider_hub.http.call import Call, Reply
from provider_hub.http.models import Response
from provider_hub.http.parameters import PROVIDER, ROLLOUT, VERSION
from provider_hub.http.route import CYCLONEDX, TOML, Access, Routes
from provider_hub.http.version_view import ProviderVersionBody

_PROVIDER = "/providers/{org}/{name}"
_ANY_PROVIDER = f"/console{_PROVIDER}"
_YANKED = {"status": "yanked", "error_message": "Reads stations in the southern hemisphere upside down."}
_PAUSED = {"state": "paused", "due_at": None}


@dataclass(frozen=True, slots=True)
class Hub:
    """What the handlers of the catalog work with. `indexed` belongs to this process, so its requests share one Hub."""

    services: Services
    tasks: Tasks
    issuers: Mapping[Platform, tuple[str, ...]]
    artifacts: ArtifactStore
    indexed: IndexedProjects = field(default_factory=IndexedProjects)


routes: Routes[Hub] = Routes(
    "catalog",
    publishers.routes,
    package_index.routes,
    integrity.routes,
    about="Finding and reading providers, and what their author may change.",
    parameters={**PROVIDER, **VERSION, **ROLLOUT},
)


class AuthorBody(Response):
    """Who published a provider."""

    kind: AuthorKind = Field(description="`platform`, or `customer` for an organization.", examples=["customer"])
    organization_id: str = Field(
        description="The organization; `platform` for the platform, whose prefix it is.", examples=["org_acme"]
    )
    display_name: str = Field(description="What people read as the author's name.", examples=["Acme"])

    @classmethod
    def of(cls, author: Author) -> Self:
        """The view of an author. Later clients take no null, and no organization can be called `platform`."""
        return cls(kind=author.kind, organization_id=author.owner, display_name=author.display_name)


class ProviderBody(Response):
    """A provider of the catalog."""

    prefix: str = Field(description="The provider's namespace: `platform`, or its author's slug.", examples=["acme"])
    name: str = Field(description="The provider's name within its namespace.", examples=["weather"])
    canonical: str = Field(description="`prefix/name`.", examples=["acme/weather"])
    display_name: str = Field(description="What people read as the provider's name.", examples=["Weather"])
    description: str = Field(
        description="What the provider does, in a sentence or two.", examples=["Sunlight at your stations."]
    )
    author: AuthorBody = Field(description="Who published it.")
    scope: Scope = Field(
        description="Whether everyone sees it, or its author's organization alone.", examples=["tenant"]
    )
    icon_url: str | None = Field(description="The address of a picture.")
    readme: str | None = Field(description="Markdown; null in a search, which does not read it.")
    tags: list[str] = Field(description="Words that group providers.", examples=[["weather"]])
    latest_version: str | None = Field(
        description="The highest published version; a pre-release only where nothing else is.", examples=["1.4.0"]
    )
    install_count: int = Field(description="How many organizations have it installed.", examples=[1])
    created_at: datetime = Field(description="When its first version was published.", examples=["2026-01-15T08:00:00Z"])
    updated_at: datetime = Field(description="When the row last changed.", examples=["2026-03-02T09:30:00Z"])

    @classmethod
    def of(cls, listing: Listing) -> Self:
        """The view of a catalog row and how often it is installed."""
        provider = listing.provider
        return cls(
            prefix=provider.prefix,
            name=provider.name,
            canonical=provider.canonical,
            display_name=provider.display_name,
            description=provider.description,
            author=AuthorBody.of(provider.author),
            scope=provider.scope,
            icon_url=provider.icon_url,
            readme=provider.readme,
            tags=list(provider.tags),
            latest_version=provider.latest_version,
            install_count=listing.install_count,
            created_at=provider.created_at,
            updated_at=provider.updated_at,
        )


class ProviderPage(Response):
    """A page of the catalog."""

    items: list[ProviderBody] = Field(description="By name.")
    total: int = Field(description="How many providers match in all.", examples=[1])
    limit: int = Field(description="How many providers a page has.", examples=[20])
    offset: int = Field(description="How many providers come before this page.", examples=[0])


@routes.add("GET", "/providers", Access.ANYONE_OR_CUSTOMER)
def search(hub: Hub, call: Call, query: Search) -> ProviderPage:
    """Find providers."""
    found, total = browse.search(hub.services, call.viewer, query)
    items = [ProviderBody.of(listing) for listing in found]
    return ProviderPage(items=items, total=total, limit=query.limit, offset=query.offset)


@routes.add("GET", _PROVIDER, Access.ANYONE_OR_CUSTOMER, refusals=(404,))
def get_provider(hub: Hub, call: Call) -> ProviderBody:
    """One provider."""
    return ProviderBody.of(browse.get_provider(hub.services, call.viewer, call.provider))


@routes.add(
    "PATCH",
    _PROVIDER,
    Access.TENANT,
    refusals=(404, 409),
    example={"tags": ["weather", "sensors"]},
    needs=Right.PUBLISH,
)
def edit_provider(hub: Hub, call: Call, body: CatalogEdit) -> ProviderBody:
    """Change the catalog entry of the author's provider, and who may see it."""
    return ProviderBody.of(curate.edit_provider(hub.services, call.actor, call.provider, body))


@routes.add("DELETE", _PROVIDER, Access.TENANT, status=204, refusals=(404, 409))
def delete_provider(hub: Hub, call: Call) -> None:
    """Delete the author's provider and its versions."""
    curate.delete_provider(hub.services, call.actor, call.provider)


@routes.add("GET", f"{_PROVIDER}/versions", Access.ANYONE_OR_CUSTOMER, refusals=(404,))
def list_versions(hub: Hub, call: Call, query: VersionPage) -> list[ProviderVersionBody]:
    """The versions, newest first, a hundred at most at a time.

    Of the known vulnerabilities it has how many and how bad; a single version has each.
    """
    versions = browse.list_versions(hub.services, call.viewer, call.provider, query)
    known = known_of(hub.services, [version.lock_sha256 for version in versions])
    return [
        ProviderVersionBody.of(version, known.get(version.lock_sha256 or ""), is_listed=True) for version in versions
    ]


@routes.add("GET", f"{_PROVIDER}/versions/{{version}}", Access.ANYONE_OR_CUSTOMER, refusals=(404,))
def get_version(hub: Hub, call: Call) -> ProviderVersionBody:
    """One version."""
    version = browse.get_version(hub.services, call.viewer, call.provider, call.parameters["version"])
    known = known_of(hub.services, [version.lock_sha256])
    return ProviderVersionBody.of(version, known.get(version.lock_sha256 or ""))


@routes.add("GET", f"{_PROVIDER}/versions/{{version}}/lock", Access.ANYONE_OR_CUSTOMER, refusals=(404,), media=TOML)
def get_lock(hub: Hub, call: Call) -> bytes:
    """What is installed beside the version's wheel, each distribution by its digest: a `pylock.toml` (PEP 751)."""
    return browse.get_lock(hub.services, call.viewer, call.provider, call.parameters["version"]).text.encode()


@routes.add(
    "GET", f"{_PROVIDER}/versions/{{version}}/sbom", Access.ANYONE_OR_CUSTOMER, refusals=(404,), media=CYCLONEDX
)
def get_sbom(hub: Hub, call: Call) -> bytes:
    """The version's bill of materials: its wheel and every locked distribution, as CycloneDX 1.6."""
    made = browse.bill_of_materials(hub.services, call.viewer, call.provider, call.parameters["version"])
    return json.dumps(made, ensure_ascii=False).encode()


@routes.add(
    "GET",
    f"{_PROVIDER}/versions/{{version}}/wheel",
    Access.ANYONE_OR_CUSTOMER,
    status=302,
    refusals=(404,),
    location=True,
)
def get_wheel(hub: Hub, call: Call) -> Reply[None]:
    """The version's wheel, by a URL that is good for five minutes: the hub's own copy, with the verified digest."""
    url = browse.wheel_url(hub.services, hub.artifacts, call.viewer, call.provider, call.parameters["version"])
    return Reply(None, headers={"Location": url, "Cache-Control": "no-store"})


@routes.add(
    "POST",
    f"{_PROVIDER}/versions/{{version}}/relock",
    Access.TENANT,
    status=202,
    refusals=(404, 409),
    needs=Right.PUBLISH,
    example={"lock_due_at": "2026-03-09T09:30:00Z"},
)
def relock(hub: Hub, call: Call) -> ProviderVersionBody:
    """Have the version's dependencies resolved again.

    It is done within minutes. A lock that changed is what new installations get. Those that have the version are
    offered it as a new version is: in waves where the policy is `auto`, else by `upgrade` to the same version.
    """
    version = call.parameters["version"]
    return ProviderVersionBody.of(request_relock(hub.services, call.actor, call.provider, version))


class YankWish(Wish):
    """Why a version is yanked."""

    model_config = ConfigDict(title="YankRequest")

    reason: Annotated[str, Field(max_length=500), NO_NUL] | None = Field(
        None,
        description="Shown with the version, for those who run it.",
        examples=["Reads stations in the southern hemisphere upside down."],
    )


@routes.add(
    "POST",
    f"{_PROVIDER}/versions/{{version}}/yank",
    Access.TENANT,
    body_required=False,
    refusals=(404,),
    needs=Right.PUBLISH,
    example=_YANKED,
)
def yank(hub: Hub, call: Call, body: YankWish) -> ProviderVersionBody:
    """Yank the version: nobody can install it any more; what runs stays."""
    version = call.parameters["version"]
    return ProviderVersionBody.of(curate.yank(hub.services, call.actor, call.provider, version, body.reason))


@routes.add("DELETE", f"{_PROVIDER}/versions/{{version}}/yank", Access.TENANT, refusals=(404, 409), needs=Right.PUBLISH)
def unyank(hub: Hub, call: Call) -> ProviderVersionBody:
    """Undo a yank of your own; the platform alone undoes the platform's."""
    return ProviderVersionBody.of(curate.unyank(hub.services, call.actor, call.provider, call.parameters["version"]))


class RolloutBody(Response):
    """A version's way to the installations with policy `auto`: counts only, no tenant is named."""

    rollout_id: str = Field(
        description="What `resume` takes: the version; of one that was locked again, with the beginning of its lock.",
        examples=["1.4.0"],
    )
    version: str = Field(description="The version that is rolled out.", examples=["1.4.0"])
    lock_sha256: str | None = Field(
        description="The lock that the installations of this version get; null for a new version's rollout."
    )
    state: RolloutState = Field(description="What the rollout does now.", examples=["baking"])
    wave: int = Field(description="The number of the wave, from 1.", examples=[2])
    candidates: int = Field(description="How many installations had the policy `auto` when it began.", examples=[40])
    started: int = Field(description="How many upgrades were started.", examples=[5])
    succeeded: int = Field(description="How many of them are ready.", examples=[5])
    failed: int = Field(description="How many of them failed.", examples=[0])
    left: int = Field(
        description="How many of them ended otherwise: uninstalled, or changed by their tenant.", examples=[0]
    )
    halted_reason: str | None = Field(description="Why it was halted.")
    paused_by_platform: bool = Field(
        description="Whether the platform paused it, and alone resumes it.", examples=[False]
    )
    created_at: datetime = Field(description="When it began.", examples=["2026-03-02T09:30:00Z"])
    updated_at: datetime = Field(description="When it last went on.", examples=["2026-03-02T10:15:42.120000Z"])
    due_at: datetime | None = Field(
        description="When it goes on; null when it never does by itself.", examples=["2026-03-02T10:45:42Z"]
    )

    @classmethod
    def of(cls, rollout: Rollout) -> Self:
        """The view of a rollout."""
        return cls.model_validate(rollout)


@routes.add("GET", f"{_PROVIDER}/rollouts", Access.TENANT, refusals=(404,))
def list_rollouts(hub: Hub, call: Call) -> list[RolloutBody]:
    """How far each version's auto-upgrade is, for its author."""
    found = rollouts.list_rollouts(hub.services, call.actor, call.provider)
    return [RolloutBody.of(rollout) for rollout in found]


@routes.add(
    "POST",
    f"{_PROVIDER}/rollouts/{{rollout_id}}/pause",
    Access.TENANT,
    refusals=(404, 409),
    needs=Right.PUBLISH,
    example=_PAUSED,
)
def pause_rollout(hub: Hub, call: Call) -> RolloutBody:
    """Upgrade nobody else until it is resumed; what is under way goes on."""
    rollout_id = call.parameters["rollout_id"]
    return RolloutBody.of(rollouts.pause(hub.services, call.actor, call.provider, rollout_id))


@routes.add(
    "POST", f"{_PROVIDER}/rollouts/{{rollout_id}}/resume", Access.TENANT, refusals=(404, 409), needs=Right.PUBLISH
)
def resume_rollout(hub: Hub, call: Call) -> RolloutBody:
    """Let a halted, paused or superseded auto-upgrade go on, unless the platform paused it."""
    rollout_id = call.parameters["rollout_id"]
    return RolloutBody.of(rollouts.resume(hub.services, hub.tasks, call.actor, call.provider, rollout_id))


# What the platform may do to any provider: its own, and a bad one of a tenant.
_MACHINE, _CHANGES = Access.CONSOLE_MACHINE, ConsoleScope.PROVIDERS


@routes.add("PATCH", _ANY_PROVIDER, _MACHINE, scope=_CHANGES, refusals=(404, 409))
def edit_any_provider(hub: Hub, call: Call, body: CatalogEdit) -> ProviderBody:
    """Change the catalog entry of any provider, and who may see it."""
    return ProviderBody.of(curate.edit_provider(hub.services, call.actor, call.provider, body))


@routes.add("DELETE", _ANY_PROVIDER, _MACHINE, scope=_CHANGES, status=204, refusals=(404, 409))
def delete_any_provider(hub: Hub, call: Call) -> None:
    """Delete any provider and its versions."""
    curate.delete_provider(hub.services, call.actor, call.provider)


@routes.add(
    "POST",
    f"{_ANY_PROVIDER}/versions/{{version}}/yank",
    _MACHINE,
    scope=_CHANGES,
    body_required=False,
    refusals=(404,),
    example=_YANKED,
)
def yank_any(hub: Hub, call: Call, body: YankWish) -> ProviderVersionBody:
    """Yank the version of any provider: nobody can install it any more; what runs stays."""
    version = call.parameters["version"]
    return ProviderVersionBody.of(curate.yank(hub.services, call.actor, call.provider, version, body.reason))


@routes.add("DELETE", f"{_ANY_PROVIDER}/versions/{{version}}/yank", _MACHINE, scope=_CHANGES, refusals=(404,))
def unyank_any(hub: Hub, call: Call) -> ProviderVersionBody:
    """Undo a yank, whoever yanked."""
    return ProviderVersionBody.of(curate.unyank(hub.services, call.actor, call.provider, call.parameters["version"]))


@routes.add("GET", f"{_ANY_PROVIDER}/rollouts", _MACHINE, scope=_CHANGES, refusals=(404,))
def list_any_rollouts(hub: Hub, call: Call) -> list[RolloutBody]:
    """How far each version's auto-upgrade is, of any provider."""
    return [RolloutBody.of(rollout) for rollout in rollouts.list_rollouts(hub.services, call.actor, call.provider)]


@routes.add(
    "POST",
    f"{_ANY_PROVIDER}/rollouts/{{rollout_id}}/pause",
    _MACHINE,
    scope=_CHANGES,
    refusals=(404, 409),
    example=_PAUSED,
)
def pause_any_rollout(hub: Hub, call: Call) -> RolloutBody:
    """Let an auto-upgrade of any provider wait until it is resumed."""
    return RolloutBody.of(rollouts.pause(hub.services, call.actor, call.provider, call.parameters["rollout_id"]))


@routes.add("POST", f"{_ANY_PROVIDER}/rollouts/{{rollout_id}}/resume", _MACHINE, scope=_CHANGES, refusals=(404, 409))
def resume_any_rollout(hub: Hub, call: Call) -> RolloutBody:
    """Let a halted, paused or superseded auto-upgrade of any provider go on."""
    return RolloutBody.of(
        rollouts.resume(hub.services, hub.tasks, call.actor, call.provider, call.parameters["rollout_id"])
    )

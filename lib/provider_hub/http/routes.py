"""Every route there is, as one table: it dispatches, validates, refuses, is described by OpenAPI and provisioned."""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

from provider_hub.http.models import catalog, identity, installations, operations, publishing
from provider_hub.http.models.base import NoQuery, Request, Response
from provider_hub.http.models.versions import ProviderVersionBody


class Access(Enum):
    """Who may call a route."""

    ANYONE = "anyone"
    ANYONE_OR_CUSTOMER = "anyone; a customer token shows what is its organization's own"
    CUSTOMER = "customer realm"
    TENANT = "customer realm, with an organization"
    CONSOLE = "console realm"
    CONSOLE_MACHINE = "console realm, machines only"


JSON = "application/json"
HTML = "text/html; charset=utf-8"

Shape = type[Response] | type[list[Any]] | type[bytes] | None


@dataclass(frozen=True, slots=True)
class Route:
    """One route: `name` is its handler and its operation id.

    `shape` None answers without a body; bytes are the handler's own, of the type `media`. With `location`, a
    created row's address is in the header of that name.
    """

    method: str
    path: str
    function: str
    name: str
    summary: str
    access: Access
    shape: Shape = None
    status: int = 200
    other_statuses: tuple[int, ...] = ()
    body: type[Request] | None = None
    body_required: bool = True
    query: type[Request] = NoQuery
    refusals: tuple[int, ...] = ()
    media: str = JSON
    location: bool = False

    @property
    def segments(self) -> tuple[str, ...]:
        return segments_of(self.path)


_INSTALLED = "/providers/installed/{org}/{name}"
_PROVIDER = "/providers/{org}/{name}"

ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/providers/install",
        "installations",
        "install",
        "Queue the installation of a provider",
        Access.TENANT,
        installations.ProviderInstallation,
        status=201,
        body=installations.InstallRequest,
        refusals=(404, 409, 429),
        location=True,
    ),
    Route(
        "GET",
        "/providers/installed",
        "installations",
        "list_installed",
        "Every installation of the organization, oldest first",
        Access.TENANT,
        list[installations.ProviderInstallation],
    ),
    Route(
        "GET",
        _INSTALLED,
        "installations",
        "get_installed",
        "One installation",
        Access.TENANT,
        installations.ProviderInstallation,
        refusals=(404,),
    ),
    Route(
        "PATCH",
        _INSTALLED,
        "installations",
        "change_settings",
        "Change tier, policies or config; another tier or config is deployed",
        Access.TENANT,
        installations.ProviderInstallation,
        body=installations.SettingsRequest,
        refusals=(404, 409),
    ),
    Route(
        "DELETE",
        _INSTALLED,
        "installations",
        "uninstall",
        "Remove the provider's objects, then the row",
        Access.TENANT,
        installations.ProviderInstallation,
        status=202,
        query=installations.UninstallQuery,
        refusals=(404, 409),
    ),
    Route(
        "POST",
        f"{_INSTALLED}/upgrade",
        "installations",
        "upgrade",
        "To a newer version; without one, the latest",
        Access.TENANT,
        installations.ProviderInstallation,
        body=installations.UpgradeRequest,
        body_required=False,
        refusals=(404, 409),
    ),
    Route(
        "POST",
        f"{_INSTALLED}/downgrade",
        "installations",
        "downgrade",
        "To an older version",
        Access.TENANT,
        installations.ProviderInstallation,
        body=installations.DowngradeRequest,
        refusals=(404, 409),
    ),
    Route(
        "POST",
        f"{_INSTALLED}/deploy",
        "installations",
        "deploy",
        "Deploy again; without a version, the installed one",
        Access.TENANT,
        installations.DeploymentStatusBody,
        body=installations.DeployRequest,
        body_required=False,
        refusals=(404, 409),
    ),
    Route(
        "GET",
        f"{_INSTALLED}/deployment",
        "installations",
        "deployment",
        "What the cluster shows now",
        Access.TENANT,
        installations.DeploymentStatusBody,
        refusals=(404,),
    ),
    Route(
        "GET",
        f"{_INSTALLED}/events",
        "installations",
        "events",
        "The timeline, newest first",
        Access.TENANT,
        installations.Timeline,
        query=installations.EventsQuery,
        refusals=(404,),
    ),
    Route(
        "GET",
        "/providers",
        "catalog",
        "search",
        "Find providers",
        Access.ANYONE_OR_CUSTOMER,
        catalog.ProviderPage,
        query=catalog.SearchQuery,
    ),
    Route(
        "GET",
        _PROVIDER,
        "catalog",
        "get_provider",
        "One provider",
        Access.ANYONE_OR_CUSTOMER,
        catalog.ProviderBody,
        refusals=(404,),
    ),
    Route(
        "PATCH",
        _PROVIDER,
        "catalog",
        "edit_provider",
        "Change how the author's provider is shown",
        Access.TENANT,
        catalog.ProviderBody,
        body=catalog.ProviderEdit,
        refusals=(404,),
    ),
    Route(
        "DELETE",
        _PROVIDER,
        "catalog",
        "delete_provider",
        "Delete the author's provider and its versions",
        Access.TENANT,
        status=204,
        refusals=(404, 409),
    ),
    Route(
        "GET",
        f"{_PROVIDER}/versions",
        "catalog",
        "list_versions",
        "Every version, newest first",
        Access.ANYONE_OR_CUSTOMER,
        list[ProviderVersionBody],
        refusals=(404,),
    ),
    Route(
        "GET",
        f"{_PROVIDER}/versions/{{version}}",
        "catalog",
        "get_version",
        "One version",
        Access.ANYONE_OR_CUSTOMER,
        ProviderVersionBody,
        refusals=(404,),
    ),
    Route(
        "POST",
        f"{_PROVIDER}/versions/{{version}}/yank",
        "catalog",
        "yank",
        "No new installs of this version; what runs stays",
        Access.TENANT,
        ProviderVersionBody,
        body=catalog.YankRequest,
        body_required=False,
        refusals=(404,),
    ),
    Route(
        "DELETE",
        f"{_PROVIDER}/versions/{{version}}/yank",
        "catalog",
        "unyank",
        "Take a yank back",
        Access.TENANT,
        ProviderVersionBody,
        refusals=(404,),
    ),
    Route(
        "GET",
        f"{_PROVIDER}/rollouts",
        "catalog",
        "list_rollouts",
        "How far each version's auto-upgrade is, for its author",
        Access.TENANT,
        list[catalog.RolloutBody],
        refusals=(404,),
    ),
    Route(
        "POST",
        f"{_PROVIDER}/rollouts/{{version}}/resume",
        "catalog",
        "resume_rollout",
        "Let a halted auto-upgrade go on",
        Access.TENANT,
        catalog.RolloutBody,
        refusals=(404, 409),
    ),
    Route(
        "POST",
        "/provider-versions",
        "publishing",
        "publish",
        "Register a version of the organization's own provider",
        Access.TENANT,
        ProviderVersionBody,
        status=201,
        other_statuses=(200,),
        body=publishing.PublishRequest,
        refusals=(409,),
    ),
    Route(
        "POST",
        "/console/provider-versions",
        "publishing",
        "publish_platform",
        "Register a version of a platform provider",
        Access.CONSOLE_MACHINE,
        ProviderVersionBody,
        status=201,
        other_statuses=(200,),
        body=publishing.PublishRequest,
        refusals=(409,),
    ),
    Route(
        "POST",
        "/console/runtime/versions",
        "publishing",
        "register_runtime",
        "Register or update a version of the runtime",
        Access.CONSOLE_MACHINE,
        publishing.RuntimeVersionBody,
        status=201,
        other_statuses=(200,),
        body=publishing.RuntimeVersionRequest,
    ),
    Route("GET", "/console/whoami", "identity", "whoami", "Who the console token is", Access.CONSOLE, identity.WhoAmI),
    Route("GET", "/auth/me", "identity", "me", "Who the customer token is", Access.CUSTOMER, identity.Me),
    Route(
        "GET",
        "/organizations",
        "identity",
        "list_organizations",
        "The caller's organizations",
        Access.TENANT,
        list[identity.OrganizationBody],
    ),
    Route(
        "GET",
        "/organizations/{organization_id}",
        "identity",
        "get_organization",
        "The caller's organization, by its id or as `me`",
        Access.TENANT,
        identity.OrganizationBody,
        refusals=(404,),
    ),
    Route(
        "GET",
        "/ops/dead-letter",
        "operations",
        "list_dead_letters",
        "Events that could not be handled, newest first",
        Access.TENANT,
        list[operations.DeadLetterBody],
        query=operations.DeadLetterQuery,
    ),
    Route(
        "DELETE",
        "/ops/dead-letter",
        "operations",
        "delete_dead_letters",
        "Delete one provider's, or with `all=true` all of them",
        Access.TENANT,
        operations.DeletedCount,
        query=operations.DeadLetterDeletion,
    ),
    Route(
        "POST",
        "/ops/dead-letter/retry-all",
        "operations",
        "retry_dead_letters",
        "Put every one back on its topic",
        Access.TENANT,
        operations.RetriedCount,
    ),
    Route(
        "GET",
        "/ops/dead-letter/{id}",
        "operations",
        "get_dead_letter",
        "One of them",
        Access.TENANT,
        operations.DeadLetterBody,
        refusals=(404,),
    ),
    Route(
        "DELETE",
        "/ops/dead-letter/{id}",
        "operations",
        "delete_dead_letter",
        "Delete one",
        Access.TENANT,
        status=204,
        refusals=(404,),
    ),
    Route(
        "POST",
        "/ops/dead-letter/{id}/retry",
        "operations",
        "retry_dead_letter",
        "Put one back on its topic",
        Access.TENANT,
        status=204,
        refusals=(404,),
    ),
    Route("GET", "/health", "operations", "health", "Whether this answers", Access.ANYONE, operations.HealthBody),
    Route("GET", "/openapi.json", "operations", "openapi", "This description", Access.ANYONE, bytes),
    Route("GET", "/docs", "operations", "docs", "This description for people", Access.ANYONE, bytes, media=HTML),
)


def segments_of(path: str) -> tuple[str, ...]:
    """A decoded path in parts, a trailing slash or none being the same."""
    return tuple(path.strip("/").split("/")) if path.strip("/") else ()


def match(path: str) -> tuple[tuple[Route, ...], dict[str, str]]:
    """The routes that a decoded path leads to, one for each method, and its parameters.

    A literal segment wins over a parameter: `/providers/installed/a` is never provider `installed/a`.
    """
    parts = segments_of(path)
    fitting = [route for route in _by_length().get(len(parts), ()) if _fits(route.segments, parts)]
    if not fitting:
        return (), {}
    best = min(_literalness(route.segments) for route in fitting)
    routes = tuple(route for route in fitting if _literalness(route.segments) == best)
    named = zip(routes[0].segments, parts, strict=True)
    return routes, {pattern[1:-1]: part for pattern, part in named if pattern.startswith("{")}


def function_for(path: str) -> str | None:
    """The function that serves a decoded path, whether or not it has the method; None when no route has it."""
    routes, _ = match(path)
    return routes[0].function if routes else None


@lru_cache(maxsize=1)
def _by_length() -> dict[int, tuple[Route, ...]]:
    lengths = {len(route.segments) for route in ROUTES}
    return {length: tuple(route for route in ROUTES if len(route.segments) == length) for length in lengths}


def _fits(pattern: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    return all(word == part or (word.startswith("{") and part) for word, part in zip(pattern, parts, strict=True))


def _literalness(pattern: tuple[str, ...]) -> tuple[bool, ...]:
    return tuple(word.startswith("{") for word in pattern)

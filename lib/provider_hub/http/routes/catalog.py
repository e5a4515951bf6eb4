"""The catalog (contract, section 4)."""

from functools import partial

from provider_hub.http.models import catalog as models
from provider_hub.http.models.versions import ProviderVersionBody
from provider_hub.http.routes.route import Access, Route

_route = partial(Route, function="catalog")
_PROVIDER = "/providers/{org}/{name}"

ROUTES = (
    _route(
        "GET",
        "/providers",
        "search",
        "Find providers",
        Access.ANYONE_OR_CUSTOMER,
        models.ProviderPage,
        query=models.SearchQuery,
    ),
    _route(
        "GET",
        _PROVIDER,
        "get_provider",
        "One provider",
        Access.ANYONE_OR_CUSTOMER,
        models.ProviderBody,
        refusals=(404,),
    ),
    _route(
        "PATCH",
        _PROVIDER,
        "edit_provider",
        "Change how the author's provider is shown",
        Access.TENANT,
        models.ProviderBody,
        body=models.ProviderEdit,
        refusals=(404,),
    ),
    _route(
        "DELETE",
        _PROVIDER,
        "delete_provider",
        "Delete the author's provider and its versions",
        Access.TENANT,
        status=204,
        refusals=(404, 409),
    ),
    _route(
        "GET",
        f"{_PROVIDER}/versions",
        "list_versions",
        "Every version, newest first",
        Access.ANYONE_OR_CUSTOMER,
        list[ProviderVersionBody],
        refusals=(404,),
    ),
    _route(
        "GET",
        f"{_PROVIDER}/versions/{{version}}",
        "get_version",
        "One version",
        Access.ANYONE_OR_CUSTOMER,
        ProviderVersionBody,
        refusals=(404,),
    ),
    _route(
        "POST",
        f"{_PROVIDER}/versions/{{version}}/yank",
        "yank",
        "No new installs of this version; what runs stays",
        Access.TENANT,
        ProviderVersionBody,
        body=models.YankRequest,
        body_required=False,
        refusals=(404,),
    ),
    _route(
        "DELETE",
        f"{_PROVIDER}/versions/{{version}}/yank",
        "unyank",
        "Take a yank back",
        Access.TENANT,
        ProviderVersionBody,
        refusals=(404,),
    ),
    _route(
        "GET",
        f"{_PROVIDER}/rollouts",
        "list_rollouts",
        "How far each version's auto-upgrade is, for its author",
        Access.TENANT,
        list[models.RolloutBody],
        refusals=(404,),
    ),
    _route(
        "POST",
        f"{_PROVIDER}/rollouts/{{version}}/resume",
        "resume_rollout",
        "Let a halted auto-upgrade go on",
        Access.TENANT,
        models.RolloutBody,
        refusals=(404, 409),
    ),
)

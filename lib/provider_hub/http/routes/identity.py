"""Who the caller is (contract, section 6)."""

from functools import partial

from provider_hub.http.models import identity as models
from provider_hub.http.routes.route import Access, Route

_route = partial(Route, function="identity")

ROUTES = (
    _route("GET", "/console/whoami", "whoami", "Who the console token is", Access.CONSOLE, models.WhoAmI),
    _route("GET", "/auth/me", "me", "Who the customer token is", Access.CUSTOMER, models.Me),
    _route(
        "GET",
        "/organizations",
        "list_organizations",
        "The caller's organizations",
        Access.TENANT,
        list[models.OrganizationBody],
    ),
    _route(
        "GET",
        "/organizations/{organization_id}",
        "get_organization",
        "The caller's organization, by its id or as `me`",
        Access.TENANT,
        models.OrganizationBody,
        refusals=(404,),
    ),
)

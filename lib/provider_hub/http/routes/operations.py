"""Dead letters, liveness, and the description of all routes (contract, section 6)."""

from functools import partial

from provider_hub.http.models import operations as models
from provider_hub.http.routes.route import HTML, Access, Route

_route = partial(Route, function="operations")

ROUTES = (
    _route(
        "GET",
        "/ops/dead-letter",
        "list_dead_letters",
        "Events that could not be handled, newest first",
        Access.TENANT,
        list[models.DeadLetterBody],
        query=models.DeadLetterQuery,
    ),
    _route(
        "DELETE",
        "/ops/dead-letter",
        "delete_dead_letters",
        "Delete one provider's, or with `all=true` all of them",
        Access.TENANT,
        models.DeletedCount,
        query=models.DeadLetterDeletion,
    ),
    _route(
        "POST",
        "/ops/dead-letter/retry-all",
        "retry_dead_letters",
        "Put every one back on its topic",
        Access.TENANT,
        models.RetriedCount,
    ),
    _route(
        "GET",
        "/ops/dead-letter/{id}",
        "get_dead_letter",
        "One of them",
        Access.TENANT,
        models.DeadLetterBody,
        refusals=(404,),
    ),
    _route(
        "DELETE",
        "/ops/dead-letter/{id}",
        "delete_dead_letter",
        "Delete one",
        Access.TENANT,
        status=204,
        refusals=(404,),
    ),
    _route(
        "POST",
        "/ops/dead-letter/{id}/retry",
        "retry_dead_letter",
        "Put one back on its topic",
        Access.TENANT,
        status=204,
        refusals=(404,),
    ),
    _route("GET", "/health", "health", "Whether this answers", Access.ANYONE, models.HealthBody),
    _route("GET", "/openapi.json", "openapi", "This description", Access.ANYONE, bytes),
    _route("GET", "/docs", "docs", "This description for people", Access.ANYONE, bytes, media=HTML),
)

"""Publishing, for both realms (contract, section 5)."""

from functools import partial

from provider_hub.http.models import publishing as models
from provider_hub.http.models.versions import ProviderVersionBody
from provider_hub.http.routes.route import Access, Route

_route = partial(Route, function="publishing")

ROUTES = (
    _route(
        "POST",
        "/provider-versions",
        "publish",
        "Register a version of the organization's own provider",
        Access.TENANT,
        ProviderVersionBody,
        status=201,
        other_statuses=(200,),
        body=models.PublishRequest,
        refusals=(409,),
    ),
    _route(
        "POST",
        "/console/provider-versions",
        "publish_platform",
        "Register a version of a platform provider",
        Access.CONSOLE_MACHINE,
        ProviderVersionBody,
        status=201,
        other_statuses=(200,),
        body=models.PublishRequest,
        refusals=(409,),
    ),
    _route(
        "POST",
        "/console/runtime/versions",
        "register_runtime",
        "Register or update a version of the runtime",
        Access.CONSOLE_MACHINE,
        models.RuntimeVersionBody,
        status=201,
        other_statuses=(200,),
        body=models.RuntimeVersionRequest,
    ),
)

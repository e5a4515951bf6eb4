"""Every route there is, as one table: OpenAPI describes it, Terraform provisions it, a local gateway goes by it."""

from provider_hub.http import catalog, identity, installations, operations, publishing
from provider_hub.http.route import Route, Routing

ROUTES: tuple[Route, ...] = (
    *installations.routes,
    *catalog.routes,
    *publishing.routes,
    *identity.routes,
    *operations.routes,
)

match = Routing(ROUTES).match


def function_for(path: str) -> str | None:
    """The function that serves a decoded path, whether or not it has the method; None when no route has it."""
    routes, _ = match(path)
    return routes[0].function if routes else None

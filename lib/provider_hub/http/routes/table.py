"""Every route there is, as one table: OpenAPI describes it, Terraform provisions it, a local gateway goes by it."""

from provider_hub.http.routes import catalog, identity, installations, operations, publishing
from provider_hub.http.routes.route import Route, Routing

ROUTES: tuple[Route, ...] = (
    *installations.ROUTES,
    *catalog.ROUTES,
    *publishing.ROUTES,
    *identity.ROUTES,
    *operations.ROUTES,
)

match = Routing(ROUTES).match


def function_for(path: str) -> str | None:
    """The function that serves a decoded path, whether or not it has the method; None when no route has it."""
    routes, _ = match(path)
    return routes[0].function if routes else None

"""Every route there is, as one table: OpenAPI describes it, Terraform provisions it, a local gateway goes by it."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from provider_hub.http import functions
from provider_hub.http.route import Route, Routes, Routing


def _declared() -> tuple[Routes[Any], ...]:
    """The routes of each module in `http.functions`, in the order of their names."""
    modules = (import_module(f"{functions.__name__}.{found.name}") for found in iter_modules(functions.__path__))
    return tuple(module.routes for module in modules)


FUNCTIONS = _declared()
ROUTES: tuple[Route, ...] = tuple(route for routes in FUNCTIONS for route in routes)

match = Routing(ROUTES).match


def function_for(path: str) -> str | None:
    """The function that serves a decoded path, whether or not it has the method; None when no route has it."""
    routes, _ = match(path)
    return routes[0].function if routes else None

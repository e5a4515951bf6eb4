"""What follows from a route's access and body alone, for each route of the table; and paths that are no route."""

from provider_hub.http import examples
from provider_hub.http.route import Access, Route
from provider_hub.http.table import ROUTES
from tests.e2e.cases.kinds import WEATHER, Refused

_OF_CONSOLE = (Access.CONSOLE, Access.CONSOLE_MACHINE)
_OF_CUSTOMERS = (Access.ANYONE_OR_CUSTOMER, Access.CUSTOMER, Access.TENANT)
_PUBLISH = "/provider-versions"
_BIG = b'{"provider_name": "' + b"x" * 1024 * 1024 + b'"}'


def _refused(route: Route, status: int, detail: str, who: str | None) -> Refused:
    return Refused(route.method, examples.path(route), status, detail, who)


NOT_AUTHENTICATED = [
    *[
        _refused(route, 401, "", None)
        for route in ROUTES
        if route.access not in (Access.ANYONE, Access.ANYONE_OR_CUSTOMER)
    ],
    *[
        _refused(route, 401, "", who)
        for route in ROUTES
        if route.access in _OF_CUSTOMERS
        for who in ("console_machine", "expired")
    ],
    *[_refused(route, 401, "", "user") for route in ROUTES if route.access in _OF_CONSOLE],
    *[
        Refused("GET", WEATHER, 401, who=None, headers={"Authorization": value})
        for value in ("Basic dXNlcjpwYXNz", "Bearer", "Bearer x.y.z", "Bearer a b", "garbage")
    ],
]
FORBIDDEN = [
    *[
        _refused(route, 403, "the token names no organization", "homeless")
        for route in ROUTES
        if route.access is Access.TENANT
    ],
    *[
        _refused(route, 403, "belongs to another organization", "squatter")
        for route in ROUTES
        if route.access in _OF_CUSTOMERS
    ],
    *[
        _refused(route, 403, "only a console machine", "console_user")
        for route in ROUTES
        if route.access is Access.CONSOLE_MACHINE
    ],
    *[
        _refused(route, 403, f"has not the scope {route.scope}", "narrow")
        for route in ROUTES
        if route.access is Access.CONSOLE_MACHINE
    ],
    Refused("GET", "/providers/installed", 403, "none of the reserved words", "misnamed"),
]
NO_ROUTES = [
    Refused(method, path, 404, "Not Found", who=None)
    for method in ("GET", "POST", "OPTIONS")
    for path in ("/nothing", "/providers/a/b/c", "/organizations/a/b", "/health/x", "/%2F%2Fhost")
]
NO_OBJECTS = [
    Refused("POST", path, 422, raw=raw, loc=("body",))
    for path in ("/providers/install", _PUBLISH, f"{WEATHER}/upgrade")
    for raw in (b"[]", b'"x"', b"1", b"null", b"{", b"{'a': 1}", b"\xff\xfe", b"[" * 10_000, b"\0")
]
TOO_LARGE = [
    Refused("POST", "/providers/install", 413, "the body is over 1048576 bytes", raw=_BIG),
    Refused("POST", _PUBLISH, 413, "the body is over 1048576 bytes", raw=_BIG),
    Refused("PATCH", WEATHER, 413, "the body is over 1048576 bytes", raw=_BIG),
]
REFUSED = [*NOT_AUTHENTICATED, *FORBIDDEN, *NO_ROUTES, *NO_OBJECTS, *TOO_LARGE]

# A method and a path that does not have it, and the methods that the path has.
NOT_ALLOWED = [
    ("PUT", "/providers/install", "OPTIONS, POST"),
    ("GET", "/providers/install", "OPTIONS, POST"),
    ("POST", "/providers/installed", "GET, HEAD, OPTIONS"),
    ("PUT", WEATHER, "DELETE, GET, HEAD, OPTIONS, PATCH"),
    ("TRACE", WEATHER, "DELETE, GET, HEAD, OPTIONS, PATCH"),
    ("GET", f"{WEATHER}/upgrade", "OPTIONS, POST"),
    ("DELETE", _PUBLISH, "OPTIONS, POST"),
    ("GET", "/console/provider-versions", "OPTIONS, POST"),
    ("DELETE", "/providers", "GET, HEAD, OPTIONS"),
    ("POST", "/ops/dead-letter", "DELETE, GET, HEAD, OPTIONS"),
    ("POST", "/health", "GET, HEAD, OPTIONS"),
]

"""Keeps web pages away from the servers of one machine.

Listening on a loopback address keeps out other machines, but not the pages in the developer's browser: a page can send
requests to 127.0.0.1, and by a DNS name of its own that resolves to it (DNS rebinding) it could read the answers. The
first has a foreign Origin, the second a foreign Host.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from local_kubernetes.loopback import LOOPBACK_NAMES, is_loopback

_SCHEMES = ("http://", "https://")


def refusal(headers: Mapping[str, str], pages: Collection[str] = ()) -> str | None:
    """Why a request with these headers is refused, in a sentence; None where it is welcome.

    The Origin of a page that this very server served is welcome, and so are those of `pages`. Any other is not, `null`
    included.
    """
    host = headers.get("Host", "")
    if not is_loopback(host):
        return f"The Host header is not one of this machine: use {', '.join(LOOPBACK_NAMES)}."
    origin = headers.get("Origin")
    own = {f"{scheme}{host.lower()}" for scheme in _SCHEMES}
    if origin is not None and origin.lower() not in own.union(pages):
        return "The request comes from a web page of another origin: call the API from a program instead."
    return None


def own_machine_and(*pages: str) -> Middleware:
    """A middleware that answers 403 to what is refused, before any handler runs; `pages` are welcome origins."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        why = refusal(request.headers, pages)
        if why is not None:
            return web.json_response({"detail": why}, status=403)
        return await handler(request)

    return guard


own_machine = own_machine_and()


def guarded_wsgi(application: Callable[[dict[str, Any], Any], Any]) -> Callable[[dict[str, Any], Any], Any]:
    """The WSGI application, behind the same rule."""

    def guarded(environ: dict[str, Any], start_response: Any) -> Any:
        given = {"Host": environ.get("HTTP_HOST", ""), "Origin": environ.get("HTTP_ORIGIN")}
        why = refusal({name: value for name, value in given.items() if value is not None})
        if why is None:
            return application(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
        return [why.encode()]

    return guarded

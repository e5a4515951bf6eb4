"""The API server as an aiohttp application: errors, faults, discovery, and the verbs on every kind."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

from aiohttp import web

from . import answers, discovery, openapi, schema
from .admission import Admission
from .deletion import Deletions
from .faults import Faults, FaultSwitch
from .garbage import Collector
from .gate import Gate, new_token
from .kinds import KINDS, Object, named
from .logs import Logs
from .negotiation import BODY_LIMIT, read_optional
from .resources import Resources, Write
from .routes import group_version, resource_route
from .status import ApiError, no_such_path
from .store import Store
from .verbs import Verbs

_log = logging.getLogger(__name__)

FIRST_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
_HEALTH = ("/healthz", "/livez", "/readyz")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def utc_now() -> datetime:
    """The time; tests give the server a clock of their own."""
    return datetime.now(UTC)


class ApiServer:
    """A cluster's state and the application that serves it.

    Clients have to send `token`, and so does the server to its nodes. The server calls `faults` for every request, with
    method and path. With `fault_route`, `POST /_faults` sets them at run time. Versions start at the time in
    milliseconds, so those of a later server are always higher.
    """

    def __init__(
        self,
        *,
        token: str = "",
        faults: Faults | None = None,
        fault_route: bool = False,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        token = token or new_token()
        self._gate = Gate(token)
        self.store = Store(int(clock().timestamp() * 1000))
        self._switch = FaultSwitch() if fault_route else None
        self._faults = [hook for hook in (faults, self._switch) if hook is not None]
        self._deletions = Deletions(self.store, clock)
        self._collector = Collector(self.store, self._deletions)
        self._logs = Logs(self.store, token)
        resources = Resources(self.store, Admission(self.store), clock)
        self._verbs = Verbs(self.store, resources, self._deletions, self._logs, clock)
        for name in FIRST_NAMESPACES:
            body = {"metadata": {"name": name}}
            resources.create(named("Namespace"), "", body, Write("embedded-cluster"))

    def application(self) -> web.Application:
        """The aiohttp application. It asks for the token first, then applies the faults, then serves."""
        middlewares = [_errors_as_status, self._behind_gate, self._with_faults]
        app = web.Application(client_max_size=BODY_LIMIT, middlewares=middlewares)
        app.router.add_route("*", "/{path:.*}", self._serve)
        app.cleanup_ctx.append(self._background)
        return app

    async def _background(self, _: web.Application) -> AsyncIterator[None]:
        for kind in KINDS:
            schema.of(kind)
        collecting = asyncio.create_task(self._collector.run(), name="garbage collector")
        yield
        collecting.cancel()
        with suppress(asyncio.CancelledError):
            await collecting
        await self._logs.close()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path.startswith(("/api/", "/apis/")):
            return await self._serve_api(request)
        if path in _HEALTH or path.startswith(tuple(f"{probe}/" for probe in _HEALTH)):
            return web.Response(text="ok")
        if path == "/_faults" and self._switch is not None and request.method == "POST":
            self._switch.set(await read_optional(request))
            return answers.plain({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})
        return _document(request)

    async def _serve_api(self, request: web.Request) -> web.StreamResponse:
        path = request.path.rstrip("/")
        found = group_version(path)
        if found:
            return answers.plain(discovery.resources(*found))
        parts = path.split("/")
        if len(parts) == 3 and parts[1] == "apis":
            group = discovery.group(parts[2])
            if group is None:
                raise no_such_path()
            return answers.plain(group)
        if path in ("/api", "/apis"):
            return _document(request)
        return await self._verbs.serve(request, resource_route(path))

    @web.middleware
    async def _behind_gate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._gate.check(request)
        return await handler(request)

    @web.middleware
    async def _with_faults(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == "/_faults" or request.path in _HEALTH:
            return await handler(request)
        for hook in self._faults:
            fault = hook(request.method, request.path)
            if fault is None:
                continue
            await asyncio.sleep(fault.hang_seconds)
            error = fault.error()
            if error is not None:
                raise error
        return await handler(request)


@web.middleware
async def _errors_as_status(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return answers.plain(error.status(), error.code, error.headers.items())
    except web.HTTPException:
        raise
    except Exception:
        _log.exception("%s %s failed; the client gets a 500 and may try again", request.method, request.path)
        unforeseen = ApiError(500, "InternalError", "Internal error occurred: see the log of the embedded cluster")
        return answers.plain(unforeseen.status(), unforeseen.code)


def _document(request: web.Request) -> web.Response:
    """The documents about the server itself. Raises a 404 ApiError for any other path."""
    path = request.path.rstrip("/")
    fixed: dict[str, Callable[[], Object]] = {
        "/version": discovery.version,
        "/api": lambda: discovery.core_versions(request.host),
        "/apis": discovery.groups,
        "/openapi/v2": openapi.swagger,
        "/openapi/v3": openapi.index,
        "": lambda: {
            "paths": ["/api", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]
        },
    }
    if path in fixed:
        return answers.plain(fixed[path]())
    body = openapi.document(path.removeprefix("/openapi/v3/")) if path.startswith("/openapi/v3/") else None
    if body is None:
        raise no_such_path()
    return answers.plain(body)

"""The one base URL: passes each request on to the function that serves its path.

Stands in for the load balancer in front of the functions: it looks at the path alone, and changes nothing that
a caller or a function could see but what a proxy must.
"""

import asyncio
import json
import logging
import re
import secrets
from collections.abc import Callable, Mapping
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from local_stack.own_machine import refusal

logger = logging.getLogger(__name__)

# Takes a request's path, decoded as the functions' own WSGI server does; names the function, None for no such path.
Router = Callable[[str], str | None]
# Takes a request and its decoded path; the answer of what the gateway serves itself, None for a path of the functions.
Pages = Callable[[web.BaseRequest, str], web.StreamResponse | None]

# RFC 9110 section 7.6.1; each connection has its own.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_BROKEN_CONNECTIONS = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
# Cloud Run's own limit. Whoever announces more and sends nothing would hold a thread of a function.
_MOST_BYTES = 32 * 1024 * 1024
_SMALL_BYTES = 64 * 1024
_REQUEST_SECONDS = 300.0
_RESTART_SECONDS = 10.0
_RETRY_SECONDS = 0.1
# As the other servers of a stack: one that is stopped does not wait for what callers still send.
_SHUTDOWN_SECONDS = 0.5
# Less than the functions' own keep-alive, so that it is always this side that closes an idle connection: a
# request sent into a connection the function is just closing would be lost.
_KEEP_ALIVE_SECONDS = 30.0


class Gateway:
    """Proxies requests to functions by path. Use as an asynchronous context manager."""

    def __init__(
        self, route: Router, functions: Mapping[str, URL], pages: Pages = lambda _request, _path: None
    ) -> None:
        self._route = route
        self._functions = functions
        self._pages = pages

    async def __aenter__(self) -> "Gateway":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS),
            timeout=aiohttp.ClientTimeout(total=_REQUEST_SECONDS),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        refused = _refused(request)
        if refused is not None:
            return refused
        path = unquote(request.raw_path.partition("?")[0])
        page = self._pages(request, path)
        if page is not None:
            page.headers["X-Request-Id"] = _request_id(request)
            return page
        function = self._route(path)
        base = self._functions.get(function) if function is not None else None
        if base is None:
            return _problem(404, "Not Found", {"X-Request-Id": _request_id(request)})
        target = URL(f"{base}{request.raw_path}", encoded=True)
        await _invite_body(request)
        try:
            async with await self._send(request, target, await _body(request)) as upstream:
                return await _pass_back(request, upstream)
        except TimeoutError:
            return _unavailable(request, function, "did not answer in time")
        except aiohttp.ClientError as error:
            return _unavailable(request, function, type(error).__name__)

    async def _send(
        self, request: web.BaseRequest, target: URL, body: bytes | aiohttp.StreamReader | None
    ) -> aiohttp.ClientResponse:
        """Send a request on, over a restart of the function where that is safe.

        A refused connection is tried again, since nothing of the request was sent. One that broke may have been
        carried out: only a safe method (RFC 9110 section 9.2.1) is repeated then. A function may die between the
        headers of its answer and the body, so that a small answer is read here as a whole.
        """
        headers = _forwarded_headers(request)
        safe = request.method in _SAFE_METHODS and body is None
        repeatable = _BROKEN_CONNECTIONS if safe else aiohttp.ClientConnectorError
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _RESTART_SECONDS
        while True:
            try:
                upstream = await self._session.request(
                    request.method, target, headers=headers, data=body, allow_redirects=False
                )
                if _is_small(upstream):
                    await upstream.read()
            except repeatable:
                if loop.time() >= deadline:
                    raise
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return upstream


def _refused(request: web.BaseRequest) -> web.Response | None:
    """The answer to a request that no function should see."""
    headers = {"X-Request-Id": _request_id(request)}
    foreign = refusal(request.headers)
    if foreign is not None:
        return _problem(403, foreign, headers)
    if (request.content_length or 0) > _MOST_BYTES:
        too_large = f"A request holds at most {_MOST_BYTES >> 20} MiB; `hub publish FILE` takes larger wheels"
        return _problem(413, too_large, {**headers, "Connection": "close"})
    return None


def _forwarded_headers(request: web.BaseRequest) -> CIMultiDict[str]:
    headers = _end_to_end(request.headers)
    headers.popall("Expect", None)
    if request.remote is not None:
        before = headers.get("X-Forwarded-For")
        headers["X-Forwarded-For"] = f"{before}, {request.remote}" if before else request.remote
    headers["X-Forwarded-Proto"] = request.scheme
    return headers


def _end_to_end(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """All headers but those of the connection itself, repeated ones included."""
    named = {name.strip().lower() for value in headers.getall("Connection", ()) for name in value.split(",")}
    dropped = _HOP_BY_HOP | named
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in dropped)


async def _invite_body(request: web.BaseRequest) -> None:
    """Send 100 Continue to a client that waits for it, as curl does before a large body."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def _body(request: web.BaseRequest) -> bytes | aiohttp.StreamReader | None:
    if not request.body_exists:
        return None
    if request.content_length is not None and request.content_length <= _SMALL_BYTES:
        return await request.content.read()  # in one piece: cheaper than a stream of a few hundred bytes
    return request.content


def _is_small(answer: aiohttp.ClientResponse) -> bool:
    if answer.method == "HEAD":
        return True  # its Content-Length is that of a body that does not come
    return answer.content_length is not None and answer.content_length <= _SMALL_BYTES


async def _pass_back(request: web.BaseRequest, upstream: aiohttp.ClientResponse) -> web.StreamResponse:
    headers = _end_to_end(upstream.headers)
    if _is_small(upstream):
        return web.Response(status=upstream.status, reason=upstream.reason, headers=headers, body=await upstream.read())
    response = web.StreamResponse(status=upstream.status, reason=upstream.reason, headers=headers)
    await response.prepare(request)
    try:
        async for chunk in upstream.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    except (aiohttp.ClientError, TimeoutError):
        # Too late for another status: a cut connection alone shows the caller that this was not all.
        if request.transport is not None:
            request.transport.abort()
    return response


def _problem(status: int, detail: str, headers: Mapping[str, str]) -> web.Response:
    body = json.dumps({"detail": detail}).encode()
    return web.Response(status=status, body=body, headers={"Content-Type": "application/json"} | dict(headers))


def _unavailable(request: web.BaseRequest, function: str | None, reason: str) -> web.Response:
    logger.warning("%s could not be asked: %s", function, reason)
    headers = {"Retry-After": "1", "X-Request-Id": _request_id(request)}
    return _problem(503, "The service is not available at the moment; try again shortly.", headers)


def _request_id(request: web.BaseRequest) -> str:
    given = request.headers.get("X-Request-Id", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


async def serve_gateway(gateway: Gateway) -> web.ServerRunner:
    """A set-up runner for `gateway`, to which sites are added. Not an Application: no routing or middleware to pay."""
    # A compressed body is passed on as it came: unpacked, it would no longer be what its headers say.
    server = web.Server(gateway.handle, auto_decompress=False)
    runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    return runner

"""The kubelet's own small HTTP server: `kubectl logs` ends here.

It speaks TLS, with a certificate that is made for this run, and listens only on the loopback address. Under the
embedded API server, a request has to carry the credential that this node itself sends to that server. A real API
server shows a client certificate instead, which this server does not check.
"""

import hmac
import ssl
from datetime import UTC, datetime, timedelta

import trustme
from aiohttp import web

from local_kubernetes.node.client import ApiClient
from local_kubernetes.node.kubelet import Kubelet
from local_kubernetes.node.objects import now

HOST = "127.0.0.1"


class LogServer:
    """Serves `GET /containerLogs/{namespace}/{pod}/{container}` and `GET /healthz`.

    Where the API server is the embedded one, a request for logs has to carry the credential that `client` sends to it.
    """

    def __init__(self, kubelet: Kubelet, tls: ssl.SSLContext, client: ApiClient) -> None:
        self._kubelet = kubelet
        self._client = client
        self._tls = tls
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen on a free port, which is `port` from then on."""
        application = web.Application()
        application.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        application.router.add_get("/healthz", _healthz)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, 0, ssl_context=self._tls)
        await site.start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """End open requests and stop listening."""
        if self._runner:
            await self._runner.cleanup()

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        if not await self._is_authentic(request.headers.get("Authorization", "")):
            raise web.HTTPUnauthorized(text="Unauthorized")
        place = request.match_info
        container = self._kubelet.container(place["namespace"], place["pod"], place["container"])
        if container is None:
            raise web.HTTPNotFound(text=f'pod "{place["pod"]}" has no container "{place["container"]}" on this node')
        previous = _flag(request, "previous")
        log = container.logs.previous if previous else container.logs.current
        if log is None and previous:
            text = f'previous terminated container "{place["container"]}" in pod "{place["pod"]}" not found'
            raise web.HTTPBadRequest(text=text)
        lines, limit = _number(request, "tailLines"), _number(request, "limitBytes")
        timestamps = _flag(request, "timestamps")
        content = log.tail(lines, since=_since(request), timestamps=timestamps) if log else b""
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        await response.write(content[:limit])
        if log and _flag(request, "follow") and limit is None:
            async for more in log.follow(timestamps=timestamps):
                await response.write(more)
        await response.write_eof()
        return response

    async def _is_authentic(self, given: str) -> bool:
        wanted = self._client.credential
        if hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode()):
            return True
        return not await self._client.is_embedded()


def self_signed_tls() -> ssl.SSLContext:
    """A server context with a new key, and a certificate for 127.0.0.1 of an authority that nothing trusts."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA(organization_name="process-node").issue_cert(HOST).configure_cert(context)
    return context


async def _healthz(_request: web.Request) -> web.Response:
    return web.Response(text="ok")


def _flag(request: web.Request, name: str) -> bool:
    return request.query.get(name, "").lower() in {"true", "1"}


def _since(request: web.Request) -> datetime | None:
    """The moment that `sinceSeconds` or `sinceTime` names, in whole seconds as the API has them."""
    seconds = _number(request, "sinceSeconds")
    if seconds is not None:
        return now() - timedelta(seconds=seconds)
    text = request.query.get("sinceTime")
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise web.HTTPBadRequest(text=f"sinceTime is {text!r}, which is not a time of RFC 3339") from None
    return moment.replace(microsecond=0, tzinfo=moment.tzinfo or UTC)


def _number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not text.isdigit():
        raise web.HTTPBadRequest(text=f"{name} is {text!r}, which is not a number")
    return int(text)

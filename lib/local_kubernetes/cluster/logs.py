"""Pod logs: fetched from the node that runs the Pod, as the API server asks a kubelet."""

from collections.abc import Mapping

import aiohttp
from aiohttp import web

from .kinds import Object, named
from .records import Record
from .status import ApiError, bad_request
from .store import Store

_PASSED_ON = ("previous", "tailLines", "follow", "timestamps", "sinceSeconds", "sinceTime", "limitBytes")
_CONNECT_SECONDS = 5.0


class Logs:
    """Passes requests for logs on to nodes, with the cluster's token, which a node asks for."""

    def __init__(self, store: Store, token: str) -> None:
        self._store = store
        self._headers = {"Authorization": f"Bearer {token}"}
        self._session: aiohttp.ClientSession | None = None

    async def serve(self, request: web.Request, pod: Record) -> web.StreamResponse:
        """Stream a container's log from its node. Raises a 400 ApiError for a container that the Pod does not have and
        for what the node calls so, such as a run that there was not, a 500 one when its node cannot be reached.
        """
        container = _container(pod, request.query.get("container", ""))
        node = pod.object["spec"].get("nodeName")
        if not node:
            return web.Response(body=b"", content_type="text/plain")
        url = f"{self._node_url(node)}/containerLogs/{pod.namespace}/{pod.name}/{container}"
        try:
            async with self._client().get(url, params=_passed_on(request.query), headers=self._headers) as upstream:
                if upstream.status == 400:
                    raise bad_request((await upstream.text())[:200])
                if upstream.status != 200:
                    raise _unanswered(url, f"{upstream.status}: {(await upstream.text())[:200]}")
                return await _relay(request, upstream)
        except aiohttp.ClientConnectionError as error:
            raise _unanswered(url, str(error)) from error

    async def close(self) -> None:
        """Close the connections to nodes."""
        if self._session is not None:
            await self._session.close()

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)
            # A node makes its certificate itself. API servers do not check it by default; its address is loopback.
            self._session = aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(ssl=False))
        return self._session

    def _node_url(self, name: str) -> str:
        record = self._store.get(named("Node"), "", name)
        status = record.object.get("status", {}) if record else {}
        internal = [item["address"] for item in status.get("addresses") or () if item.get("type") == "InternalIP"]
        port = status.get("daemonEndpoints", {}).get("kubeletEndpoint", {}).get("Port")
        if not internal or not port:
            detail = f"node {name!r} has no InternalIP address or kubelet port in its status"
            raise ApiError(500, "InternalError", f"Internal error occurred: {detail}")
        return f"https://{internal[0]}:{port}"


async def _relay(request: web.Request, upstream: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    async for chunk in upstream.content.iter_any():
        await response.write(chunk)
    await response.write_eof()
    return response


def _container(pod: Record, asked: str) -> str:
    names = [item["name"] for item in _all_containers(pod.object["spec"])]
    if not asked and len(pod.object["spec"]["containers"]) == 1:
        return str(pod.object["spec"]["containers"][0]["name"])
    if not asked:
        listed = " ".join(names)
        raise bad_request(f"a container name must be specified for pod {pod.name}, choose one of: [{listed}]")
    if asked not in names:
        raise bad_request(f"container {asked} is not valid for pod {pod.name}")
    return asked


def _all_containers(spec: Object) -> list[Object]:
    return [*spec.get("initContainers", ()), *spec.get("containers", ())]


def _passed_on(query: Mapping[str, str]) -> dict[str, str]:
    return {name: query[name] for name in _PASSED_ON if name in query}


def _unanswered(url: str, detail: str) -> ApiError:
    return ApiError(500, "InternalError", f'Internal error occurred: Get "{url}": {detail}')

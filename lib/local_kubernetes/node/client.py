"""The few verbs of the Kubernetes API that a node needs, over one connection pool."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from local_kubernetes.node.access import Access, AccessError, load_access
from local_kubernetes.node.objects import Json

MERGE_PATCH = "application/merge-patch+json"
_JSON = "application/json"


class ApiError(Exception):
    """The API server refused a request, or could not be reached (`status` 0).

    `reason` is the Status object's, such as `AlreadyExists`; `retry_after` is in seconds.
    """

    def __init__(self, status: int, reason: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after

    @property
    def is_temporary(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status in {0, 408, 429} or self.status >= 500


@dataclass(frozen=True)
class Resource:
    """A kind's place in the API, such as `apps/v1` and `deployments`."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The path of a collection, an object or its subresource."""
        root = "/api" if "/" not in self.api_version else "/apis"
        parts = [root, self.api_version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/".join(parts)


NODES = Resource("v1", "Node", "nodes", namespaced=False)
PODS = Resource("v1", "Pod", "pods")
SECRETS = Resource("v1", "Secret", "secrets")
CONFIG_MAPS = Resource("v1", "ConfigMap", "configmaps")
EVENTS = Resource("v1", "Event", "events")
DEPLOYMENTS = Resource("apps/v1", "Deployment", "deployments")
REPLICA_SETS = Resource("apps/v1", "ReplicaSet", "replicasets")


@dataclass(frozen=True)
class ClientLimits:
    """Seconds, and requests in flight. Watches are not counted among the requests."""

    request_timeout: float = 10.0
    watch_seconds: int = 120
    concurrency: int = 12


class ApiClient:
    """An asynchronous client; use it as a context manager.

    Every failure of the server or the network is raised as ApiError.
    """

    def __init__(self, kubeconfig: Path, limits: ClientLimits | None = None) -> None:
        self._kubeconfig = kubeconfig
        self._limits = limits or ClientLimits()
        self._slots = asyncio.Semaphore(self._limits.concurrency)
        self._access: Access | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._access = await asyncio.to_thread(load_access, self._kubeconfig)
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    @property
    def credential(self) -> str:
        """The `Authorization` header that this client sends; empty where it authenticates otherwise."""
        return self._access.headers.get("authorization", "") if self._access else ""

    async def is_embedded(self) -> bool:
        """Whether the API server is the embedded cluster, which authenticates to nodes by its token."""
        version = await self._request("GET", "/version")
        return str(version.get("gitVersion", "")).endswith("-embedded")

    async def get(self, resource: Resource, namespace: str, name: str) -> Json:
        """One object."""
        return await self._request("GET", resource.path(namespace, name))

    async def create(self, resource: Resource, namespace: str, body: Json, *, name: str = "", sub: str = "") -> Json:
        """Create an object, or with `name` and `sub` a subresource such as a binding."""
        return await self._request("POST", resource.path(namespace, name, sub), body)

    async def patch(self, resource: Resource, namespace: str, name: str, body: Json, *, sub: str = "") -> Json:
        """A JSON merge patch. Lists are replaced as wholes; `None` removes a field."""
        return await self._request("PATCH", resource.path(namespace, name, sub), body, content_type=MERGE_PATCH)

    async def delete(
        self, resource: Resource, namespace: str, name: str, *, uid: str, grace_seconds: int | None = None
    ) -> Json:
        """Delete that very object; 409 when another one has its name by now."""
        options: Json = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid}}
        options["propagationPolicy"] = "Background"
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        return await self._request("DELETE", resource.path(namespace, name), options)

    async def list(self, resource: Resource) -> Json:
        """All objects of the resource, of all namespaces."""
        return await self._request("GET", resource.path())

    async def watch(self, resource: Resource, version: str) -> AsyncIterator[Json]:
        """Yield watch events from `version` on until the server ends the stream."""
        seconds = self._limits.watch_seconds
        query = {"watch": "true", "resourceVersion": version}
        query |= {"allowWatchBookmarks": "true", "timeoutSeconds": str(seconds)}
        # The server ends a watch after timeoutSeconds. The client ends one that hangs a little later.
        timeout = aiohttp.ClientTimeout(total=seconds + 15, sock_connect=self._limits.request_timeout)
        session, access = self._connection()
        url = access.url + resource.path()
        try:
            async with session.get(
                url, params=query, headers=access.headers, ssl=access.tls, timeout=timeout
            ) as response:
                if response.status != 200:
                    raise _error(response, await response.read())
                async for line in _lines(response.content):
                    yield _decode(line)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _unreachable(error) from error

    async def _request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        content_type: str = _JSON,
    ) -> Json:
        try:
            return await self._send(method, path, body, content_type)
        except ApiError as error:
            if error.status != 401:
                raise
        # A credential plugin's token may have run out: ask for a new one, once.
        try:
            self._access = await asyncio.to_thread(load_access, self._kubeconfig)
        except AccessError as error:
            raise ApiError(401, "Unauthorized", str(error)) from error
        return await self._send(method, path, body, content_type)

    async def _send(self, method: str, path: str, body: Json | None, content_type: str) -> Json:
        session, access = self._connection()
        headers = {**access.headers, "Accept": _JSON}
        if body is not None:
            headers["Content-Type"] = content_type
        data = None if body is None else json.dumps(body).encode()
        timeout = aiohttp.ClientTimeout(total=self._limits.request_timeout)
        try:
            async with (
                self._slots,
                session.request(
                    method,
                    access.url + path,
                    data=data,
                    headers=headers,
                    ssl=access.tls,
                    timeout=timeout,
                ) as response,
            ):
                content = await response.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _unreachable(error) from error
        if response.status >= 300:
            raise _error(response, content)
        return _decode(content)

    def _connection(self) -> tuple[aiohttp.ClientSession, Access]:
        if self._session is None or self._access is None:
            raise RuntimeError("ApiClient is a context manager: use it within `async with`")
        return self._session, self._access


async def _lines(stream: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    # StreamReader's own line iteration refuses lines over its buffer; an object may be larger.
    rest = b""
    async for chunk in stream.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield line


def _decode(content: bytes) -> Json:
    try:
        decoded: Any = json.loads(content)
    except ValueError as error:
        raise ApiError(0, "InvalidResponse", "the API server answered with something that is not JSON") from error
    if not isinstance(decoded, dict):
        raise ApiError(0, "InvalidResponse", "the API server answered with JSON that is no object")
    return decoded


def _error(response: aiohttp.ClientResponse, content: bytes) -> ApiError:
    try:
        status = _decode(content)
    except ApiError:
        status = {}
    after = response.headers.get("Retry-After", "")
    message = str(status.get("message") or f"the API server answered {response.status}")
    return ApiError(
        response.status, str(status.get("reason") or ""), message[:2000], float(after) if after.isdigit() else None
    )


def _unreachable(error: BaseException) -> ApiError:
    return ApiError(0, "Unreachable", f"the API server cannot be reached: {str(error) or type(error).__name__}")

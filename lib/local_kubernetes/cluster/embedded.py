"""The embedded cluster as a part of another process: on its event loop, or on a thread of its own."""

import asyncio
import tempfile
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from aiohttp import web

from local_kubernetes.private_files import write_privately

from .faults import Faults
from .identity import Identity
from .server import ApiServer

_HOST = "127.0.0.1"
_NAME = "embedded"
_SHUTDOWN_SECONDS = 0.5


class EmbeddedCluster:
    """A served cluster; `start` and `stop` belong to one event loop. See ApiServer for the faults."""

    def __init__(
        self, *, identity: Identity | None = None, faults: Faults | None = None, fault_route: bool = False
    ) -> None:
        self._identity = identity or Identity.new()
        self._server = ApiServer(token=self._identity.token, faults=faults, fault_route=fault_route)
        self._runner: web.AppRunner | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """Base URL, without a slash at its end; empty before `start`."""
        return self._url

    def kubeconfig(self) -> str:
        """A kubeconfig for this cluster, as YAML. It holds the token: its reader can do everything in the cluster."""
        return kubeconfig(self._url, self._identity)

    @property
    def identity(self) -> Identity:
        """The token that clients send, and the authority by which they know the server."""
        return self._identity

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 takes a free one. Raises OSError when the port is taken."""
        self._runner = web.AppRunner(
            self._server.application(),
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=_SHUTDOWN_SECONDS,
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, _HOST, port, ssl_context=self._identity.tls())
        await site.start()
        self._url = f"https://{_HOST}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """End every watch and stop listening."""
        self._server.store.close()
        if self._runner is None:
            return
        server = self._runner.server
        transports = [connection.transport for connection in server.connections] if server else []
        await self._runner.cleanup()
        self._runner = None
        # TLS would wait for each client to close too, and the event loop may end before that.
        for transport in transports:
            if transport is not None:
                transport.abort()
        await asyncio.sleep(0.01)


class ServedCluster:
    """A cluster on a thread: its `url`, its identity, and the path of a kubeconfig for it."""

    def __init__(self, url: str, identity: Identity, kubeconfig_file: Path) -> None:
        self.url = url
        self.identity = identity
        self.kubeconfig_file = kubeconfig_file


@contextmanager
def serving(
    *, port: int = 0, identity: Identity | None = None, faults: Faults | None = None, fault_route: bool = False
) -> Iterator[ServedCluster]:
    """An embedded cluster on a thread of its own, for synchronous callers; it ends with the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="embedded cluster", daemon=True)
    thread.start()

    async def started() -> EmbeddedCluster:
        cluster = EmbeddedCluster(identity=identity, faults=faults, fault_route=fault_route)
        await cluster.start(port)
        return cluster

    try:
        cluster = asyncio.run_coroutine_threadsafe(started(), loop).result()
        try:
            with tempfile.TemporaryDirectory(prefix="embedded-cluster-") as folder:
                file = Path(folder, "kubeconfig")
                write_privately(file, cluster.kubeconfig().encode())
                yield ServedCluster(cluster.url, cluster.identity, file)
        finally:
            asyncio.run_coroutine_threadsafe(cluster.stop(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def kubeconfig(url: str, identity: Identity) -> str:
    """A kubeconfig whose one context is the cluster at that URL, with its authority and the token."""
    authority = b64encode(identity.authority.encode()).decode()
    context = {"name": _NAME, "context": {"cluster": _NAME, "user": _NAME, "namespace": "default"}}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": _NAME, "cluster": {"server": url, "certificate-authority-data": authority}}],
        "users": [{"name": _NAME, "user": {"token": identity.token}}],
        "contexts": [context],
        "current-context": _NAME,
    }
    return str(yaml.safe_dump(config, sort_keys=False))

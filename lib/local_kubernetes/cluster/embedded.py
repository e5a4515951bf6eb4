"""The embedded cluster as a part of another process: on its event loop, or on a thread of its own."""

import asyncio
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from aiohttp import web

from .faults import Faults
from .gate import new_token
from .server import ApiServer

_HOST = "127.0.0.1"
_NAME = "embedded"
_SHUTDOWN_SECONDS = 0.5


class EmbeddedCluster:
    """A served cluster; `start` and `stop` belong to one event loop. See ApiServer for the faults."""

    def __init__(self, *, token: str = "", faults: Faults | None = None, fault_route: bool = False) -> None:
        self._token = token or new_token()
        self._server = ApiServer(token=self._token, faults=faults, fault_route=fault_route)
        self._runner: web.AppRunner | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """Base URL, without a slash at its end; empty before `start`."""
        return self._url

    def kubeconfig(self) -> str:
        """A kubeconfig for this cluster, as YAML; whoever reads it may do everything in the cluster."""
        return kubeconfig(self._url, self._token)

    @property
    def token(self) -> str:
        """The bearer token that clients send."""
        return self._token

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 takes a free one. Raises OSError when the port is taken."""
        self._runner = web.AppRunner(
            self._server.application(),
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=_SHUTDOWN_SECONDS,
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, _HOST, port)
        await site.start()
        self._url = f"http://{_HOST}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """End every watch and stop listening."""
        self._server.store.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


class ServedCluster:
    """A cluster on a thread: its `url`, the bearer token for it, and the path of a kubeconfig that has both."""

    def __init__(self, url: str, token: str, kubeconfig_file: Path) -> None:
        self.url = url
        self.token = token
        self.kubeconfig_file = kubeconfig_file


@contextmanager
def serving(
    *, port: int = 0, token: str = "", faults: Faults | None = None, fault_route: bool = False
) -> Iterator[ServedCluster]:
    """An embedded cluster on a thread of its own, for synchronous callers; it ends with the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="embedded cluster", daemon=True)
    thread.start()

    async def started() -> EmbeddedCluster:
        cluster = EmbeddedCluster(token=token, faults=faults, fault_route=fault_route)
        await cluster.start(port)
        return cluster

    try:
        cluster = asyncio.run_coroutine_threadsafe(started(), loop).result()
        try:
            with tempfile.TemporaryDirectory(prefix="embedded-cluster-") as folder:
                file = Path(folder, "kubeconfig")
                write_privately(file, cluster.kubeconfig())
                yield ServedCluster(cluster.url, cluster.token, file)
        finally:
            asyncio.run_coroutine_threadsafe(cluster.stop(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def kubeconfig(url: str, token: str) -> str:
    """A kubeconfig whose one context is the cluster at that URL, with the token as the user's credential."""
    context = {"name": _NAME, "context": {"cluster": _NAME, "user": _NAME, "namespace": "default"}}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": _NAME, "cluster": {"server": url}}],
        "users": [{"name": _NAME, "user": {"token": token}}],
        "contexts": [context],
        "current-context": _NAME,
    }
    return str(yaml.safe_dump(config, sort_keys=False))


def token_in(kubeconfig_file: Path) -> str:
    """The token in a kubeconfig that an earlier run wrote; empty where there is none that can be read."""
    try:
        config = yaml.safe_load(kubeconfig_file.read_text())
        return str(config["users"][0]["user"]["token"])
    except (OSError, yaml.YAMLError, KeyError, IndexError, TypeError):
        return ""


def write_privately(path: Path, text: str) -> None:
    """Write a file that only its owner may read, and that others see whole or not at all."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise

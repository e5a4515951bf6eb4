"""The stand-ins that run inside the stack's own process: each is started here and ends with an exit stack."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from ssl import SSLContext

import aiohttp
from aiohttp import web

from local_kubernetes.node.ended_pods import ended_directory
from local_stack.bucket import LocalBucket
from local_stack.bucket_access import Access
from local_stack.bucket_files import BucketFiles
from local_stack.certificates import server_context
from local_stack.ci_runner import add_ci_routes
from local_stack.cloud_logging import logging_application
from local_stack.gateway import Gateway, serve_gateway
from local_stack.issuer import TokenIssuer, private_key
from local_stack.issuer_server import issuer_application
from local_stack.ports import LOOPBACK, listening_socket, port_of
from local_stack.push_relay import PushRelay
from local_stack.secret_files import secret_file
from local_stack.sign_in_server import SignInServer
from local_stack.stack_file import artifacts_dir, keys_dir, wheels_dir
from local_stack.tasks import LocalTasks, TasksServer, http_sender
from local_stack.wheelhost import wheel_application
from local_stack.workloads import LocalAccounts

BUCKET = "artifacts"
_SHUTDOWN_SECONDS = 0.5


def ca_file(state_dir: Path) -> Path:
    """Where the certificate of this machine's authority is."""
    return state_dir / "ca.pem"


def local_tls(state_dir: Path) -> SSLContext:
    """What everything of one stack that speaks HTTPS serves with; `ca_file` vouches for it."""
    return server_context(ca_file(state_dir))


async def start_issuer(exits: AsyncExitStack, state_dir: Path, console: Sequence[str] = ()) -> TokenIssuer:
    """Serve the JWKS of the keys in `state_dir`, which are made at its first start.

    People sign in to the web console at the origins of `console`.
    """
    listener = listening_socket(0)
    issuer = TokenIssuer(f"http://{LOOPBACK}:{port_of(listener)}", keys_dir(state_dir))
    # In a thread: three new RSA keys take a second, in which the emulators could be starting.
    application = await asyncio.to_thread(issuer_application, issuer, console)
    SignInServer(issuer, console).add_routes(application)
    add_ci_routes(application, issuer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    exits.push_async_callback(runner.cleanup)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    return issuer


async def start_wheel_host(exits: AsyncExitStack, state_dir: Path, context: SSLContext) -> str:
    """Serve the wheels of `state_dir` over HTTPS; returns the base URL."""
    wheels_dir(state_dir).mkdir(parents=True, exist_ok=True)
    listener = listening_socket(0)
    application = wheel_application(wheels_dir(state_dir))
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    exits.push_async_callback(runner.cleanup)
    await runner.setup()
    await web.SockSite(runner, listener, ssl_context=context).start()
    return f"https://localhost:{port_of(listener)}"


@dataclass(frozen=True)
class BucketHost:
    """Where the bucket is: its endpoint, the functions' key for it, and `host:port` of the pods' metadata server."""

    endpoint: str
    key_file: Path
    metadata_host: str


async def start_bucket(exits: AsyncExitStack, state_dir: Path, context: SSLContext) -> BucketHost:
    """Serve the bucket that lies in `state_dir` over HTTPS, and the metadata server of the pods that read it."""
    key_file = keys_dir(state_dir) / "artifacts.pem"
    # In a thread: a new RSA key takes a while, in which other things start.
    accounts = LocalAccounts((await asyncio.to_thread(private_key, key_file)).public_key())
    listener, metadata_listener = listening_socket(0), listening_socket(0)
    endpoint = f"https://localhost:{port_of(listener)}"
    files = BucketFiles(artifacts_dir(state_dir))
    files.prune()
    bucket = LocalBucket(BUCKET, f"{endpoint}/{BUCKET}", files, Access(accounts))
    for application, listening, tls in (
        (bucket.application(), listener, context),
        (accounts.metadata_server(), metadata_listener, None),
    ):
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        exits.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.SockSite(runner, listening, ssl_context=tls).start()
    return BucketHost(endpoint, key_file, f"{LOOPBACK}:{port_of(metadata_listener)}")


async def start_logging(exits: AsyncExitStack, state_dir: Path, nodes: Sequence[Path]) -> str:
    """Serve what pods of these nodes printed that are gone; returns the base URL, whose path is a secret."""
    secret = secret_file(keys_dir(state_dir) / "logging", lambda: secrets.token_hex(24).encode()).decode()
    listener = listening_socket(0)
    application = logging_application(secret, [ended_directory(node) for node in nodes])
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    exits.push_async_callback(runner.cleanup)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    return f"http://{LOOPBACK}:{port_of(listener)}/{secret}"


async def start_tasks(
    exits: AsyncExitStack, session: aiohttp.ClientSession, issuer: TokenIssuer, targets: Mapping[str, str]
) -> tuple[LocalTasks, str]:
    """Serve Cloud Tasks; returns it with its `host:port`.

    `targets` are the URLs that tasks may call, and the account for each. It may be filled later: until then no task is
    taken.
    """
    tasks = LocalTasks(http_sender(session, issuer.service_account), targets=targets)
    server = TasksServer(tasks)
    exits.push_async_callback(server.stop)
    await server.start()
    return tasks, f"{LOOPBACK}:{server.port}"


async def start_push_relay(exits: AsyncExitStack, relay: PushRelay) -> str:
    """Serve the relay of the emulator's pushes; returns its base URL."""
    listener = listening_socket(0)
    runner = web.AppRunner(relay.application(), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    exits.push_async_callback(runner.cleanup)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    return f"http://{LOOPBACK}:{port_of(listener)}"


async def start_gateway(
    exits: AsyncExitStack, gateway: Gateway, listener: socket, tls: SSLContext | None = None
) -> str:
    """Serve the base URL on a socket that listens already; with `tls` over HTTPS too, whose URL it returns, else ""."""
    await exits.enter_async_context(gateway)
    runner = await serve_gateway(gateway)
    exits.push_async_callback(runner.cleanup)
    await web.SockSite(runner, listener).start()
    if tls is None:
        return ""
    secure = listening_socket(0)
    await web.SockSite(runner, secure, ssl_context=tls).start()
    return f"https://localhost:{port_of(secure)}"

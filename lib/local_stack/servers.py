"""The stand-ins that run inside the stack's own process: each is started here and ends with an exit stack."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from socket import socket

import aiohttp
from aiohttp import web

from local_stack.certificates import server_context
from local_stack.gateway import Gateway, serve_gateway
from local_stack.issuer import TokenIssuer, issuer_application
from local_stack.ports import LOOPBACK, listening_socket, port_of
from local_stack.push_relay import PushRelay
from local_stack.stack_file import keys_dir, wheels_dir
from local_stack.tasks import LocalTasks, TasksServer, http_sender
from local_stack.wheelhost import wheel_application

_SHUTDOWN_SECONDS = 0.5


def ca_file(state_dir: Path) -> Path:
    """Where the certificate of the wheel host's authority is."""
    return state_dir / "ca.pem"


async def start_issuer(exits: AsyncExitStack, state_dir: Path) -> TokenIssuer:
    """Serve the JWKS of the keys in `state_dir`, which are made at its first start."""
    listener = listening_socket(0)
    issuer = TokenIssuer(f"http://{LOOPBACK}:{port_of(listener)}", keys_dir(state_dir))
    # In a thread: three new RSA keys take a second, in which the emulators could be starting.
    application = await asyncio.to_thread(issuer_application, issuer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    exits.push_async_callback(runner.cleanup)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    return issuer


async def start_wheel_host(exits: AsyncExitStack, state_dir: Path) -> str:
    """Serve the wheels of `state_dir` over HTTPS; returns the base URL."""
    wheels_dir(state_dir).mkdir(parents=True, exist_ok=True)
    context = server_context(ca_file(state_dir))
    listener = listening_socket(0)
    application = wheel_application(wheels_dir(state_dir))
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    exits.push_async_callback(runner.cleanup)
    await runner.setup()
    await web.SockSite(runner, listener, ssl_context=context).start()
    return f"https://localhost:{port_of(listener)}"


async def start_tasks(
    exits: AsyncExitStack, session: aiohttp.ClientSession, issuer: TokenIssuer
) -> tuple[LocalTasks, str]:
    """Serve Cloud Tasks; returns it with its `host:port`."""
    tasks = LocalTasks(http_sender(session, issuer.service_account))
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


async def start_gateway(exits: AsyncExitStack, gateway: Gateway, listener: socket) -> None:
    """Serve the base URL on a socket that listens already."""
    await exits.enter_async_context(gateway)
    runner = await serve_gateway(gateway)
    exits.push_async_callback(runner.cleanup)
    await web.SockSite(runner, listener).start()

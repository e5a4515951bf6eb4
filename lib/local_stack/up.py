"""`hub up`: the stack in the foreground, from its start to the signal that ends it."""

import asyncio
import logging
import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hub_cli.stack_file import DEFAULT_STATE_DIR, StackInfo
from local_stack.collector import not_collecting
from local_stack.foundation import Foundation, all_of
from local_stack.options import StackOptions
from local_stack.stack_file import exclusive
from local_stack.supervisor import Supervisor

if TYPE_CHECKING:
    from local_stack.gateway import Router
    from local_stack.stack import LocalStack

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_KILLED = 130
_T = TypeVar("_T")


def run_up(options: StackOptions, load_route: "Callable[[], Router]") -> None:
    """Run the stack until SIGINT, SIGTERM or SIGHUP; a second one kills at once.

    `load_route` imports what the gateway finds functions by, and returns it. Raises LocalError or SettingsError when
    the stack cannot start.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    with exclusive(options.state_dir.resolve()):
        asyncio.run(_serve(options, load_route))


async def _serve(options: StackOptions, load_route: "Callable[[], Router]") -> None:
    began = time.monotonic()
    async with AsyncExitStack() as exits:
        foundation = Foundation(options)
        exits.push_async_callback(foundation.stop)
        stopping = _on_signals(foundation.supervisor)
        starting = all_of(foundation.start(), _start_on(foundation, options, load_route, exits))
        with not_collecting():
            started = await _unless(stopping, starting)
        if started is not None:
            stack, info = started[1]
            print(summary(info, time.monotonic() - began), flush=True)
            await _unless(stopping, stack.wait())
        print("stopping…", file=sys.stderr, flush=True)


async def _start_on(
    foundation: Foundation, options: StackOptions, load_route: "Callable[[], Router]", exits: AsyncExitStack
) -> "tuple[LocalStack, StackInfo]":
    """Import the rest, in a thread: meanwhile the foundation starts."""
    stack_type, route = await asyncio.to_thread(lambda: (_import_stack(), load_route()))
    stack = stack_type(foundation, options, route)
    # Before the foundation ends: gunicorn waits for a connection that is open, even for an idle one of the stack's.
    exits.push_async_callback(stack.close)
    return stack, await stack.start()


def _import_stack() -> "type[LocalStack]":
    from local_stack.stack import LocalStack  # noqa: PLC0415 - takes a second, in which the emulators start

    return LocalStack


def _on_signals(supervisor: Supervisor) -> asyncio.Event:
    """An event that the first signal sets."""
    stopping = asyncio.Event()

    def received() -> None:
        if stopping.is_set():
            supervisor.kill()
            os._exit(_KILLED)
        stopping.set()

    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, received)
    return stopping


async def _unless(stopping: asyncio.Event, work: Coroutine[Any, Any, _T]) -> _T | None:
    """The result of `work`, or None when it was cancelled because a signal came first."""
    working = asyncio.create_task(work)
    waiting = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        for task in (working, waiting):
            task.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)


def _hub() -> str:
    """The `hub` command as this shell finds it: outside of the virtual environment, only by its path."""
    found, beside = shutil.which("hub"), Path(sys.executable).with_name("hub")
    # GitHub has a program of that name too.
    if found and Path(found).resolve() == beside.resolve():
        return "hub"
    here = Path.cwd()
    return shlex.quote(str(beside.relative_to(here) if beside.is_relative_to(here) else beside))


def summary(info: StackInfo, seconds: float) -> str:
    """What a person reads once the stack serves."""
    hub, state_dir = _hub(), Path(info.state_dir)
    option = "" if state_dir == DEFAULT_STATE_DIR.resolve() else f" --state-dir {shlex.quote(info.state_dir)}"
    cells = "".join(f"\n  {name:<11} export KUBECONFIG={shlex.quote(path)}" for name, path in info.cells.items())
    return f"""\
Provider Hub serves after {seconds:.1f} s. Open the console in a browser and sign in as anyone:

  console     {info.console_url}
  API         {info.api_url}  (or {info.api_https_url})
  wheel host  {info.wheels_url}  (trust {info.ca_file})
  Firestore   {info.firestore_emulator_host}
  Pub/Sub     {info.pubsub_emulator_host}
  Cloud Tasks {info.tasks_endpoint}
  tokens      {info.issuer_url}
  cluster     export KUBECONFIG={shlex.quote(info.kubeconfig)}{cells}
  logs        {info.logs_dir}

Next, in another terminal:
  {hub} token machine --org acme{option}        a token for a tenant's CI
  {hub} wheels add dist/my_provider.whl{option} an https URL for a wheel
  curl {info.api_url}/health
Ctrl-C stops everything, a second one at once."""

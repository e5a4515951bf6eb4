"""`hub up`: the stack in the foreground, from its start to the signal that ends it."""

import asyncio
import logging
import os
import shlex
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hub_cli.stack_file import DEFAULT_STATE_DIR, StackInfo
from local_stack.gateway import Router
from local_stack.stack import LocalStack, StackOptions
from local_stack.stack_file import exclusive

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_KILLED = 130
_T = TypeVar("_T")


def run_up(options: StackOptions, route: Router) -> None:
    """Run the stack until SIGINT, SIGTERM or SIGHUP; a second one kills at once.

    Raises LocalError or SettingsError when it cannot start.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    with exclusive(options.state_dir.resolve()):
        asyncio.run(_serve(options, route))


async def _serve(options: StackOptions, route: Router) -> None:
    began = time.monotonic()
    stack = LocalStack(options, route)
    stopping = _on_signals(stack)
    try:
        info = await _unless(stopping, stack.start())
        if info is None:
            return
        print(summary(info, time.monotonic() - began), flush=True)
        await _unless(stopping, stack.wait())
    finally:
        if stopping.is_set():
            print("stopping…", file=sys.stderr, flush=True)
        await stack.close()


def _on_signals(stack: LocalStack) -> asyncio.Event:
    """An event that the first signal sets."""
    stopping = asyncio.Event()

    def received() -> None:
        if stopping.is_set():
            stack.kill()
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


def summary(info: StackInfo, seconds: float) -> str:
    """What a person reads once the stack serves."""
    state_dir = Path(info.state_dir)
    option = "" if state_dir == DEFAULT_STATE_DIR.resolve() else f" --state-dir {shlex.quote(info.state_dir)}"
    return f"""\
Provider Hub serves after {seconds:.1f} s. Open the console in a browser and sign in as anyone:

  console     {info.console_url}
  API         {info.api_url}  (or {info.api_https_url})
  wheel host  {info.wheels_url}  (trust {info.ca_file})
  Firestore   {info.firestore_emulator_host}
  Pub/Sub     {info.pubsub_emulator_host}
  Cloud Tasks {info.tasks_endpoint}
  tokens      {info.issuer_url}
  cluster     export KUBECONFIG={shlex.quote(info.kubeconfig)}
  logs        {info.logs_dir}

Next, in another terminal:
  hub token machine --org acme{option}        a token for a tenant's CI
  hub wheels add dist/my_provider.whl{option} an https URL for a wheel
  curl {info.api_url}/health
Ctrl-C stops everything, a second one at once."""

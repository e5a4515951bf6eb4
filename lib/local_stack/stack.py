"""The whole system on one machine: every stand-in and every function, started together and stopped in order."""

import asyncio
import functools
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import aiohttp

from hub_cli.stack_file import StackInfo
from local_stack import topics
from local_stack.cells import LocalCell, local_cells
from local_stack.console import Console, SignIn
from local_stack.environment import Surroundings, function_environment, namespace_prefix
from local_stack.foundation import Foundation, all_of
from local_stack.function_list import consumer_of, dead_letter_keeper, queue_servers, scheduled
from local_stack.functions import public_urls
from local_stack.gateway import Gateway, Router
from local_stack.interpreters import find_interpreters
from local_stack.issuer import Realm
from local_stack.options import StackOptions
from local_stack.ports import LOOPBACK, port_of
from local_stack.programs import linked_programs
from local_stack.push_relay import PushRelay
from local_stack.runtime_versions import register_runtimes
from local_stack.scheduler import Schedule, run_schedules
from local_stack.secret_files import secret_file
from local_stack.servers import (
    ca_file,
    local_tls,
    start_bucket,
    start_gateway,
    start_issuer,
    start_logging,
    start_push_relay,
    start_tasks,
    start_wheel_host,
)
from local_stack.sign_in_server import CLIENT_ID, CONSOLE_PATH, console_origins
from local_stack.stack_file import keys_dir, logs_dir
from local_stack.task_queue import hub_queue
from local_stack.tasks import LocalTasks, TokenMaker
from provider_hub.domain.records import Queue
from provider_hub.settings.everything import AllSettings


class LocalStack:
    """One running system: `start` it once, then `wait`; `close` it in any case."""

    def __init__(self, foundation: Foundation, options: StackOptions, route: Router) -> None:
        self._foundation = foundation
        self._options = options
        self._route = route
        self._state_dir = options.state_dir.resolve()
        self._cells = local_cells(options, self._state_dir)
        self._exits = AsyncExitStack()
        self._functions = foundation.functions
        for cell in self._cells:
            if cell.port is not None:
                self._exits.callback(cell.port.release)
        self._schedules: asyncio.Task[None] | None = None
        # The functions that serve queues, as the settings name them, and the account that tasks call them as.
        self._task_targets: dict[str, str] = {}

    async def start(self) -> StackInfo:
        """Start everything; returns where it is once all of it serves, and `stack.json` says so too.

        Raises LocalError when something cannot start, SettingsError when a HUB_* variable is wrong.
        """
        port = port_of(self._foundation.listener)
        session = await self._exits.enter_async_context(
            # Calls that wait for one function must not hold up those to another.
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        )
        tasks, around = await self._start_servers(session, console_origins(port))
        environment = function_environment(around, os.environ)
        settings = AllSettings.from_environment(environment)
        for queue in Queue:
            name = f"projects/{settings.project}/locations/{settings.location}/queues/{settings.queue_name(queue)}"
            self._task_targets[settings.queue_urls[queue]] = settings.tasks_service_account
            tasks.add_queue(hub_queue(name))
        await self._start_children(session, around, environment, settings)
        await self._register_runtimes(session, around, settings)
        console = Console(SignIn(around.issuer.issuer(Realm.CUSTOMER), CLIENT_ID))
        gateway = Gateway(self._route, public_urls(self._functions), console.answer)
        https_url = await start_gateway(self._exits, gateway, self._foundation.listener, self._tls)
        schedules = run_schedules(session, self._jobs(), around.issuer.service_account)
        self._schedules = asyncio.create_task(schedules)
        prefix = settings.cluster_namespace_prefix
        info = replace(
            _describe(around, prefix, f"http://{LOOPBACK}:{port}", self._state_dir),
            api_https_url=https_url,
        )
        info.write()
        return info

    async def wait(self) -> None:
        """Wait for as long as the stack serves; raises what ended one of its own tasks."""
        if self._schedules is not None:
            await self._schedules

    async def close(self) -> None:
        """Stop what `start` started, callers before what they call."""
        if self._schedules is not None:
            self._schedules.cancel()
            await asyncio.gather(self._schedules, return_exceptions=True)
        await self._exits.aclose()

    async def _start_servers(
        self, session: aiohttp.ClientSession, console: Sequence[str]
    ) -> tuple[LocalTasks, Surroundings]:
        """Start what runs inside this process, and know where all else will be."""
        finding = asyncio.create_task(asyncio.to_thread(find_interpreters, os.environ))
        issuer = await start_issuer(self._exits, self._state_dir, console)
        hub_id = secret_file(self._state_dir / "hub-id", _random_id).decode()
        config_key_file = keys_dir(self._state_dir) / "config"
        secret_file(config_key_file, lambda: secrets.token_bytes(32))
        self._tls = local_tls(self._state_dir)
        tasks, tasks_endpoint = await start_tasks(self._exits, session, issuer, self._task_targets)
        return tasks, Surroundings(
            project=self._options.project,
            emulators=self._foundation.emulators,
            tasks_endpoint=tasks_endpoint,
            queue_urls={queue: url for queue, server in queue_servers().items() if (url := self._url(server))},
            issuer=issuer,
            hub_id=hub_id,
            namespace_prefix=namespace_prefix(hub_id) if self._options.kubeconfig else "",
            check_in_key=secret_file(keys_dir(self._state_dir) / "check-in", _random_key).decode(),
            config_key_file=config_key_file,
            kubeconfig=self._cells[0].kubeconfig,
            cells={cell.name: cell.kubeconfig for cell in self._cells[1:]},
            wheels_url=await start_wheel_host(self._exits, self._state_dir, self._tls),
            logs_endpoint=await start_logging(self._exits, self._state_dir, [cell.node_dir for cell in self._cells]),
            ca_file=ca_file(self._state_dir),
            bucket=await start_bucket(self._exits, self._state_dir, self._tls),
            interpreters=await finding,
        )

    async def _start_children(
        self,
        session: aiohttp.ClientSession,
        around: Surroundings,
        environment: Mapping[str, str],
        settings: AllSettings,
    ) -> None:
        """All at once; the topics once there is an emulator for them."""
        start = self._foundation.supervisor.start
        await all_of(
            self._foundation.serving.wait(),
            self._create_topics(session, around.issuer.service_account, settings),
            *(self._start_cell(cell, environment, around) for cell in self._cells),
            *(start(function.child(environment, self._foundation.fork_server)) for function in self._functions),
        )

    async def _create_topics(
        self, session: aiohttp.ClientSession, make_token: TokenMaker, settings: AllSettings
    ) -> None:
        relay = PushRelay(session, {function.name: function.url for function in self._functions}, make_token)
        base = await start_push_relay(self._exits, relay)

        def pushed_to(function: str) -> str | None:
            return base + relay.path(function) if self._url(function) is not None else None

        dead_letters = pushed_to(dead_letter_keeper())
        routes = [
            topics.Route(name, pushed_to(consumer_of(topic)), dead_letters)
            for topic, name in settings.topic_names.items()
        ]
        create = functools.partial(
            topics.create_topics,
            session,
            self._foundation.emulators.pubsub,
            settings.project,
            routes,
            self._options.retry_min,
        )
        await self._foundation.serving.wait()
        await create()
        self._foundation.restore_topics = create

    async def _start_cell(self, cell: LocalCell, environment: Mapping[str, str], around: Surroundings) -> None:
        """The embedded cluster unless a kubeconfig was given, then the process node where it is wanted."""
        start, fork_server = self._foundation.supervisor.start, self._foundation.fork_server
        if cell.port is not None:
            await start(cell.cluster(cell.port, environment, fork_server))
        if cell.port is not None or self._options.process_node:
            # Pods read the bucket as workloads of the cluster; the functions sign with a key of their own.
            variables = {**environment, "GCE_METADATA_HOST": around.bucket.metadata_host}
            programs = linked_programs(self._state_dir)
            await start(cell.node(variables, around.interpreters, programs, fork_server))

    async def _register_runtimes(
        self, session: aiohttp.ClientSession, around: Surroundings, settings: AllSettings
    ) -> None:
        """The interpreters beside the default, which the functions register themselves at the first use.

        Whoever names an image of their own for the runtime has pods run somewhere else than on these.
        """
        url = self._url("publishing")
        default, *others = around.interpreters
        if url is None or settings.runtime_image != default.image:
            return
        token = around.issuer.console_machine()
        await register_runtimes(session, url, token, others, settings.runtime_platform)

    def _jobs(self) -> Sequence[Schedule]:
        """The schedules that Terraform makes for Cloud Scheduler."""
        urls = {name: self._url(name) for name in scheduled()}
        return [Schedule(name, self._options.sweep_seconds, url) for name, url in urls.items() if url is not None]

    def _url(self, name: str) -> str | None:
        return next((function.url for function in self._functions if function.name == name), None)


def _describe(around: Surroundings, prefix: str, api_url: str, state_dir: Path) -> StackInfo:
    return StackInfo(
        api_url=api_url,
        wheels_url=around.wheels_url,
        ca_file=str(around.ca_file),
        firestore_emulator_host=around.emulators.firestore,
        pubsub_emulator_host=around.emulators.pubsub,
        kubeconfig=str(around.kubeconfig),
        cells={cell: str(kubeconfig) for cell, kubeconfig in around.cells.items()},
        project=around.project,
        tasks_endpoint=around.tasks_endpoint,
        issuer_url=around.issuer.url,
        logs_dir=str(logs_dir(state_dir)),
        state_dir=str(state_dir),
        pid=os.getpid(),
        namespace_prefix=prefix,
        console_url=api_url + CONSOLE_PATH,
    )


def _random_id() -> bytes:
    return f"local-{secrets.token_hex(8)}".encode()


def _random_key() -> bytes:
    return secrets.token_hex(32).encode()

"""The functions as they are deployed: each real `main.py` under functions-framework, over one project's emulators."""

import asyncio
import gc
import json
import secrets
import threading
import uuid
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from urllib.parse import unquote

import aiohttp
import functions_framework
import pytest
from flask.testing import FlaskClient
from google.cloud import tasks_v2
from tests.callers import account_for
from tests.integration.backend import Documents, Topics

from local_kubernetes.cluster import serving
from local_stack import servers
from local_stack.callers import TASKS_ACCOUNT
from local_stack.emulators import EmulatorHosts
from local_stack.environment import Surroundings, function_environment
from local_stack.interpreters import own_interpreter
from local_stack.issuer import TokenIssuer
from local_stack.secret_files import secret_file
from local_stack.servers import BucketHost
from local_stack.tasks import LocalTasks
from provider_hub import logs
from provider_hub.actions.ports import Key
from provider_hub.adapters.firestore import store as firestore
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.domain.records import Queue
from provider_hub.http.table import function_for

T = TypeVar("T")

# A werkzeug TestResponse, whose `json` is typed as if every answer might have none.
Answer: TypeAlias = Any

_framework: Any = functions_framework  # untyped
FUNCTIONS = Path(__file__).parents[2] / "functions"
CHECK_IN_KEY = "a key for tests only"
QUEUE_URLS = {queue: f"http://127.0.0.1:9/{queue}" for queue in Queue}


@dataclass(frozen=True)
class StandIns:
    """What a whole test run shares: issuer, wheel host, Cloud Tasks and cluster, on free ports."""

    hosts: EmulatorHosts
    issuer: TokenIssuer
    wheels_url: str
    bucket: BucketHost
    tasks_endpoint: str
    tasks: LocalTasks
    kubeconfig: Path
    state_dir: Path
    loop: asyncio.AbstractEventLoop

    @property
    def config_key_file(self) -> Path:
        """What seals secret config values."""
        path = self.state_dir / "config-key"
        secret_file(path, lambda: secrets.token_bytes(32))
        return path

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """On the stand-ins' own event loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=30)


@contextmanager
def stand_ins(hosts: EmulatorHosts, state_dir: Path) -> Iterator[StandIns]:
    """Serve them from a thread for as long as the block lasts."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="stand-ins")
    thread.start()
    exits = AsyncExitStack()

    async def start() -> tuple[TokenIssuer, str, BucketHost, LocalTasks, str]:
        session = await exits.enter_async_context(aiohttp.ClientSession())
        issuer = await servers.start_issuer(exits, state_dir)
        tls = servers.local_tls(state_dir)
        wheels_url = await servers.start_wheel_host(exits, state_dir, tls)
        bucket = await servers.start_bucket(exits, state_dir, tls)
        targets = dict.fromkeys(QUEUE_URLS.values(), TASKS_ACCOUNT)
        return issuer, wheels_url, bucket, *await servers.start_tasks(exits, session, issuer, targets)

    try:
        starting = asyncio.run_coroutine_threadsafe(start(), loop)
        issuer, wheels_url, bucket, tasks, endpoint = starting.result(timeout=30)
        with serving() as cluster:
            yield StandIns(hosts, issuer, wheels_url, bucket, endpoint, tasks, cluster.kubeconfig_file, state_dir, loop)
    finally:
        asyncio.run_coroutine_threadsafe(exits.aclose(), loop).result(timeout=30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def audience_of(function: str) -> str:
    """The URL that a function believes to have."""
    return f"http://{function}.invalid"


@dataclass
class Deployed:
    """One project with its functions; a function is made at its first request."""

    around: StandIns
    project: str
    documents: Documents
    topics: Topics
    store: FirestoreStore
    overrides: Mapping[str, str]
    _clients: dict[str, FlaskClient] = field(default_factory=dict)

    def call(
        self,
        method: str,
        path: str,
        token: str | None = None,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Answer:
        """A request to the function that serves `path`, as the gateway would pass it on."""
        given = dict(headers or {})
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        if body is not None:
            options["data"] = json.dumps(body, ensure_ascii=False).encode()
            given.setdefault("Content-Type", "application/json")
        function = function_for(unquote(path.partition("?")[0])) or "operations"
        return self.send(function, method, path, headers=given, **options)

    def send(self, function: str, method: str, path: str, **options: Any) -> Answer:
        """A request to a function by its name."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self._environment.items():
                patch.setenv(name, value)
            # The process's own log handler would outlive pytest's capture of standard error.
            patch.setattr(logs, "configure", lambda *_: None)
            # Here one process wires hundreds of functions, whose remains have to go.
            patch.setattr(gc, "freeze", lambda: None)
            if function not in self._clients:
                source = FUNCTIONS / function / "main.py"
                self._clients[function] = _framework.create_app(function, str(source)).test_client()
            patch.setenv("HUB_CALLER_AUDIENCE", audience_of(function))
            return self._clients[function].open(path, method=method, **options)

    def caller_header(self, function: str, path: str) -> dict[str, str]:
        """The Authorization header by which a function that is not public knows its caller; none for others."""
        account = account_for(function, path)
        if account is None:
            return {}
        return {"Authorization": f"Bearer {self.around.issuer.service_account(account, audience_of(function))}"}

    def put(self, key: Key[T], record: T) -> None:
        self.store.transact(lambda transaction: transaction.write(key, record))

    @cached_property
    def _environment(self) -> Mapping[str, str]:
        around = Surroundings(
            project=self.project,
            emulators=self.around.hosts,
            tasks_endpoint=self.around.tasks_endpoint,
            queue_urls=QUEUE_URLS,
            issuer=self.around.issuer,
            hub_id="local-test",
            check_in_key=CHECK_IN_KEY,
            config_key_file=self.around.config_key_file,
            kubeconfig=self.around.kubeconfig,
            wheels_url=self.around.wheels_url,
            logs_endpoint="http://127.0.0.1:9/logs",
            ca_file=servers.ca_file(self.around.state_dir),
            bucket=self.around.bucket,
            interpreters=[own_interpreter()],
        )
        return function_environment(around, self.overrides)


@contextmanager
def deployed_on(around: StandIns, **overrides: str) -> Iterator[Deployed]:
    """A fresh project whose topics and queues exist; `overrides` are settings by their environment variable."""
    project = f"test-{uuid.uuid4().hex[:12]}"
    documents, topics = Documents(around.hosts, project), Topics(around.hosts, project)
    topics.create()
    around.run(_add_queues(around.tasks, f"projects/{project}/locations/local"))
    yield Deployed(around, project, documents, topics, firestore.connect(project, "(default)"), overrides)
    documents.close()
    topics.close()


async def _add_queues(tasks: LocalTasks, location: str) -> None:
    for queue in Queue:
        tasks.add_queue(tasks_v2.Queue(name=f"{location}/queues/{queue}"))

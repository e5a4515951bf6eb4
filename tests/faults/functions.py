"""The functions' own `main.py`, each as a process that can die: wired as in the cloud, over clients that may fail."""

import builtins
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any

import flask
import pytest
from google.api_core import exceptions
from google.cloud.firestore_v1.types import RollbackRequest
from werkzeug.test import EnvironBuilder

from provider_hub import wiring
from provider_hub.adapters import kubernetes, pubsub, tasks
from provider_hub.adapters.firestore import documents
from provider_hub.adapters.firestore import store as firestore
from provider_hub.adapters.identity import jwks
from provider_hub.domain.identity import CustomerPrincipal, Machine, OrganizationClaims
from provider_hub.domain.records import Queue
from provider_hub.settings.everything import AllSettings
from tests import callers
from tests.fakes import FakeClock, FakeWheels, only
from tests.faults.clusters import TestCluster
from tests.faults.injection import Crash, FaultyClient, Injector, Process
from tests.faults.transport import CloudTasks, FaultyTransport, PubSub

QUEUE_URLS = {queue: f"http://{queue}" for queue in Queue}
_FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"
_CODE: dict[str, CodeType] = {}
_CLASSES: dict[tuple[str, str], type] = {}
# What each main.py calls the settings that it reads.
_SETTINGS = "Needs"
_METADATA = (("authorization", "Bearer owner"),)

Observe = Callable[[str, Any, Any], None]


class BearerIsSlug:
    """Takes the bearer's text as the organization's slug: identity has tests of its own."""

    def __init__(self, _settings: AllSettings) -> None: ...

    def customer(self, authorization: str | None) -> CustomerPrincipal:
        slug = str(authorization).removeprefix("Bearer ")
        return Machine("mch_1", OrganizationClaims(f"org_{slug}", slug))

    def address(self, _forwarded_for: str | None, peer: str | None) -> str:
        return peer or ""


class Functions:
    """All functions; `call` one, and it is started where it does not run."""

    def __init__(self, settings: AllSettings, clock: FakeClock, injector: Injector, database: Any) -> None:
        self.settings = settings
        self.clock = clock
        self.injector = injector
        self.database = database
        self.observe: Observe = lambda _name, _request, _answer: None
        self.started = 0
        self._modules: dict[str, tuple[ModuleType, Process]] = {}
        self._calling: list[Process] = []
        self.cluster: TestCluster
        self.pubsub: PubSub
        self.tasks: CloudTasks

    def call(
        self, name: str, path: str, body: bytes, method: str = "POST", headers: Mapping[str, str] | None = None
    ) -> flask.Response:
        """The function's response. Raises Crash when its process died; the next call starts another."""
        module, process = self._modules.get(name) or self._start(name)
        given = [*(headers or {}).items(), *_caller_header(name, path)]
        environ = EnvironBuilder(
            path=path, method=method, data=body, headers=given, content_type="application/json"
        ).get_environ()
        self._calling.append(process)
        try:
            response: flask.Response = getattr(module, name)(flask.Request(environ))
        except Crash:
            self._bury(name, process)
            raise
        finally:
            self._calling.pop()
        if process.dead:
            raise AssertionError(f"{name} went on after its process had died: it caught a BaseException")
        return response

    def kill_all(self) -> None:
        """Every process ends between two calls, as after a deployment."""
        self._modules.clear()

    @contextmanager
    def wired(self) -> Iterator[None]:
        """Adapters connect to this world, and time is this world's, for as long as the block lasts."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(firestore, "connect", self._store)
            patch.setattr(pubsub, "connect", self._publisher)
            patch.setattr(tasks, "connect", lambda settings: tasks.CloudTasks(self._transport(), settings))
            patch.setattr(kubernetes, "connect", lambda _: only(self.cluster.adapter(self.injector, self._process)))
            patch.setattr(documents, "time", SimpleNamespace(sleep=lambda _seconds: None))
            patch.setattr(wiring, "now", self.clock)
            patch.setattr(wiring, "read", lambda _needs: self._own_settings())
            patch.setattr(jwks, "download", callers.keys)
            patch.setattr(wiring, "logs", SimpleNamespace(configure=lambda *_: None))
            yield

    @property
    def _process(self) -> Process:
        return self._calling[-1]

    def _own_settings(self) -> AllSettings:
        """Those of the function that is being called: the audience of its callers is its own."""
        return self.settings.model_copy(update={"caller_audience": self._process.name})

    def _start(self, name: str) -> tuple[ModuleType, Process]:
        """A process of its own: a module that nobody else has, which connects at its first call."""
        self.started += 1
        module = ModuleType(f"function_{name}")
        module.__dict__["__builtins__"] = {**vars(builtins), "__build_class__": partial(_class_built_once, name)}
        exec(_code(name), module.__dict__)  # noqa: S102 - our own main.py
        stand_ins = {"Authenticator": BearerIsSlug, "VerifiedWheels": lambda _policy, _artifacts: self._wheels()}
        for attribute, stand_in in stand_ins.items():
            if hasattr(module, attribute):
                setattr(module, attribute, stand_in)
        process = Process(name)
        self._modules[name] = module, process
        return module, process

    def _bury(self, name: str, process: Process) -> None:
        """The database lets go of a dead process's locks after a while; here at once."""
        self._modules.pop(name, None)
        database = f"projects/{self.settings.project}/databases/{self.settings.database}"
        for transaction in process.transactions:
            request = RollbackRequest(database=database, transaction=transaction)
            self.database.rollback(request, metadata=_METADATA)
        process.transactions.clear()

    def _store(self, project: str, database: str) -> firestore.FirestoreStore:
        process = self._process

        def observe(name: str, request: Any, answer: Any) -> None:
            _follow_transactions(process, name, request, answer)
            self.observe(name, request, answer)

        client: Any = FaultyClient(
            self.database, self.injector, process, _firestore_error, describe=_told, observe=observe
        )
        return firestore.FirestoreStore(client, project, database, _METADATA)

    def _publisher(self, project: str, topics: Any) -> pubsub.PubSubTopics:
        return pubsub.PubSubTopics(self._transport(), project, topics)

    def _transport(self) -> Any:
        return FaultyTransport(self._process, self.injector, self.pubsub, self.tasks)

    def _wheels(self) -> Any:
        return FakeWheels()


def _caller_header(name: str, path: str) -> list[tuple[str, str]]:
    """What Google's services send to a function that is not public."""
    account = callers.account_for(name, path)
    return [("Authorization", f"Bearer {callers.token(account, name)}")] if account else []


def _class_built_once(function: str, body: Any, name: str, *bases: Any, **options: Any) -> type:
    """The class of the function's first start: a settings model holds nothing of a process, and takes long to build."""
    if name != _SETTINGS:
        made: type = builtins.__build_class__(body, name, *bases, **options)
        return made
    if (function, name) not in _CLASSES:
        _CLASSES[function, name] = builtins.__build_class__(body, name, *bases, **options)
    return _CLASSES[function, name]


def _code(name: str) -> CodeType:
    if name not in _CODE:
        path = _FUNCTIONS / name / "main.py"
        _CODE[name] = compile(path.read_text(), str(path), "exec")
    return _CODE[name]


def _firestore_error() -> Exception:
    return exceptions.ServiceUnavailable("a fault on purpose")  # type: ignore[no-untyped-call]


def _follow_transactions(process: Process, name: str, request: Any, answer: Any) -> None:
    if name == "batch_get_documents":
        process.transactions |= {response.transaction for response in answer if response.transaction}
    elif name in ("commit", "rollback"):
        process.transactions.discard(request.transaction)


def _told(name: str, request: Any) -> str:
    """The call with the collections that it is about."""
    if name == "batch_get_documents":
        return f"get {', '.join(_short(document) for document in request.documents)}"
    if name == "get_document":
        return f"get {_short(request.name)}"
    if name == "commit":
        return f"commit {', '.join(_short(write.delete or write.update.name) for write in request.writes)}"
    if name == "run_query":
        return f"query {request.structured_query.from_[0].collection_id}"
    return name.replace("_", " ")


def _short(document: str) -> str:
    parts = document.split("/documents/")[1].split("/")
    return parts[-2]

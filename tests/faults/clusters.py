"""The clusters that histories run against: the embedded one without its sockets, or any API server by kubeconfig.

Both are met by the real Kubernetes client; what differs is the HTTP pool below it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import urllib3
from kubernetes import client, config

from local_kubernetes.cluster import ApiError, ApiServer, Change
from provider_hub.adapters.kubernetes import Kubernetes, KubernetesApi
from provider_hub.adapters.kubernetes.credentials import KubeconfigUser
from provider_hub.domain.manifests import INSTALLATION_ID
from tests.fakes import FakeClock
from tests.faults.injection import OF_ANY_CALL, Injector, Process

KINDS = ("Deployment", "Service", "ServiceAccount", "PodDisruptionBudget", "Secret", "ReplicaSet", "Pod")
# A deletion may owe the collector a step although it changes nothing itself.
_REPEATABLE = frozenset({"GET", "PATCH"})
Object = dict[str, Any]


class Answer:
    """What urllib3 gives for a response, as far as the Kubernetes client looks at it."""

    def __init__(self, status: int, data: bytes) -> None:
        self.status = status
        self.reason = ""
        self.data = data
        self.headers: Mapping[str, str] = {"Content-Type": "application/json"}


class _Request:
    """An HTTP request as the embedded cluster's verbs read it."""

    def __init__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
        parts = urlsplit(url)
        self.method, self.path = method, parts.path
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.headers = headers
        self._body = body

    async def read(self) -> bytes:
        return self._body


class EmbeddedPool:
    """The embedded cluster called directly. Nothing in it waits, so a request is one run of its coroutine.

    A request that changed nothing is answered from memory when it comes again, until something is changed: sweeps
    apply the same objects again and again while a history comes to rest.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.server = ApiServer(clock=clock)
        self._answers: dict[tuple[str, str, bytes, str], Answer] = {}
        self._answered_at = self.version

    def request(self, method: str, url: str, **options: Any) -> Answer:
        body, headers = options.get("body") or b"", options.get("headers") or {}
        raw = body.encode() if isinstance(body, str) else body
        if method not in _REPEATABLE:
            return self._served(_Request(method, url, headers, raw))
        if self.version != self._answered_at:
            self._answers.clear()
        asked = (method, url, raw, str(headers))
        if asked not in self._answers:
            before = self.version
            answer = self._served(_Request(method, url, headers, raw))
            if self.version != before:
                return answer
            self._answers[asked] = answer
            self._answered_at = before
        return self._answers[asked]

    def _served(self, request: _Request) -> Answer:
        serving: Any = self.server._serve_api(request)  # type: ignore[arg-type]
        try:
            serving.send(None)
        except StopIteration as done:
            return Answer(done.value.status, done.value.body)
        except ApiError as error:
            return Answer(error.code, json.dumps(error.status()).encode())
        raise AssertionError(f"{request.method} {request.path} waits: it cannot be served without an event loop")

    def collect_garbage(self) -> None:
        """Every step that the cluster's own collector owes."""
        collector = self.server._collector
        while collector._due:
            step, subject = next(iter(collector._due))
            del collector._due[step, subject]
            collector._steps[step](subject)

    @property
    def version(self) -> int:
        return self.server.store.version


class SameThread:
    """Runs what is submitted at once, so that the order of calls is the same in every run."""

    def submit(self, action: Any, *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(action(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future


class FaultyPool:
    """The HTTP pool of one process's Kubernetes client: each request an injection point."""

    def __init__(self, pool: Any, injector: Injector, process: Process) -> None:
        self._pool = pool
        self._injector = injector
        self._process = process

    def request(self, method: str, url: str, **options: Any) -> Any:
        path = urlsplit(url).path.split("/")
        label = f"{method} {'/'.join(path[3:] if path[1] == 'api' else path[4:])}"

        def send() -> Any:
            response = self._pool.request(method, url, **options)
            response.data  # noqa: B018 - reads the body: the call is over when all of it has arrived
            return response

        return self._injector.call(self._process, label, send, _timed_out, OF_ANY_CALL)


def _timed_out() -> Exception:
    return urllib3.exceptions.ReadTimeoutError(None, "", "a fault on purpose")  # type: ignore[arg-type]


class TestCluster:
    """One cluster for a history: `adapter` as a process uses it, and what a node or a test does with it."""

    __test__ = False

    def __init__(self, clock: FakeClock, kubeconfig: str | None = None) -> None:
        self._clock = clock
        self._embedded = None if kubeconfig else EmbeddedPool(clock)
        self._user = KubeconfigUser(kubeconfig) if kubeconfig else None
        if kubeconfig:
            self._client = config.new_client_from_config(kubeconfig)  # type: ignore[no-untyped-call]
            self._configuration = self._client.configuration
            self._pool: Any = self._client.rest_client.pool_manager
        else:
            self._configuration = client.Configuration(host="http://embedded")
            self._pool = self._embedded
            self._client = self._client_on(self._pool)
        self.core = client.CoreV1Api(self._client)
        self.apps = client.AppsV1Api(self._client)
        self._policy = client.PolicyV1Api(self._client)

    def adapter(self, injector: Injector, process: Process) -> Kubernetes:
        """The real adapter of one process, over a pool that may fail."""
        api = KubernetesApi(self._configuration, self._user, lambda: self._clock().timestamp())
        rest: Any = api._client.rest_client
        rest.pool_manager = FaultyPool(self._pool, injector, process)
        made = Kubernetes(api, clock=lambda: self._clock().timestamp())
        made._pool.shutdown()
        made._pool = SameThread()  # type: ignore[assignment]
        return made

    @property
    def version(self) -> int | None:
        """Grows with every change; None where that is not known."""
        return self._embedded.version if self._embedded else None

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Have every change told, where the cluster is the embedded one."""
        if self._embedded:
            self._embedded.server.store.listen(listener)

    def collect_garbage(self) -> None:
        if self._embedded:
            self._embedded.collect_garbage()

    def objects(self, namespace: str) -> Iterator[Object]:
        """Everything in a namespace that says it belongs to an installation."""
        listings = {
            "Deployment": self.apps.list_namespaced_deployment,
            "ReplicaSet": self.apps.list_namespaced_replica_set,
            "Pod": self.core.list_namespaced_pod,
            "Service": self.core.list_namespaced_service,
            "Secret": self.core.list_namespaced_secret,
            "ServiceAccount": self.core.list_namespaced_service_account,
            "PodDisruptionBudget": self._policy.list_namespaced_pod_disruption_budget,
        }
        for kind in KINDS:
            response: Any = listings[kind](namespace, label_selector=INSTALLATION_ID, _preload_content=False)
            for item in json.loads(response.data)["items"]:
                yield {**item, "kind": kind}

    def _client_on(self, pool: Any) -> client.ApiClient:
        made = client.ApiClient(self._configuration)
        made.rest_client.pool_manager = pool
        return made

"""Firestore, Pub/Sub and Cloud Tasks as Google serves them: over TLS, to bearers of an access token with the grants.

Behind the checks stand the emulators and the local Cloud Tasks.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import trustme
from google.cloud.tasks_v2.types import CreateTaskRequest
from google.pubsub_v1.types import PublishRequest

from tests.rehearsal.iam import Iam, Refused

HOSTS = ("firestore.googleapis.com", "pubsub.googleapis.com", "cloudtasks.googleapis.com")
_THREADS = 64
_STATUS = {401: grpc.StatusCode.UNAUTHENTICATED, 403: grpc.StatusCode.PERMISSION_DENIED}
_READS = frozenset(
    {"BatchGetDocuments", "RunQuery", "RunAggregationQuery", "GetDocument", "BeginTransaction", "Rollback"}
)

# A database's full name, in whichever field a request has it.
_DATABASE = re.compile(rb"projects/[a-z0-9-]+/databases/[a-z0-9()-]+")

# Checks a call by its account and its first message.
Check = Callable[[str, str, bytes], None]


class GoogleApis(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Passes calls on to the stand-in of their service once the caller may make them."""

    def __init__(self, iam: Iam, targets: Mapping[str, str]) -> None:
        """`targets` is the `host:port` behind each service, by the service's full name."""
        self._iam = iam
        self._channels = {service: grpc.insecure_channel(target) for service, target in targets.items()}

    def service(self, handler_call_details: Any) -> Any:
        """The handler of one call; None for a service that is not served here."""
        _, service, method = handler_call_details.method.split("/")
        channel = self._channels.get(service)
        if channel is None:
            return None

        def call(messages: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
            first = next(messages, b"")
            self._check(service, method, first, context)
            return self._pass_on(channel, handler_call_details.method, first, messages, context)

        return grpc.stream_stream_rpc_method_handler(call)

    def _check(self, service: str, method: str, message: bytes, context: grpc.ServicerContext) -> None:
        metadata = dict(context.invocation_metadata())
        try:
            account = self._iam.account_of(metadata.get("authorization"))
            _CHECKS[service](self._iam, account, method, message)
        except Refused as refused:
            context.abort(_STATUS[refused.status], str(refused))

    def _pass_on(
        self, channel: grpc.Channel, method: str, first: bytes, rest: Iterator[bytes], context: grpc.ServicerContext
    ) -> Iterator[bytes]:
        def messages() -> Iterator[bytes]:
            yield first
            yield from rest

        # The Firestore emulator takes this bearer for an owner, whom no rule restricts.
        passed = [
            (key, value)
            for key, value in context.invocation_metadata()
            if key.startswith("x-goog") or key == "google-cloud-resource-prefix"
        ]
        owner = [("authorization", "Bearer owner")]
        answers = channel.stream_stream(method)(
            messages(), metadata=[*passed, *owner], timeout=context.time_remaining() or 60
        )
        try:
            yield from answers
        except grpc.RpcError as error:
            context.abort(error.code(), error.details())


def _firestore(iam: Iam, account: str, method: str, message: bytes) -> None:
    found = _DATABASE.search(message)
    if found is None:
        raise iam.refusal(403, f"{account} called Firestore.{method} without a database")
    permission = "datastore.entities.get" if method in _READS else "datastore.entities.update"
    iam.check(account, permission, resource=found[0].decode())


def _publisher(iam: Iam, account: str, method: str, message: bytes) -> None:
    if method != "Publish":
        raise Refused(403, f"{account} called Publisher.{method}, which no function needs")
    topic = PublishRequest.deserialize(message).topic.rpartition("/")[2]
    iam.check(account, "pubsub.topics.publish", [topic])


def _tasks(iam: Iam, account: str, method: str, message: bytes) -> None:
    if method != "CreateTask":
        raise Refused(403, f"{account} called CloudTasks.{method}, which no function needs")
    request = CreateTaskRequest.deserialize(message)
    iam.check(account, "cloudtasks.tasks.create", [request.parent.rpartition("/")[2]])
    # Google lets nobody make a task that calls as an account which they may not act as.
    iam.check(account, "iam.serviceAccounts.actAs", [request.task.http_request.oidc_token.service_account_email])


_CHECKS: Mapping[str, Callable[[Iam, str, str, bytes], None]] = {
    "google.firestore.v1.Firestore": _firestore,
    "google.pubsub.v1.Publisher": _publisher,
    "google.cloud.tasks.v2.CloudTasks": _tasks,
}


def serve(iam: Iam, targets: Mapping[str, str], authority: trustme.CA) -> tuple[grpc.Server, int]:
    """Serve all of them on one port of this machine, over TLS."""
    certificate = authority.issue_cert(*HOSTS)
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    credentials = grpc.ssl_server_credentials([(certificate.private_key_pem.bytes(), chain)])
    server = grpc.server(ThreadPoolExecutor(_THREADS), handlers=(GoogleApis(iam, targets),))
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    return server, port

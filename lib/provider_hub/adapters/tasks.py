"""Cloud Tasks: each call that actions schedule is a named task.

The service itself refuses a second task of a name, also for a while after the first one has run.
"""

import json

import grpc
from google.api_core import exceptions
from google.cloud.tasks_v2.services.cloud_tasks import CloudTasksClient
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport
from google.cloud.tasks_v2.types import CreateTaskRequest, HttpMethod, HttpRequest, OidcToken, Task
from google.protobuf.timestamp_pb2 import Timestamp

from provider_hub.domain.errors import TemporaryError
from provider_hub.domain.records import Queue, ScheduledCall
from provider_hub.settings.callers import Tasks

_RPC_SECONDS = 20.0


def connect(settings: Tasks) -> "CloudTasks":
    """The queues of `settings`, on Google's service or on `tasks_endpoint`."""
    if not settings.tasks_endpoint:
        return CloudTasks(CloudTasksClient(), settings)
    transport = CloudTasksGrpcTransport(channel=grpc.insecure_channel(settings.tasks_endpoint))
    return CloudTasks(CloudTasksClient(transport=transport), settings)


class CloudTasks:
    """The queues (`actions.ports.Tasks`)."""

    def __init__(self, client: CloudTasksClient, settings: Tasks) -> None:
        self._client = client
        self._settings = settings
        self._parent = f"projects/{settings.project}/locations/{settings.location}"

    def schedule(self, call: ScheduledCall) -> None:
        """Create the task that makes the call; one of that name is kept.

        Raises TemporaryError where the queue does not take it.
        """
        schedule_time = Timestamp()
        schedule_time.FromDatetime(call.at)
        url = self._settings.queue_urls[call.queue]
        task = Task(
            name=self._task(call.queue, call.name),
            schedule_time=schedule_time,
            http_request=HttpRequest(
                url=url,
                http_method=HttpMethod.POST,
                headers={"Content-Type": "application/json"},
                body=json.dumps(call.body).encode(),
                oidc_token=self._identity(url),
            ),
        )
        request = CreateTaskRequest(parent=self._queue(call.queue), task=task)
        try:
            self._client.create_task(request, timeout=_RPC_SECONDS, retry=None)
        except exceptions.AlreadyExists:
            return  # an earlier delivery of the same message made it
        except exceptions.GoogleAPICallError as error:
            raise _temporary(error) from error

    def cancel(self, queue: Queue, name: str) -> None:
        """Delete the task of that name, if it has not run yet. Raises TemporaryError."""
        try:
            self._client.delete_task(name=self._task(queue, name), timeout=_RPC_SECONDS, retry=None)
        except exceptions.NotFound:
            return  # it has run, or never was
        except exceptions.GoogleAPICallError as error:
            raise _temporary(error) from error

    def _queue(self, queue: Queue) -> str:
        return f"{self._parent}/queues/{self._settings.queue_name(queue)}"

    def _task(self, queue: Queue, name: str) -> str:
        return f"{self._queue(queue)}/tasks/{name}"

    def _identity(self, url: str) -> OidcToken | None:
        account = self._settings.tasks_service_account
        return OidcToken(service_account_email=account, audience=url) if account else None


def _temporary(error: exceptions.GoogleAPICallError) -> TemporaryError:
    return TemporaryError(f"Cloud Tasks did not take the call: {type(error).__name__}")

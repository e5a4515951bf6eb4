"""Cloud Tasks: one named task for each generation's deadline, and one for each step of a rollout.

The name is made of what the task is about, an installation's id and generation or a rollout's step, so that
a second creation is refused by the service itself, and stays refused for a while after the task has run.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

import grpc
from google.api_core import exceptions
from google.cloud.tasks_v2.services.cloud_tasks import CloudTasksClient
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport
from google.cloud.tasks_v2.types import CreateTaskRequest, HttpMethod, HttpRequest, OidcToken, Task
from google.protobuf.timestamp_pb2 import Timestamp

from provider_hub.domain.errors import TemporaryError
from provider_hub.domain.installation import Installation
from provider_hub.domain.rollout import Rollout
from provider_hub.settings import Tasks

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
        self._queues = f"projects/{settings.project}/locations/{settings.location}/queues"

    def schedule_deadline(self, row: Installation) -> None:
        """Create the task that calls `deadlines` at the row's `deadline_at`. One of the same generation is kept.

        Raises TemporaryError where the queue does not take it.
        """
        if row.deadline_at is None:
            raise AssertionError("a deadline is scheduled for a row that awaits something")
        body = {
            "organization_id": row.organization_id,
            "provider": row.canonical,
            "installation_id": row.installation_id,
            "generation": row.generation,
        }
        name = _deadline_name(row.installation_id, row.generation)
        self._create(self._settings.deadlines_queue, name, self._settings.deadlines_url, body, row.deadline_at)

    def schedule_step(self, rollout: Rollout) -> None:
        """Create the task that calls `upgrades` for the rollout's next step at its `due_at`; one of that step is kept.

        Raises TemporaryError where the queue does not take it.
        """
        if rollout.due_at is None:
            raise AssertionError("a step is scheduled for a rollout that is due some time")
        body = {"provider": rollout.provider_name.canonical, "version": rollout.version, "step": rollout.step}
        name = sha256(f"{rollout.provider_name} {rollout.version} {rollout.created_at} {rollout.step}".encode())
        queue, url = self._settings.upgrades_queue, self._settings.upgrades_url
        self._create(queue, f"rollout-{name.hexdigest()[:40]}", url, body, rollout.due_at)

    def cancel_deadline(self, installation_id: str, generation: int) -> None:
        """Delete the task of that generation's deadline, if it has not run yet. Raises TemporaryError."""
        name = _deadline_name(installation_id, generation)
        try:
            self._client.delete_task(
                name=f"{self._queues}/{self._settings.deadlines_queue}/tasks/{name}", timeout=_RPC_SECONDS, retry=None
            )
        except exceptions.NotFound:
            return  # it has run, or never was
        except exceptions.GoogleAPICallError as error:
            raise _temporary(error) from error

    def _create(self, queue: str, name: str, url: str, body: Mapping[str, Any], at: datetime) -> None:
        schedule_time = Timestamp()
        schedule_time.FromDatetime(at)
        task = Task(
            name=f"{self._queues}/{queue}/tasks/{name}",
            schedule_time=schedule_time,
            http_request=HttpRequest(
                url=url,
                http_method=HttpMethod.POST,
                headers={"Content-Type": "application/json"},
                body=json.dumps(body).encode(),
                oidc_token=self._identity(url),
            ),
        )
        request = CreateTaskRequest(parent=f"{self._queues}/{queue}", task=task)
        try:
            self._client.create_task(request, timeout=_RPC_SECONDS, retry=None)
        except exceptions.AlreadyExists:
            return  # an earlier delivery of the same message made it
        except exceptions.GoogleAPICallError as error:
            raise _temporary(error) from error

    def _identity(self, url: str) -> OidcToken | None:
        account = self._settings.tasks_service_account
        return OidcToken(service_account_email=account, audience=url) if account else None


def _deadline_name(installation_id: str, generation: int) -> str:
    """Cloud Tasks slows down on names that share a beginning, as ids made from a time do: a digest goes first."""
    name = f"{installation_id}-{generation}"
    return f"{sha256(name.encode()).hexdigest()[:8]}-{name}"


def _temporary(error: exceptions.GoogleAPICallError) -> TemporaryError:
    return TemporaryError(f"Cloud Tasks did not take the call: {type(error).__name__}")

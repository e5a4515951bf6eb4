"""What Cloud Tasks refuses: names, targets, times and sizes, and the errors for it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import grpc
from google.cloud import tasks_v2

_QUEUE_NAME = re.compile(r"projects/[^/]+/locations/[^/]+/queues/[A-Za-z0-9-]{1,100}")
_LOCATION_NAME = re.compile(r"projects/[^/]+/locations/[^/]+")
_TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,500}")
_MAX_URL_CHARACTERS = 2083
_MAX_TASK_BYTES = 100 * 1024
_MAX_AHEAD = timedelta(days=30)
_MIN_DEADLINE = timedelta(seconds=15)
_MAX_DEADLINE = timedelta(minutes=30)
_METHODS_WITH_BODY = {tasks_v2.HttpMethod.POST, tasks_v2.HttpMethod.PUT, tasks_v2.HttpMethod.PATCH}


class TaskError(Exception):
    """A call that is refused, with the gRPC status the real service would give."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(message: str) -> TaskError:
    """A refusal with INVALID_ARGUMENT."""
    return TaskError(grpc.StatusCode.INVALID_ARGUMENT, message)


def check_location_name(name: str) -> None:
    """Raise TaskError unless `name` is `projects/P/locations/L`."""
    if not _LOCATION_NAME.fullmatch(name):
        raise invalid(f"{name!r} is no location: use projects/PROJECT/locations/LOCATION.")


def check_queue_name(name: str) -> None:
    """Raise TaskError unless `name` is `projects/P/locations/L/queues/Q`."""
    if not _QUEUE_NAME.fullmatch(name):
        raise invalid(f"{name!r} is no queue: use projects/PROJECT/locations/LOCATION/queues/QUEUE.")


def queue_of(task_name: str) -> str:
    """The queue's name in a task's name. Raises TaskError when it is malformed."""
    queue, separator, task_id = task_name.rpartition("/tasks/")
    if not separator or not _TASK_ID.fullmatch(task_id):
        raise invalid(f"{task_name!r} is no task: use QUEUE/tasks/ID with letters, digits, '-' and '_', up to 500.")
    check_queue_name(queue)
    return queue


def check_task(parent: str, task: tasks_v2.Task, now: float) -> None:
    """Raise TaskError for a task that `parent` would not take at the time `now` (seconds since the epoch)."""
    if task.name and queue_of(task.name) != parent:
        raise invalid(f"the task's name {task.name!r} is not in the queue {parent!r}.")
    if "http_request" not in task:
        # Differs from Google's: App Engine targets exist only there.
        raise invalid("the task has no http_request, the one kind of target that is served here.")
    _check_target(task.http_request)
    _check_times(task, now)
    if len(tasks_v2.Task.serialize(task)) > _MAX_TASK_BYTES:
        raise invalid(f"the task is larger than {_MAX_TASK_BYTES} bytes.")


def _check_target(request: tasks_v2.HttpRequest) -> None:
    url = urlsplit(request.url)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise invalid(f"{request.url!r} is no target: it must begin with http:// or https:// and name a host.")
    if len(request.url) > _MAX_URL_CHARACTERS:
        raise invalid(f"the target's URL is longer than {_MAX_URL_CHARACTERS} characters.")
    if request.body and _method(request) not in _METHODS_WITH_BODY:
        raise invalid(f"a {_method(request).name} task carries no body.")
    if "oauth_token" in request:
        # Differs from Google's: OAuth tokens are for Google's own APIs, which no local task calls.
        raise invalid("oauth_token is not served here; use oidc_token.")
    if "oidc_token" in request and not request.oidc_token.service_account_email:
        raise invalid("oidc_token needs a service_account_email.")


def check_allowed(request: tasks_v2.HttpRequest, targets: Mapping[str, str]) -> None:
    """Raise TaskError unless the task calls one of `targets`, and, if it carries a token, as that target's account.

    Every user of the machine reaches the port. A token for another address, or as another account, would let them
    forge a push or a schedule, or send that token to the functions themselves.
    """
    account = targets.get(request.url)
    if account is None:
        urls = ", ".join(targets) or "none yet"
        raise _denied(f"{request.url!r} is no target: tasks of this machine may call {urls}.")
    if "oidc_token" not in request:
        return
    token = request.oidc_token
    if token.service_account_email != account:
        raise _denied(
            f"a task may not call as {token.service_account_email!r}: tasks for {request.url} call as {account}."
        )
    if token.audience not in ("", request.url):
        raise _denied(f"{token.audience!r} is no audience of a task for {request.url}: leave it out, or name that URL.")


def _denied(message: str) -> TaskError:
    return TaskError(grpc.StatusCode.PERMISSION_DENIED, message)


def _check_times(task: tasks_v2.Task, now: float) -> None:
    # proto-plus gives a datetime and a timedelta, and annotates the types on the wire.
    schedule: Any = task.schedule_time
    deadline: Any = task.dispatch_deadline
    if "schedule_time" in task and schedule > datetime.fromtimestamp(now, UTC) + _MAX_AHEAD:
        raise invalid("schedule_time is more than 30 days ahead.")
    if "dispatch_deadline" in task and not _MIN_DEADLINE <= deadline <= _MAX_DEADLINE:
        raise invalid("dispatch_deadline must be between 15 seconds and 30 minutes.")


def _method(request: tasks_v2.HttpRequest) -> tasks_v2.HttpMethod:
    return tasks_v2.HttpMethod(request.http_method or tasks_v2.HttpMethod.POST)

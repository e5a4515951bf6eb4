"""A local Cloud Tasks: the gRPC service on the official protos, in memory, dispatching over HTTP.

What differs from Google's: tasks live in memory and end with the process; a queue exists as soon as it is
created; App Engine targets, OAuth tokens and IAM are not served; a task's rate is evenly spaced and not slowed
down further when a target answers 429 or 503. In the place of IAM, a list says what tasks may call, and as whom.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import aiohttp
import grpc
import grpc.aio
from google.cloud import tasks_v2
from google.protobuf import empty_pb2

from local_stack.clock import Clock, SystemClock
from local_stack.task_queue import Attempt, Sender, TaskQueue
from local_stack.task_rules import TaskError, check_location_name, check_queue_name, queue_of

_SERVICE = "google.cloud.tasks.v2.CloudTasks"
_DEFAULT_PAGE = 1000
# Headers that belong to the service; Google's drops what a task says about them, too.
_OWN_HEADERS = ("host", "content-length", "user-agent", "x-google-", "x-appengine-", "x-cloudtasks-")

# Makes the OIDC token of (service account, audience).
TokenMaker = Callable[[str, str], str]


class LocalTasks:
    """The service's calls. `serve` puts them on a port; each queue dispatches in a task of its own."""

    def __init__(self, send: Sender, clock: Clock | None = None, *, targets: Mapping[str, str] | None = None) -> None:
        """`targets` are the URLs that tasks may call, and the account for each; None lets them call anything."""
        self._send = send
        self._clock = clock or SystemClock()
        self._targets = targets
        self._queues: dict[str, TaskQueue] = {}
        self._dispatchers: dict[str, asyncio.Task[None]] = {}

    def add_queue(self, queue: tasks_v2.Queue) -> tasks_v2.Queue:
        """Create a queue and begin to dispatch. Raises TaskError: INVALID_ARGUMENT, ALREADY_EXISTS."""
        check_queue_name(queue.name)
        if queue.name in self._queues:
            raise TaskError(grpc.StatusCode.ALREADY_EXISTS, f"the queue {queue.name} exists.")
        added = TaskQueue(queue, self._send, self._clock, self._targets)
        self._queues[queue.name] = added
        self._dispatchers[queue.name] = asyncio.create_task(added.dispatch_forever(), name=f"dispatch {queue.name}")
        return added.description

    async def close(self) -> None:
        """Stop dispatching; attempts under way are cancelled."""
        for dispatcher in self._dispatchers.values():
            dispatcher.cancel()
        await asyncio.gather(*self._dispatchers.values(), return_exceptions=True)

    def create_task(self, request: tasks_v2.CreateTaskRequest) -> tasks_v2.Task:
        """CreateTask."""
        created = self._queue(request.parent).create(request.task)
        return _viewed(created, request.response_view)

    def get_task(self, request: tasks_v2.GetTaskRequest) -> tasks_v2.Task:
        """GetTask."""
        return _viewed(self._queue(queue_of(request.name)).get(request.name), request.response_view)

    def list_tasks(self, request: tasks_v2.ListTasksRequest) -> tasks_v2.ListTasksResponse:
        """ListTasks, by name; the page token is the last name of the page before."""
        page, token = _page(self._queue(request.parent).tasks(), request.page_size, request.page_token)
        viewed = [_viewed(task, request.response_view) for task in page]
        return tasks_v2.ListTasksResponse(tasks=viewed, next_page_token=token)

    def delete_task(self, request: tasks_v2.DeleteTaskRequest) -> empty_pb2.Empty:
        """DeleteTask."""
        self._queue(queue_of(request.name)).delete(request.name)
        return empty_pb2.Empty()

    def run_task(self, request: tasks_v2.RunTaskRequest) -> tasks_v2.Task:
        """RunTask."""
        return _viewed(self._queue(queue_of(request.name)).run(request.name), request.response_view)

    def create_queue(self, request: tasks_v2.CreateQueueRequest) -> tasks_v2.Queue:
        """CreateQueue."""
        check_location_name(request.parent)
        if not request.queue.name.startswith(f"{request.parent}/queues/"):
            raise TaskError(
                grpc.StatusCode.INVALID_ARGUMENT, f"the queue {request.queue.name!r} is not in {request.parent!r}."
            )
        return self.add_queue(request.queue)

    def update_queue(self, request: tasks_v2.UpdateQueueRequest) -> tasks_v2.Queue:
        """UpdateQueue: takes the whole queue (a mask is not looked at), or creates it, as Google's does."""
        if request.queue.name not in self._queues:
            return self.add_queue(request.queue)
        queue = self._queue(request.queue.name)
        queue.configure(request.queue)
        return queue.description

    def get_queue(self, request: tasks_v2.GetQueueRequest) -> tasks_v2.Queue:
        """GetQueue."""
        return self._queue(request.name).description

    def list_queues(self, request: tasks_v2.ListQueuesRequest) -> tasks_v2.ListQueuesResponse:
        """ListQueues, by name; a filter is not looked at."""
        check_location_name(request.parent)
        names = sorted(name for name in self._queues if name.startswith(f"{request.parent}/queues/"))
        page, token = _page([self._queues[name].description for name in names], request.page_size, request.page_token)
        return tasks_v2.ListQueuesResponse(queues=page, next_page_token=token)

    def purge_queue(self, request: tasks_v2.PurgeQueueRequest) -> tasks_v2.Queue:
        """PurgeQueue."""
        return self._queue(request.name).purge()

    def pause_queue(self, request: tasks_v2.PauseQueueRequest) -> tasks_v2.Queue:
        """PauseQueue."""
        return self._queue(request.name).pause()

    def resume_queue(self, request: tasks_v2.ResumeQueueRequest) -> tasks_v2.Queue:
        """ResumeQueue."""
        return self._queue(request.name).resume()

    async def delete_queue(self, request: tasks_v2.DeleteQueueRequest) -> empty_pb2.Empty:
        """DeleteQueue; the name can be used again at once, where Google's makes one wait for days."""
        self._queue(request.name)
        dispatcher = self._dispatchers.pop(request.name)
        del self._queues[request.name]
        dispatcher.cancel()
        await asyncio.gather(dispatcher, return_exceptions=True)
        return empty_pb2.Empty()

    def _queue(self, name: str) -> TaskQueue:
        check_queue_name(name)
        try:
            return self._queues[name]
        except KeyError:
            raise TaskError(grpc.StatusCode.NOT_FOUND, f"the queue {name} does not exist.") from None


class TasksServer:
    """A LocalTasks behind gRPC on a free loopback port."""

    def __init__(self, tasks: LocalTasks) -> None:
        self._tasks = tasks
        self._server = grpc.aio.server()
        self._server.add_generic_rpc_handlers((_handlers(tasks),))
        self.port = self._server.add_insecure_port("127.0.0.1:0")

    async def start(self) -> None:
        """Begin to answer."""
        await self._server.start()

    async def stop(self) -> None:
        """Refuse new calls and stop dispatching."""
        await self._server.stop(grace=0.5)
        await self._tasks.close()


def http_sender(session: aiohttp.ClientSession, make_token: TokenMaker) -> Sender:
    """A Sender that makes the HTTP request of a task, with an OIDC token where the task asks for one."""

    async def send(task: tasks_v2.Task, own_headers: dict[str, str]) -> Attempt:
        request = task.http_request
        headers = {name: value for name, value in request.headers.items() if not _is_own(name)}
        headers |= own_headers | {"User-Agent": "Google-Cloud-Tasks"}
        if request.body and "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = "application/octet-stream"
        if "oidc_token" in request:
            account, audience = request.oidc_token.service_account_email, request.oidc_token.audience
            headers["Authorization"] = f"Bearer {make_token(account, audience or request.url)}"
        timeout: Any = task.dispatch_deadline  # a timedelta, though annotated otherwise
        deadline = timeout.total_seconds()
        method = tasks_v2.HttpMethod(request.http_method).name
        try:
            async with session.request(
                method,
                request.url,
                headers=headers,
                data=request.body or None,
                timeout=aiohttp.ClientTimeout(total=deadline),
                allow_redirects=False,
            ) as response:
                await response.read()
                return Attempt(response.status)
        except TimeoutError:
            return Attempt(None, f"no response within {deadline:g} s")
        except aiohttp.ClientError as error:
            return Attempt(None, f"{type(error).__name__}: {error}")

    return send


def _is_own(header: str) -> bool:
    return header.lower().startswith(_OWN_HEADERS)


def _viewed(task: tasks_v2.Task, view: tasks_v2.Task.View) -> tasks_v2.Task:
    """A copy of `task` as a caller may see it: only the FULL view has the body and the authorization."""
    copy = tasks_v2.Task(task)
    shown: Any = view or tasks_v2.Task.View.BASIC
    copy.view = shown
    if shown == tasks_v2.Task.View.FULL:
        return copy
    copy.http_request.body = b""
    return copy


def _page(items: Sequence[Any], size: int, token: str) -> tuple[Sequence[Any], str]:
    """The items (sorted by name) after the one named `token`, and the token of the next page or ''."""
    rest = [item for item in items if item.name > token]
    page = rest[: min(size, _DEFAULT_PAGE) or _DEFAULT_PAGE]
    return page, page[-1].name if len(page) < len(rest) else ""


def _handlers(tasks: LocalTasks) -> grpc.GenericRpcHandler:
    methods: dict[str, tuple[type[Any], Callable[[Any], Any], type[Any] | None]] = {
        "CreateTask": (tasks_v2.CreateTaskRequest, tasks.create_task, tasks_v2.Task),
        "GetTask": (tasks_v2.GetTaskRequest, tasks.get_task, tasks_v2.Task),
        "ListTasks": (tasks_v2.ListTasksRequest, tasks.list_tasks, tasks_v2.ListTasksResponse),
        "DeleteTask": (tasks_v2.DeleteTaskRequest, tasks.delete_task, None),
        "RunTask": (tasks_v2.RunTaskRequest, tasks.run_task, tasks_v2.Task),
        "CreateQueue": (tasks_v2.CreateQueueRequest, tasks.create_queue, tasks_v2.Queue),
        "UpdateQueue": (tasks_v2.UpdateQueueRequest, tasks.update_queue, tasks_v2.Queue),
        "GetQueue": (tasks_v2.GetQueueRequest, tasks.get_queue, tasks_v2.Queue),
        "ListQueues": (tasks_v2.ListQueuesRequest, tasks.list_queues, tasks_v2.ListQueuesResponse),
        "DeleteQueue": (tasks_v2.DeleteQueueRequest, tasks.delete_queue, None),
        "PurgeQueue": (tasks_v2.PurgeQueueRequest, tasks.purge_queue, tasks_v2.Queue),
        "PauseQueue": (tasks_v2.PauseQueueRequest, tasks.pause_queue, tasks_v2.Queue),
        "ResumeQueue": (tasks_v2.ResumeQueueRequest, tasks.resume_queue, tasks_v2.Queue),
    }
    return grpc.method_handlers_generic_handler(
        _SERVICE,
        {
            name: grpc.unary_unary_rpc_method_handler(
                functools.partial(_answer, call),
                request_deserializer=request.deserialize,
                response_serializer=empty_pb2.Empty.SerializeToString if response is None else response.serialize,
            )
            for name, (request, call, response) in methods.items()
        },
    )


async def _answer(call: Callable[[Any], Any | Awaitable[Any]], request: Any, context: Any) -> Any:
    try:
        result = call(request)
        return await result if asyncio.iscoroutine(result) else result
    except TaskError as error:
        await context.abort(error.code, error.message)

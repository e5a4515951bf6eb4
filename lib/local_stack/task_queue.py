"""One local Cloud Tasks queue: its tasks, when each is due, and how fast they go out."""

import asyncio
import heapq
import itertools
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from google.cloud import tasks_v2

from local_stack.clock import Clock
from local_stack.task_rules import TaskError, check_allowed, check_task

logger = logging.getLogger(__name__)

# Google keeps the name of a task that is gone for "up to 24 hours"; an hour is what callers can count on.
_TOMBSTONE_SECONDS = 3600.0
_SUCCESS = range(200, 300)

# proto-plus takes and gives datetime, timedelta and its enums, but annotates fields with the types on the wire.
_RUNNING: Any = tasks_v2.Queue.State.RUNNING
_PAUSED: Any = tasks_v2.Queue.State.PAUSED
_POST: Any = tasks_v2.HttpMethod.POST
_DEFAULT_DEADLINE: Any = timedelta(minutes=10)
_DEFAULT_RATE = tasks_v2.RateLimits(max_dispatches_per_second=500, max_concurrent_dispatches=1000)
_DEFAULT_RETRY = tasks_v2.RetryConfig(
    max_attempts=100, min_backoff=timedelta(seconds=0.1), max_backoff=timedelta(hours=1), max_doublings=16
)
# What Terraform sets for the hub's own queues. Only the first backoff stays Google's default here, where Terraform sets
# 5 s: a function that was killed on this machine is back within a second.
TASK_ATTEMPTS = 20
TASK_MAX_BACKOFF = timedelta(minutes=5)


@dataclass(frozen=True)
class Attempt:
    """What became of one attempt: the HTTP status, or None and why no response came."""

    status: int | None
    reason: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the task is done: any 2xx."""
        return self.status is not None and self.status in _SUCCESS


# Sends a task's request once, with the headers of the task and of Cloud Tasks itself.
Sender = Callable[[tasks_v2.Task, dict[str, str]], Awaitable[Attempt]]


@dataclass
class _Entry:
    task: tasks_v2.Task
    due: float
    ticket: int
    created: float
    previous: Attempt | None = None
    running: bool = False


class TaskQueue:
    """Tasks of one queue, dispatched by `dispatch_forever`. All calls belong to one event loop."""

    def __init__(
        self, queue: tasks_v2.Queue, send: Sender, clock: Clock, targets: Mapping[str, str] | None = None
    ) -> None:
        """`targets` are the URLs that tasks may call, and the account for each; None lets them call anything."""
        self._targets = targets
        self._queue = with_defaults(queue)
        self._send = send
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._tickets = itertools.count()
        self._tombstones: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._attempts: set[asyncio.Task[None]] = set()
        self._next_dispatch = 0.0

    @property
    def description(self) -> tasks_v2.Queue:
        """The queue as GetQueue shows it."""
        return tasks_v2.Queue(self._queue)

    def configure(self, queue: tasks_v2.Queue) -> None:
        """Take new rate limits and retry settings."""
        state = self._queue.state
        self._queue = with_defaults(queue)
        self._queue.state = state
        self._wake.set()

    def create(self, task: tasks_v2.Task) -> tasks_v2.Task:
        """Add a task.

        Raises TaskError: INVALID_ARGUMENT, PERMISSION_DENIED for a target or an account that it may not have, or
        ALREADY_EXISTS for a name in use or used lately.
        """
        now = self._clock.now()
        check_task(self._queue.name, task, now)
        if self._targets is not None:
            check_allowed(task.http_request, self._targets)
        task = tasks_v2.Task(task)
        self._bury(now)
        if not task.name:
            task.name = f"{self._queue.name}/tasks/{secrets.randbits(62)}"
        if task.name in self._entries or task.name in self._tombstones:
            raise TaskError(grpc.StatusCode.ALREADY_EXISTS, f"the task {task.name} exists, or existed within the hour.")
        task.create_time = _moment(now)
        if "schedule_time" not in task:
            task.schedule_time = _moment(now)
        if "dispatch_deadline" not in task:
            task.dispatch_deadline = _DEFAULT_DEADLINE
        if not task.http_request.http_method:
            task.http_request.http_method = _POST
        self._entries[task.name] = entry = _Entry(task, 0, 0, now)
        self._schedule(entry, _python(task.schedule_time).timestamp())
        return task

    def get(self, name: str) -> tasks_v2.Task:
        """The task of that name. Raises TaskError NOT_FOUND."""
        return self._entry(name).task

    def tasks(self) -> list[tasks_v2.Task]:
        """Every task, by name."""
        return [self._entries[name].task for name in sorted(self._entries)]

    def delete(self, name: str) -> None:
        """Drop a task; an attempt under way goes on and is not repeated. Raises TaskError NOT_FOUND."""
        self._entry(name)
        self._remove(name)

    def run(self, name: str) -> tasks_v2.Task:
        """Dispatch a task now; its time, the rate and a pause do not count. Raises TaskError NOT_FOUND."""
        entry = self._entry(name)
        if not entry.running:
            entry.task.schedule_time = _moment(self._clock.now())
            self._attempt(entry)
        return entry.task

    def purge(self) -> tasks_v2.Queue:
        """Drop every task."""
        for name in list(self._entries):
            self._remove(name)
        self._queue.purge_time = _moment(self._clock.now())
        return self.description

    def pause(self) -> tasks_v2.Queue:
        """Dispatch nothing until resumed; tasks can still be added."""
        self._queue.state = _PAUSED
        return self.description

    def resume(self) -> tasks_v2.Queue:
        """Dispatch again."""
        self._queue.state = _RUNNING
        self._wake.set()
        return self.description

    async def dispatch_forever(self) -> None:
        """Send tasks as they become due, within the queue's rate. Ends the attempts under way when cancelled."""
        try:
            while True:
                self._wake.clear()
                delay = self._dispatch_due()
                await self._clock.wait(self._wake, delay)
        finally:
            for attempt in self._attempts:
                attempt.cancel()
            await asyncio.gather(*self._attempts, return_exceptions=True)

    def _dispatch_due(self) -> float | None:
        """Send what may go now. Returns the seconds until more may be due, None where a change has to come first."""
        limits = self._queue.rate_limits
        while self._queue.state != _PAUSED:
            entry = self._earliest()
            if entry is None or len(self._attempts) >= limits.max_concurrent_dispatches:
                return None
            now = self._clock.now()
            delay = max(entry.due, self._next_dispatch) - now
            if delay > 0:
                return delay
            # Evenly spaced, where Google's token bucket would also let a burst through first.
            self._next_dispatch = max(self._next_dispatch, now) + 1 / limits.max_dispatches_per_second
            self._attempt(entry)
        return None

    def _earliest(self) -> _Entry | None:
        while self._heap:
            _, ticket, name = self._heap[0]
            entry = self._entries.get(name)
            if entry is not None and entry.ticket == ticket and not entry.running:
                return entry
            heapq.heappop(self._heap)  # removed, rescheduled or started since it was pushed
        return None

    def _schedule(self, entry: _Entry, due: float) -> None:
        entry.due, entry.ticket, entry.running = due, next(self._tickets), False
        heapq.heappush(self._heap, (due, entry.ticket, entry.task.name))
        self._wake.set()

    def _attempt(self, entry: _Entry) -> None:
        entry.running = True
        attempt = asyncio.create_task(self._run(entry))
        self._attempts.add(attempt)
        attempt.add_done_callback(self._attempt_ended)

    def _attempt_ended(self, attempt: asyncio.Task[None]) -> None:
        self._attempts.discard(attempt)
        self._wake.set()

    async def _run(self, entry: _Entry) -> None:
        task, headers = entry.task, self._headers(entry)
        dispatched = _moment(self._clock.now())
        task.dispatch_count += 1
        task.last_attempt = tasks_v2.Attempt(schedule_time=task.schedule_time, dispatch_time=dispatched)
        if task.dispatch_count == 1:
            task.first_attempt = tasks_v2.Attempt(dispatch_time=dispatched)
        outcome = await self._send(task, headers)
        if outcome.status is not None:
            task.response_count += 1
            task.last_attempt.response_time = _moment(self._clock.now())
        entry.previous = outcome
        if self._entries.get(task.name) is not entry:
            return  # deleted meanwhile
        if outcome.succeeded:
            self._remove(task.name)
            return
        self._retry(entry, outcome)

    def _retry(self, entry: _Entry, outcome: Attempt) -> None:
        retry, task = self._queue.retry_config, entry.task
        why = outcome.reason or f"HTTP {outcome.status}"
        age = self._clock.now() - entry.created
        limit = _python(retry.max_retry_duration).total_seconds()
        attempts_used = 0 < retry.max_attempts <= task.dispatch_count
        if attempts_used and (not limit or age >= limit):
            logger.warning("task %s failed (%s) and is given up after %d attempts", task.name, why, task.dispatch_count)
            self._remove(task.name)
            return
        delay = backoff_seconds(retry, task.dispatch_count)
        logger.info("task %s failed (%s); attempt %d in %.1f s", task.name, why, task.dispatch_count + 1, delay)
        due = self._clock.now() + delay
        task.schedule_time = _moment(due)
        self._schedule(entry, due)

    def _headers(self, entry: _Entry) -> dict[str, str]:
        task, previous = entry.task, entry.previous
        headers = {
            "X-CloudTasks-QueueName": self._queue.name.rpartition("/")[2],
            "X-CloudTasks-TaskName": task.name.rpartition("/")[2],
            "X-CloudTasks-TaskRetryCount": str(task.dispatch_count),
            "X-CloudTasks-TaskExecutionCount": str(task.response_count),
            "X-CloudTasks-TaskETA": f"{entry.due:.6f}",
        }
        if previous is not None and previous.status is not None:
            headers["X-CloudTasks-TaskPreviousResponse"] = str(previous.status)
        return headers

    def _entry(self, name: str) -> _Entry:
        try:
            return self._entries[name]
        except KeyError:
            raise TaskError(grpc.StatusCode.NOT_FOUND, f"the task {name} does not exist.") from None

    def _remove(self, name: str) -> None:
        del self._entries[name]
        self._tombstones[name] = self._clock.now() + _TOMBSTONE_SECONDS

    def _bury(self, now: float) -> None:
        # Tombstones are kept in the order of their expiry, since all live equally long.
        while self._tombstones and next(iter(self._tombstones.values())) <= now:
            del self._tombstones[next(iter(self._tombstones))]


def hub_queue(name: str) -> tasks_v2.Queue:
    """One of the hub's own queues, which gives up a task after as many attempts as in the cloud."""
    retry = tasks_v2.RetryConfig(max_attempts=TASK_ATTEMPTS, max_backoff=TASK_MAX_BACKOFF)
    return tasks_v2.Queue(name=name, retry_config=retry)


def with_defaults(queue: tasks_v2.Queue) -> tasks_v2.Queue:
    """A copy of `queue`, RUNNING, with the service's defaults where it says nothing."""
    queue = tasks_v2.Queue(queue)
    queue.rate_limits = _filled(queue.rate_limits, _DEFAULT_RATE)
    queue.retry_config = _filled(queue.retry_config, _DEFAULT_RETRY)
    queue.state = _RUNNING
    return queue


def _filled(message: Any, defaults: Any) -> Any:
    """`message` with each field that is unset (or zero, which is the same on the wire) taken from `defaults`."""
    for name in type(defaults).meta.fields:
        if not getattr(message, name):
            setattr(message, name, getattr(defaults, name))
    return message


def backoff_seconds(retry: tasks_v2.RetryConfig, attempts: int) -> float:
    """Seconds to wait after `attempts` attempts: doubled `max_doublings` times, then growing linearly."""
    least, most = _python(retry.min_backoff).total_seconds(), _python(retry.max_backoff).total_seconds()
    retries = attempts - 1
    if retries <= retry.max_doublings:
        return float(min(least * 2**retries, most))
    step = least * 2**retry.max_doublings
    return float(min(step * (retries - retry.max_doublings + 1), most))


def _moment(seconds: float) -> Any:
    return datetime.fromtimestamp(seconds, UTC)


def _python(value: Any) -> Any:
    """A field's value as what it is: a datetime or a timedelta."""
    return value

"""The local Cloud Tasks: what it refuses, when it dispatches, how it tries again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.cloud import tasks_v2

from local_stack.task_queue import Attempt, backoff_seconds
from local_stack.task_rules import TaskError
from local_stack.tasks import LocalTasks

LOCATION = "projects/p/locations/local"
QUEUE = f"{LOCATION}/queues/deadlines"
START = 1_000_000.0


class ManualClock:
    """Moves only by `advance`."""

    def __init__(self) -> None:
        self._now = START
        self._moved = asyncio.Condition()

    def now(self) -> float:
        return self._now

    async def wait(self, wake: asyncio.Event, seconds: float | None) -> None:
        until = float("inf") if seconds is None else self._now + seconds
        woken = asyncio.create_task(wake.wait())
        passed = asyncio.create_task(self._reached(until))
        try:
            await asyncio.wait({woken, passed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (woken, passed):
                task.cancel()
            await asyncio.gather(woken, passed, return_exceptions=True)

    async def advance(self, seconds: float) -> None:
        async with self._moved:
            self._now += seconds
            self._moved.notify_all()
        await settle()

    async def _reached(self, until: float) -> None:
        async with self._moved:
            await self._moved.wait_for(lambda: self._now >= until)


class Target:
    """Takes dispatches and answers with `statuses` in turn, then 200; `hold` keeps them waiting."""

    def __init__(self, *statuses: int | None) -> None:
        self._statuses = list(statuses)
        self.names: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.running = 0
        self.most_running = 0
        self.hold: asyncio.Event | None = None

    async def __call__(self, task: tasks_v2.Task, headers: dict[str, str]) -> Attempt:
        self.names.append(task.name.rpartition("/")[2])
        self.headers.append(headers)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            if self.hold is not None:
                await self.hold.wait()
        finally:
            self.running -= 1
        return Attempt(self._statuses.pop(0) if self._statuses else 200)


async def settle() -> None:
    """Let everything run that can run without time passing."""
    for _ in range(50):
        await asyncio.sleep(0)


@asynccontextmanager
async def running(target: Target, **queue: Any) -> AsyncIterator[tuple[LocalTasks, ManualClock]]:
    clock = ManualClock()
    tasks = LocalTasks(target, clock)
    tasks.add_queue(tasks_v2.Queue(name=QUEUE, **queue))
    try:
        yield tasks, clock
    finally:
        await tasks.close()


def task(task_id: str | None = None, *, after: float | None = None, **http_request: Any) -> tasks_v2.Task:
    made = tasks_v2.Task(http_request={"url": "http://127.0.0.1:9/run", **http_request})
    if task_id is not None:
        made.name = f"{QUEUE}/tasks/{task_id}"
    if after is not None:
        due: Any = datetime.fromtimestamp(START + after, UTC)  # what proto-plus takes, not what it annotates
        made.schedule_time = due
    return made


def create(tasks: LocalTasks, made: tasks_v2.Task) -> tasks_v2.Task:
    return tasks.create_task(tasks_v2.CreateTaskRequest(parent=QUEUE, task=made))


def names(tasks: LocalTasks) -> list[str]:
    listed = tasks.list_tasks(tasks_v2.ListTasksRequest(parent=QUEUE))
    return [one.name.rpartition("/")[2] for one in listed.tasks]


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


def refused(call: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(TaskError) as caught:
        call()
    return caught.value.code, caught.value.message


def test_a_task_without_a_time_is_dispatched_at_once_and_is_gone() -> None:
    async def test() -> None:
        target = Target()
        async with running(target) as (tasks, _):
            created = create(tasks, task())
            await settle()
            assert target.names == [created.name.rpartition("/")[2]]
            assert names(tasks) == []

    run(test)


def test_a_task_waits_for_its_schedule_time() -> None:
    async def test() -> None:
        target = Target()
        async with running(target) as (tasks, clock):
            create(tasks, task("later", after=600))
            await clock.advance(599)
            assert target.names == []
            await clock.advance(1)
            assert target.names == ["later"]

    run(test)


def test_an_earlier_task_overtakes_one_that_waits() -> None:
    async def test() -> None:
        target = Target()
        async with running(target) as (tasks, clock):
            create(tasks, task("second", after=20))
            await settle()
            create(tasks, task("first", after=10))
            await clock.advance(10)
            assert target.names == ["first"]
            await clock.advance(10)
            assert target.names == ["first", "second"]

    run(test)


@pytest.mark.parametrize("gone_by", ["dispatch", "delete"])
def test_a_name_is_refused_for_an_hour_after_its_task_is_gone(gone_by: str) -> None:
    async def test() -> None:
        async with running(Target()) as (tasks, clock):
            created = create(tasks, task("once", after=0 if gone_by == "dispatch" else 100))
            if gone_by == "delete":
                tasks.delete_task(tasks_v2.DeleteTaskRequest(name=created.name))
            await settle()
            assert names(tasks) == []
            await clock.advance(3599)
            code, message = refused(lambda: create(tasks, task("once")))
            assert code is grpc.StatusCode.ALREADY_EXISTS
            assert created.name in message
            await clock.advance(1)
            create(tasks, task("once"))

    run(test)


def test_a_name_in_use_is_refused() -> None:
    async def test() -> None:
        async with running(Target()) as (tasks, _):
            create(tasks, task("same", after=50))
            assert refused(lambda: create(tasks, task("same")))[0] is grpc.StatusCode.ALREADY_EXISTS

    run(test)


def test_a_failed_task_is_tried_again_with_growing_pauses_and_told_of_it() -> None:
    async def test() -> None:
        target = Target(500, None, 503)
        retry = tasks_v2.RetryConfig(min_backoff=timedelta(seconds=10), max_backoff=timedelta(seconds=100))
        async with running(target, retry_config=retry) as (tasks, clock):
            create(tasks, task("again"))
            await settle()
            for pause in (10, 20, 40):
                await clock.advance(pause - 1)
                before = len(target.names)
                await clock.advance(1)
                assert len(target.names) == before + 1
            assert names(tasks) == []
        counts = [headers["X-CloudTasks-TaskRetryCount"] for headers in target.headers]
        assert counts == ["0", "1", "2", "3"]
        executed = [headers["X-CloudTasks-TaskExecutionCount"] for headers in target.headers]
        assert executed == ["0", "1", "1", "2"], "an attempt without a response counts as none"
        assert target.headers[1]["X-CloudTasks-TaskPreviousResponse"] == "500"
        assert target.headers[0]["X-CloudTasks-QueueName"] == "deadlines"
        assert target.headers[0]["X-CloudTasks-TaskName"] == "again"
        assert float(target.headers[0]["X-CloudTasks-TaskETA"]) == START

    run(test)


def test_a_task_is_given_up_after_max_attempts() -> None:
    async def test() -> None:
        target = Target(500, 500, 500, 500)
        retry = tasks_v2.RetryConfig(max_attempts=3, min_backoff=timedelta(seconds=1))
        async with running(target, retry_config=retry) as (tasks, clock):
            create(tasks, task("hopeless"))
            for _ in range(10):
                await clock.advance(5)
            assert target.names == ["hopeless"] * 3
            assert names(tasks) == []

    run(test)


def test_a_task_deleted_while_it_runs_is_not_tried_again() -> None:
    async def test() -> None:
        target = Target(500)
        target.hold = asyncio.Event()
        async with running(target) as (tasks, clock):
            created = create(tasks, task("doomed"))
            await settle()
            tasks.delete_task(tasks_v2.DeleteTaskRequest(name=created.name))
            target.hold.set()
            await clock.advance(3600)
            assert target.names == ["doomed"]

    run(test)


def test_the_queue_keeps_to_its_rate() -> None:
    async def test() -> None:
        target = Target()
        limits = tasks_v2.RateLimits(max_dispatches_per_second=2)
        async with running(target, rate_limits=limits) as (tasks, clock):
            for number in range(5):
                create(tasks, task(f"t{number}"))
            await settle()
            dispatched = [len(target.names)]
            for _ in range(4):
                await clock.advance(0.5)
                dispatched.append(len(target.names))
            assert dispatched == [1, 2, 3, 4, 5]

    run(test)


def test_no_more_run_at_once_than_the_queue_allows() -> None:
    async def test() -> None:
        target = Target()
        target.hold = asyncio.Event()
        limits = tasks_v2.RateLimits(max_dispatches_per_second=1000, max_concurrent_dispatches=2)
        async with running(target, rate_limits=limits) as (tasks, clock):
            for number in range(5):
                create(tasks, task(f"t{number}"))
            await settle()
            for _ in range(5):
                await clock.advance(1)
            assert target.running == 2
            target.hold.set()
            for _ in range(5):
                await clock.advance(1)
            assert len(target.names) == 5
            assert target.most_running == 2

    run(test)


def test_a_paused_queue_dispatches_nothing_until_it_is_resumed_but_run_task_does() -> None:
    async def test() -> None:
        target = Target()
        async with running(target) as (tasks, clock):
            paused = tasks.pause_queue(tasks_v2.PauseQueueRequest(name=QUEUE))
            assert paused.state == tasks_v2.Queue.State.PAUSED
            create(tasks, task("waiting"))
            urgent = create(tasks, task("urgent", after=3600))
            await clock.advance(60)
            assert target.names == []
            tasks.run_task(tasks_v2.RunTaskRequest(name=urgent.name))
            await settle()
            assert target.names == ["urgent"]
            tasks.resume_queue(tasks_v2.ResumeQueueRequest(name=QUEUE))
            await settle()
            assert target.names == ["urgent", "waiting"]

    run(test)


def test_purging_drops_every_task() -> None:
    async def test() -> None:
        async with running(Target()) as (tasks, _):
            for number in range(3):
                create(tasks, task(f"t{number}", after=100))
            tasks.purge_queue(tasks_v2.PurgeQueueRequest(name=QUEUE))
            assert names(tasks) == []

    run(test)


def test_tasks_are_listed_in_pages() -> None:
    async def test() -> None:
        async with running(Target()) as (tasks, _):
            for number in range(5):
                create(tasks, task(f"t{number}", after=100))
            pages, token = [], ""
            while True:
                page = tasks.list_tasks(tasks_v2.ListTasksRequest(parent=QUEUE, page_size=2, page_token=token))
                pages.append([one.name[-2:] for one in page.tasks])
                token = page.next_page_token
                if not token:
                    break
            assert pages == [["t0", "t1"], ["t2", "t3"], ["t4"]]

    run(test)


def test_only_the_full_view_shows_the_body() -> None:
    async def test() -> None:
        async with running(Target()) as (tasks, _):
            created = create(tasks, task("t", after=100, body=b"secret"))
            assert created.http_request.body == b""
            full = tasks.get_task(tasks_v2.GetTaskRequest(name=created.name, response_view=tasks_v2.Task.View.FULL))
            assert full.http_request.body == b"secret"

    run(test)


def with_deadline(seconds: float) -> tasks_v2.Task:
    return tasks_v2.Task(task(), dispatch_deadline=timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (tasks_v2.Task(), "no http_request"),
        (task(url="ftp://host/x"), "must begin with http"),
        (task(url="http://"), "name a host"),
        (task(url="http://h/" + "x" * 2083), "longer than 2083"),
        (task("no spaces"), "is no task"),
        (task("x" * 501), "is no task"),
        (tasks_v2.Task(name=f"{LOCATION}/queues/other/tasks/t"), "is not in the queue"),
        (task(after=31 * 86400), "more than 30 days"),
        (task(body=b"x" * 102_400), "larger than 102400 bytes"),
        (task(body=b"x", http_method=tasks_v2.HttpMethod.GET), "GET task carries no body"),
        (task(oidc_token={"audience": "a"}), "needs a service_account_email"),
        (task(oauth_token={"service_account_email": "a@b"}), "oauth_token is not served"),
        (with_deadline(14), "between 15 seconds and 30 minutes"),
        (with_deadline(1801), "between 15 seconds and 30 minutes"),
    ],
)
def test_a_malformed_task_is_refused_with_the_reason(made: tasks_v2.Task, said: str) -> None:
    async def test() -> None:
        async with running(Target()) as (tasks, _):
            code, message = refused(lambda: create(tasks, made))
            assert code is grpc.StatusCode.INVALID_ARGUMENT
            assert said in message
            assert names(tasks) == []

    run(test)


def test_what_is_not_there_is_not_found() -> None:
    async def test() -> None:
        async with running(Target()) as (tasks, _):
            missing = f"{QUEUE}/tasks/t"
            nowhere = tasks_v2.CreateTaskRequest(parent=f"{LOCATION}/queues/none", task=task())
            calls: list[Callable[[], object]] = [
                lambda: tasks.get_task(tasks_v2.GetTaskRequest(name=missing)),
                lambda: tasks.delete_task(tasks_v2.DeleteTaskRequest(name=missing)),
                lambda: tasks.run_task(tasks_v2.RunTaskRequest(name=missing)),
                lambda: tasks.get_queue(tasks_v2.GetQueueRequest(name=f"{LOCATION}/queues/none")),
                lambda: tasks.create_task(nowhere),
            ]
            assert {refused(call)[0] for call in calls} == {grpc.StatusCode.NOT_FOUND}

    run(test)


def test_queues_are_created_once_listed_and_deleted() -> None:
    async def test() -> None:
        async with running(Target()) as (tasks, _):
            request = tasks_v2.CreateQueueRequest(parent=LOCATION, queue=tasks_v2.Queue(name=f"{LOCATION}/queues/new"))
            created = tasks.create_queue(request)
            assert created.rate_limits.max_dispatches_per_second == 500
            assert created.retry_config.max_attempts == 100
            assert refused(lambda: tasks.create_queue(request))[0] is grpc.StatusCode.ALREADY_EXISTS
            listed = tasks.list_queues(tasks_v2.ListQueuesRequest(parent=LOCATION))
            assert [queue.name.rpartition("/")[2] for queue in listed.queues] == ["deadlines", "new"]
            deletion: Awaitable[object] = tasks.delete_queue(tasks_v2.DeleteQueueRequest(name=created.name))
            await deletion
            assert refused(lambda: tasks.get_queue(tasks_v2.GetQueueRequest(name=created.name)))[0] is (
                grpc.StatusCode.NOT_FOUND
            )

    run(test)


def test_backoff_doubles_then_grows_by_equal_steps_up_to_its_bound() -> None:
    retry = tasks_v2.RetryConfig(min_backoff=timedelta(seconds=10), max_backoff=timedelta(seconds=300), max_doublings=3)
    assert [backoff_seconds(retry, attempts) for attempts in range(1, 9)] == [10, 20, 40, 80, 160, 240, 300, 300]

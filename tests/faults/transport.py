"""Pub/Sub and Cloud Tasks as one queue under a simulated clock, behind the generated clients' own methods.

Time only passes from one due event to the next, so that backoffs, deadlines and sweeps are stepped and never slept.
"""

import heapq
import itertools
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from google.api_core import exceptions
from google.cloud.tasks_v2.types import CreateTaskRequest
from google.pubsub_v1.types import PublishRequest

from local_stack.function_list import dead_letter_keeper
from tests.fakes import FakeClock
from tests.faults.injection import OF_ANY_CALL, OF_MESSAGES, OF_TASKS, Injector, Kind, Process

DELIVERY_SECONDS = 0.05
FIRST_BACKOFF_SECONDS = 10.0
LAST_BACKOFF_SECONDS = 600.0
MAX_ATTEMPTS = 10
HELD_SECONDS = 45.0
LATE_SECONDS = 1500.0

Send = Callable[[str, str, bytes], bool]
"""(function, path, body) → whether it was answered with a 2xx status."""


@dataclass(order=True)
class Event:
    """Something that happens at a time; `essential` ones must be over before the world counts as quiet."""

    at: datetime
    number: int
    what: str = field(compare=False)
    happen: Callable[[], None] = field(compare=False)
    essential: bool = field(compare=False, default=True)
    cancelled: bool = field(compare=False, default=False)


class Agenda:
    """What is going to happen, in the order of its time."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self._events: list[Event] = []
        self._numbers = itertools.count()

    def add(self, seconds: float, what: str, happen: Callable[[], None], *, essential: bool = True) -> Event:
        return self.add_at(self.clock() + timedelta(seconds=seconds), what, happen, essential=essential)

    def add_at(self, at: datetime, what: str, happen: Callable[[], None], *, essential: bool = True) -> Event:
        event = Event(at, next(self._numbers), what, happen, essential)
        heapq.heappush(self._events, event)
        return event

    def step(self, until: datetime | None = None) -> bool:
        """Let the next event happen, unless it is due after `until`; whether one did."""
        while self._events and self._events[0].cancelled:
            heapq.heappop(self._events)
        if not self._events or (until is not None and self._events[0].at > until):
            return False
        event = heapq.heappop(self._events)
        self.clock.now = max(self.clock.now, event.at)
        event.happen()
        return True

    def essentials(self) -> list[str]:
        """What must still happen."""
        return [event.what for event in self._events if event.essential and not event.cancelled]


@dataclass
class Message:
    """One Pub/Sub message on its way to a subscription's function."""

    topic: str
    function: str
    data: bytes
    attributes: dict[str, str]
    ordering_key: str
    number: int
    attempt: int = 0

    @property
    def name(self) -> str:
        return f"{self.topic} message {self.number} ({self.attributes.get('event_id', 'check-in')})"

    def body(self) -> bytes:
        message = {
            "data": b64encode(self.data).decode(),
            "attributes": self.attributes,
            "messageId": f"m{self.number}",
            "orderingKey": self.ordering_key,
        }
        return json.dumps({"message": message, "deliveryAttempt": self.attempt}).encode()


class PubSub:
    """Topics with one push subscription each: at least once, with backoff, and a dead-letter topic."""

    def __init__(self, agenda: Agenda, consumers: dict[str, str], send: Send) -> None:
        self._agenda = agenda
        self._consumers = consumers
        self._send = send
        self._numbers = itertools.count(1)
        self.dead: list[Message] = []
        self.delivered = 0

    def publish(self, request: PublishRequest, **_options: Any) -> None:
        topic = request.topic.rpartition("/")[2]
        for message in request.messages:
            self.put(topic, message.data, dict(message.attributes), message.ordering_key)

    def put(
        self, topic: str, data: bytes, attributes: dict[str, str], ordering_key: str, kind: Kind | None = None
    ) -> None:
        """Take a message, to be transported as `kind` says."""
        function = self._consumers[topic]
        message = Message(topic, function, data, attributes, ordering_key, next(self._numbers))
        for seconds in _journeys(kind):
            self._deliver_after(message, seconds)

    def _deliver_after(self, message: Message, seconds: float) -> None:
        self._agenda.add(seconds, message.name, lambda: self._deliver(message))

    def _deliver(self, message: Message) -> None:
        message.attempt += 1
        if self._send(message.function, f"/projects/p/topics/{message.topic}", message.body()):
            self.delivered += 1
            return
        if message.attempt >= MAX_ATTEMPTS and message.function != dead_letter_keeper():
            self.dead.append(message)
            self._agenda.add(DELIVERY_SECONDS, f"dead {message.name}", lambda: self._bury(message))
            return
        backoff = min(LAST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** (message.attempt - 1))
        self._deliver_after(message, backoff)

    def _bury(self, message: Message) -> None:
        topic = f"{message.topic}-dead-letter"
        attributes = {**message.attributes, "CloudPubSubDeadLetterSourceDeliveryCount": str(message.attempt)}
        letter = Message(topic, dead_letter_keeper(), message.data, attributes, "", message.number)
        self._deliver(letter)


class CloudTasks:
    """Named tasks: a name in use, or used lately, is refused."""

    def __init__(self, agenda: Agenda, functions: dict[str, str], send: Send) -> None:
        self._agenda = agenda
        self._functions = functions
        self._send = send
        self._waiting: dict[str, Event] = {}
        self._used: set[str] = set()

    def create_task(self, request: CreateTaskRequest, kind: Kind | None = None, **_options: Any) -> None:
        task = request.task
        if task.name in self._used:
            raise exceptions.AlreadyExists(f"{task.name} exists, or existed lately")  # type: ignore[no-untyped-call]
        self._used.add(task.name)
        if kind is Kind.LOST:
            return
        due: Any = task.schedule_time
        seconds = max(0.0, (due - self._agenda.clock()).total_seconds())
        for later in _journeys(kind):
            self._dispatch_after(task, seconds + later, 0)

    def delete_task(self, *, name: str, **_options: Any) -> None:
        event = self._waiting.pop(name, None)
        if event is None or event.cancelled:
            raise exceptions.NotFound(f"{name} does not exist")  # type: ignore[no-untyped-call]
        event.cancelled = True

    def _dispatch_after(self, task: Any, seconds: float, attempt: int) -> None:
        name = task.name.rpartition("/")[2]
        self._waiting[task.name] = self._agenda.add(seconds, f"task {name}", lambda: self._dispatch(task, attempt + 1))

    def _dispatch(self, task: Any, attempt: int) -> None:
        self._waiting.pop(task.name, None)
        function = self._functions[task.http_request.url]
        if not self._send(function, "/", task.http_request.body):
            self._dispatch_after(task, min(300.0, 5.0 * 2 ** (attempt - 1)), attempt)


class FaultyTransport:
    """What a function's process sees of Pub/Sub or Cloud Tasks: each call an injection point."""

    def __init__(self, process: Process, injector: Injector, pubsub: PubSub, tasks: CloudTasks) -> None:
        self._process = process
        self._injector = injector
        self._pubsub = pubsub
        self._tasks = tasks

    def publish(self, request: PublishRequest, **_options: Any) -> None:
        topic, message = request.topic.rpartition("/")[2], request.messages[0]
        label = f"publish {message.attributes.get('event_type', '')} to {topic}"

        def put(kind: Kind | None) -> None:
            self._pubsub.put(topic, message.data, dict(message.attributes), message.ordering_key, kind)

        self._call(label, put, (*OF_ANY_CALL, *OF_MESSAGES))

    def create_task(self, request: CreateTaskRequest, **_options: Any) -> None:
        label = f"create task in {request.parent.rpartition('/')[2]}"
        self._call(label, lambda kind: self._tasks.create_task(request, kind), (*OF_ANY_CALL, *OF_TASKS))

    def delete_task(self, *, name: str, **_options: Any) -> None:
        self._call("delete task", lambda _kind: self._tasks.delete_task(name=name), OF_ANY_CALL)

    def _call(self, label: str, action: Callable[[Kind | None], None], kinds: tuple[Kind, ...]) -> None:
        transport: list[Kind] = []

        def done() -> None:
            action(transport[0] if transport else None)

        def error() -> Exception:
            return exceptions.ServiceUnavailable("a fault on purpose")  # type: ignore[no-untyped-call]

        self._injector.call(self._process, label, done, error, kinds, transport)


def _journeys(kind: Kind | None) -> list[float]:
    """The seconds after which each copy arrives."""
    if kind is Kind.TWICE:
        return [DELIVERY_SECONDS, DELIVERY_SECONDS * 2]
    if kind is Kind.LATE_COPY:
        return [DELIVERY_SECONDS, LATE_SECONDS]
    return [HELD_SECONDS if kind is Kind.HELD else DELIVERY_SECONDS]

"""Faults at I/O points: every call that an adapter makes to the world outside passes through here and may fail there.

A proxy stands in front of Google's generated clients and of the HTTP pool below the Kubernetes client, so that a new
call of an adapter is an injection point without anybody having to remember it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any


class Crash(BaseException):
    """The process died here. It does no further I/O: every later call of its adapters dies too."""


class Kind(StrEnum):
    """What happens at a point. The first five are of any call, the others of messages and tasks."""

    CRASH_BEFORE = "the process dies before"
    CRASH_AFTER = "the process dies after"
    ERROR_BEFORE = "an error instead of"
    ERROR_AFTER = "an error although done"
    PAUSE = "one more step of the history happens before"
    PAUSE_LONG = "the rest of the history happens before"
    TWICE = "delivered twice"
    LATE_COPY = "delivered once more, much later"
    HELD = "overtaken by all later ones"
    LOST = "never dispatched"


OF_ANY_CALL = (
    Kind.CRASH_BEFORE,
    Kind.CRASH_AFTER,
    Kind.ERROR_BEFORE,
    Kind.ERROR_AFTER,
    Kind.PAUSE,
    Kind.PAUSE_LONG,
)
OF_MESSAGES = (Kind.TWICE, Kind.LATE_COPY, Kind.HELD)
OF_TASKS = (*OF_MESSAGES, Kind.LOST)
PAUSES = frozenset({Kind.PAUSE, Kind.PAUSE_LONG})
TRANSPORT = frozenset(OF_TASKS)


@dataclass(frozen=True, slots=True)
class Point:
    """One I/O call as it was met: its number in the run, who made it, and what it was."""

    number: int
    process: str
    call: str
    kinds: tuple[Kind, ...]

    def __str__(self) -> str:
        return f"#{self.number} {self.process}: {self.call}"


Plan = Callable[[Point], Kind | None]
"""Which fault, if any, a point meets."""


@dataclass(frozen=True)
class One:
    """One fault at one point."""

    number: int
    kind: Kind

    def __call__(self, point: Point) -> Kind | None:
        return self.kind if point.number == self.number else None


@dataclass
class At:
    """A fault at the first call of that process that is described so; `skip` lets as many go before."""

    process: str
    call: str
    kind: Kind
    skip: int = 0
    met: bool = False

    def __call__(self, point: Point) -> Kind | None:
        if self.met or (point.process, point.call) != (self.process, self.call):
            return None
        if self.skip:
            self.skip -= 1
            return None
        self.met = True
        return self.kind


@dataclass
class AtRandom:
    """A fault at each point with that chance, of any kind it can have, drawn from a seeded generator."""

    random: Random
    chance: float
    left: int

    def __call__(self, point: Point) -> Kind | None:
        if not self.left or self.random.random() >= self.chance:
            return None
        self.left -= 1
        return self.random.choice(point.kinds)


def no_fault(_point: Point) -> Kind | None:
    return None


@dataclass
class Process:
    """One function's process; the next call after its death finds another in its place."""

    name: str
    dead: bool = False
    transactions: set[bytes] = field(default_factory=set)


@dataclass
class Injector:
    """Numbers the points of a run and makes them fail as planned. `pause` is called for a pause, with its kind."""

    plan: Plan = no_fault
    points: list[Point] = field(default_factory=list)
    script: list[str] = field(default_factory=list)
    pause: Callable[[Kind], None] = lambda _kind: None
    pausing: bool = False
    pauses_in_transactions: bool = True

    def call(
        self,
        process: Process,
        label: str,
        action: Callable[[], Any],
        error: Callable[[], Exception],
        kinds: tuple[Kind, ...] = OF_ANY_CALL,
        transport: list[Kind] | None = None,
    ) -> Any:
        """Do `action` unless the plan says otherwise. Raises Crash, or what `error` makes.

        A fault of the transport is no failure of the call: it is put into `transport`, for `action` to heed.
        """
        kind = self.met(process, label, kinds)
        if kind in TRANSPORT and transport is not None:
            transport.append(kind)
        if kind is Kind.CRASH_BEFORE:
            process.dead = True
            raise Crash(label)
        if kind is Kind.ERROR_BEFORE:
            raise error()
        if kind in PAUSES:
            self._pause(process, kind)
            if process.dead:  # another of its calls met its end meanwhile
                raise Crash(label)
        result = action()
        if kind is Kind.CRASH_AFTER:
            process.dead = True
            raise Crash(label)
        if kind is Kind.ERROR_AFTER:
            raise error()
        return result

    def met(self, process: Process, label: str, kinds: tuple[Kind, ...]) -> Kind | None:
        """The fault that the next point meets. Raises Crash for a process that is dead already."""
        if process.dead:
            raise Crash(label)
        point = Point(len(self.points) + 1, process.name, label, kinds)
        self.points.append(point)
        kind = self.plan(point)
        if kind is not None:
            self.tell(f"    fault at {point}: {kind}")
        return kind

    def tell(self, line: str) -> None:
        self.script.append(line)

    def _pause(self, process: Process, kind: Kind) -> None:
        """Let the world go on while this call waits; not twice at once, and not where locks make it wait as well."""
        if self.pausing or (process.transactions and not self.pauses_in_transactions):
            return
        self.pausing = True
        try:
            self.pause(kind)
        finally:
            self.pausing = False


class FaultyClient:
    """A client of which every method is an injection point."""

    def __init__(
        self,
        client: Any,
        injector: Injector,
        process: Process,
        error: Callable[[], Exception],
        describe: Callable[[str, Any], str] = lambda name, _request: name,
        observe: Callable[[str, Any, Any], None] = lambda _name, _request, _answer: None,
        kinds: Mapping[str, tuple[Kind, ...]] | None = None,
    ) -> None:
        self._client = client
        self._injector = injector
        self._process = process
        self._error = error
        self._describe = describe
        self._observe = observe
        self._kinds = kinds or {}

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def faulty(request: Any = None, *arguments: Any, **options: Any) -> Any:
            def done() -> Any:
                answer = method(request, *arguments, **options) if request is not None else method(**options)
                if hasattr(answer, "__next__") or (hasattr(answer, "__iter__") and name.startswith(("batch", "run"))):
                    answer = list(answer)  # a stream is one call: it fails as a whole
                self._observe(name, request, answer)
                return answer

            told = self._describe(name, options if request is None else request)
            kinds = self._kinds.get(name, OF_ANY_CALL)
            return self._injector.call(self._process, told, done, self._error, kinds)

        return faulty

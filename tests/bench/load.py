"""Callers: keep-alive connections that send prepared requests and take the time of each answer."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from queue import Empty, SimpleQueue
from typing import Any

from tests.bench.ground import Served


@dataclass(frozen=True, slots=True)
class Wish:
    """One request, ready to be sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes | None = None
    expect: int = 200


def wish(method: str, path: str, token: str | None, body: Any = None, *, expect: int = 200) -> Wish:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if body is None:
        return Wish(method, path, headers, None, expect)
    return Wish(method, path, {**headers, "Content-Type": "application/json"}, json.dumps(body).encode(), expect)


@dataclass(frozen=True, slots=True)
class Run:
    """What one burst of requests took: each answer's seconds, and the whole burst's."""

    seconds: list[float]
    wall: float

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.wall

    def quantile(self, percent: int) -> float:
        """The seconds within which so many percent were answered."""
        return sorted(self.seconds)[ceil(len(self.seconds) * percent / 100) - 1]


class Supply:
    """Requests that many callers take from, each the next one."""

    def __init__(self, wishes: Iterator[Wish]) -> None:
        self._wishes = wishes
        self._lock = threading.Lock()

    def take(self) -> Wish:
        """Raises AssertionError where there is none left."""
        with self._lock:
            if (one := next(self._wishes, None)) is None:
                raise AssertionError("the supply of requests is used up")
            return one


def burst(served: Served, wishes: Sequence[Wish], callers: int = 1) -> Run:
    """Send all `wishes` over `callers` connections. Raises AssertionError for an answer that was not expected."""
    queue: SimpleQueue[Wish] = SimpleQueue()
    for one in wishes:
        queue.put(one)
    return _run(served, callers, lambda: _drained(queue))


def burst_for(duration: float, served: Served, supply: Supply, callers: int) -> Run:
    """Send over `callers` connections for `duration` seconds, at least one request each. Raises AssertionError."""
    until = time.perf_counter() + duration
    return _run(served, callers, lambda: _until(until, supply))


def _run(served: Served, callers: int, wishes: Callable[[], Iterator[Wish]]) -> Run:
    """Let each caller send what its own `wishes` give."""
    seconds: list[float] = []
    failures: list[BaseException] = []

    def call() -> None:
        connection = served.connect()
        try:
            seconds.extend(send(connection, one) for one in wishes())
        except (OSError, AssertionError, http.client.HTTPException) as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=call) for _ in range(callers)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - began
    if failures:
        raise failures[0]
    return Run(seconds, wall)


def _drained(queue: "SimpleQueue[Wish]") -> Iterator[Wish]:
    while True:
        try:
            yield queue.get_nowait()
        except Empty:
            return


def _until(until: float, supply: Supply) -> Iterator[Wish]:
    yield supply.take()
    while time.perf_counter() < until:
        yield supply.take()


def send(connection: http.client.HTTPConnection, one: Wish) -> float:
    """The seconds until the answer was read. Raises AssertionError for one that was not expected."""
    began = time.perf_counter()
    connection.request(one.method, one.path, one.body, one.headers)
    answer = connection.getresponse()
    body = answer.read()
    took = time.perf_counter() - began
    if answer.status != one.expect:
        raise AssertionError(f"{one.method} {one.path} was answered with {answer.status}: {body[:500]!r}")
    return took

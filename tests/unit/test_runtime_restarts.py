"""A worker that dies again and again is started again a limited number of times, however slowly it dies."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest

from pragma_runtime import served
from pragma_runtime.check_in import Vitals
from pragma_runtime.handshake import Handshake
from pragma_runtime.served import Restarts, ServedProvider
from pragma_runtime.worker import WorkerEnded, WorkerSilent

_MOST_LIVES = 30
_TYPES = ("Rain", "Wind")


class Lives:
    """The workers of one provider, by a clock of their own: each serves for so many seconds and then dies.

    After the last of them the runtime is told to stop, as a test that waits for a failure in vain would never end.
    """

    def __init__(self, *seconds: float, handshake_seconds: float = 0.0) -> None:
        self.now = 1000.0
        self.reports: list[Vitals] = []
        self.failures: list[str] = []
        self.started = 0
        self._seconds = list(seconds)
        self._handshake_seconds = handshake_seconds
        self._provider: ServedProvider | None = None

    def run(self, provider: ServedProvider) -> None:
        self._provider = provider
        provider.start(60)
        provider.watch(self.reports.append)
        assert provider._thread is not None
        provider._thread.join(20)
        assert not provider._thread.is_alive()

    def start(self, seconds: float) -> Handshake:
        self.started += 1
        self.now += self._handshake_seconds
        if not self._seconds:
            assert self._provider is not None
            self._provider._stopping.set()
            raise WorkerEnded("the test is over")
        if self._seconds[0] == 0:
            self._seconds.pop(0)
            raise WorkerSilent("the worker has not connected")
        return Handshake("18.0.0", _TYPES)

    def serve(self) -> NoReturn:
        self.now += self._seconds.pop(0)
        raise WorkerEnded("the worker ended with exit code 1")


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Lives], Lives]:
    class Settings:
        handshake_seconds = 120.0
        work_dir = tmp_path

    def lived(lives: Lives) -> Lives:
        monkeypatch.setattr(served, "Worker", lambda *_: lives)
        monkeypatch.setattr(served, "time", _Clock(lives))
        anything = cast("Any", Settings())
        lives.run(ServedProvider(anything, anything, lives.failures.append, Restarts(first_delay=0.0)))
        return lives

    return lived


class _Clock:
    def __init__(self, lives: Lives) -> None:
        self._lives = lives

    def monotonic(self) -> float:
        return self._lives.now


Live = Callable[[Lives], Lives]


@pytest.mark.parametrize("seconds", [1, 61, 599])
def test_a_worker_that_dies_every_few_minutes_fails_after_the_last_restart(live: Live, seconds: float) -> None:
    lives = live(Lives(*[seconds] * _MOST_LIVES))

    assert lives.failures == ["The provider's worker died 6 times in a row: the worker ended with exit code 1."]
    assert lives.started == 6


def test_each_restart_is_reported_with_its_number(live: Live) -> None:
    lives = live(Lives(*[61] * _MOST_LIVES))

    degraded = [vitals.message for vitals in lives.reports if vitals.health == "degraded"]
    assert degraded == [f"the worker ended with exit code 1; restart {number} of 5" for number in range(1, 6)]


def test_a_worker_that_served_for_ten_minutes_is_the_first_in_a_row(live: Live) -> None:
    lives = live(Lives(*[601] * _MOST_LIVES))

    assert lives.failures == []
    assert {vitals.message for vitals in lives.reports if vitals.health == "degraded"} == {
        "the worker ended with exit code 1; restart 1 of 5"
    }


def test_ten_healthy_minutes_forget_the_deaths_before(live: Live) -> None:
    lives = live(Lives(1, 1, 1, 1, 601, 1, 1, 1, 1, 601))

    assert lives.failures == []


def test_the_time_before_the_handshake_is_no_service(live: Live) -> None:
    lives = live(Lives(*[599] * _MOST_LIVES, handshake_seconds=119))

    assert len(lives.failures) == 1


def test_a_worker_that_is_silent_at_a_restart_counts_as_one_that_died(live: Live) -> None:
    lives = live(Lives(1, 0, 0, 0, 0, 0, 1))

    assert lives.failures == ["The provider's worker died 6 times in a row: the worker has not connected."]

"""Changes of one installation run one after the other, wait for a bounded time, and hold up no other one."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from provider_hub.actions import locks
from provider_hub.actions.locks import NamedLocks
from provider_hub.domain.errors import TemporaryError


def test_two_of_one_name_are_never_inside_together() -> None:
    named, inside, most = NamedLocks(), [], []

    def pass_through(number: int) -> None:
        with named.hold("row"):
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(pass_through, range(200)))
    assert max(most) == 1
    assert len(most) == 200


def test_who_waits_too_long_is_sent_away_and_the_next_gets_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_PATIENCE_SECONDS", 0.01)
    named, entered, leave = NamedLocks(), threading.Event(), threading.Event()

    def stay() -> None:
        with named.hold("row"):
            entered.set()
            leave.wait(10)

    staying = threading.Thread(target=stay)
    staying.start()
    assert entered.wait(10)
    with pytest.raises(TemporaryError, match="still under way"), named.hold("row"):
        pass
    leave.set()
    staying.join()
    with named.hold("row"):
        pass


def test_an_error_inside_lets_go() -> None:
    named = NamedLocks()
    with pytest.raises(ValueError, match="inside"), named.hold("row"):
        raise ValueError("inside")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: named.hold("row").__enter__()).result(10) is None


def test_whoever_is_about_something_else_waits_for_nobody() -> None:
    """More names than a table of locks by their hash would have, all of them held at once."""
    named, together = NamedLocks(), threading.Barrier(100)

    def enter(name: str) -> None:
        with named.hold(name):
            together.wait(4)

    with ThreadPoolExecutor(100) as pool:
        list(pool.map(enter, (f"row-{number}" for number in range(100))))


def test_a_thread_takes_a_lock_twice_and_nothing_is_kept_of_it() -> None:
    named = NamedLocks()
    with named.hold("row"), named.hold("row"):
        pass
    assert not named._locks
    assert not named._wanted

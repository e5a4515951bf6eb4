"""Turns: how much costly work one process does at once, and for one organization."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from provider_hub.actions.turns import Turns
from provider_hub.domain.errors import TemporaryError


def test_a_turn_is_waited_for_and_the_queue_has_an_end() -> None:
    turns = Turns(at_once=1, waiting=1, wait_seconds=30)
    inside, go_on = threading.Event(), threading.Event()

    def hold() -> str:
        with turns.turn():
            inside.set()
            assert go_on.wait(30)
            return "done"

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(hold)
        assert inside.wait(30)
        second = pool.submit(hold)
        while not turns._tickets:
            time.sleep(0)
        with pytest.raises(TemporaryError, match="too many"), turns.turn():
            pass
        go_on.set()
        assert (first.result(30), second.result(30)) == ("done", "done")
    with turns.turn():
        pass


def test_a_turn_that_does_not_come_is_a_failure_that_passes() -> None:
    turns = Turns(at_once=1, waiting=1, wait_seconds=0.01)
    with turns.turn(), pytest.raises(TemporaryError, match="take too long"), turns.turn():
        pass


def test_a_holder_has_one_turn_at_a_time_and_half_of_the_places_to_wait() -> None:
    turns = Turns(at_once=2, waiting=0, wait_seconds=0.01)
    with turns.turn("acme"):
        with pytest.raises(TemporaryError, match="too many"), turns.turn("acme"):
            pass
        with turns.turn("other"):
            pass
    turns = Turns(at_once=2, waiting=2, wait_seconds=0.01)
    with turns.turn("acme"):
        with pytest.raises(TemporaryError, match="take too long"), turns.turn("acme"):
            pass
        with turns.turn("other"):
            pass
    with turns.turn("acme"):
        pass


def test_who_waits_with_many_is_not_served_twice_while_another_waits() -> None:
    turns = Turns(at_once=1, waiting=8, wait_seconds=30)
    served: list[str] = []
    inside, go_on = threading.Event(), threading.Event()

    def work(holder: str) -> None:
        with turns.turn(holder):
            served.append(holder)
            inside.set()
            assert go_on.wait(30)

    with ThreadPoolExecutor(8) as pool:
        pool.submit(work, "greedy")
        assert inside.wait(30)
        done = [pool.submit(work, "greedy") for _ in range(4)]
        while len(turns._tickets) < 4:
            time.sleep(0)
        done.append(pool.submit(work, "modest"))
        while len(turns._tickets) < 5:
            time.sleep(0)
        go_on.set()
        for each in done:
            each.result(30)
    assert served[:2] == ["greedy", "modest"]
    assert not turns._running
    assert not turns._last_turn


def test_a_wait_that_is_broken_off_leaves_its_place_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(at_once=1, waiting=1, wait_seconds=0.01)

    def broken_off(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(turns._changed, "wait_for", broken_off)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt), turns.turn("acme"):
                pass
    with turns.turn("acme"):
        pass


def test_a_holder_has_as_many_turns_at_a_time_as_are_each_ones() -> None:
    turns = Turns(at_once=4, waiting=0, wait_seconds=0, each=2)
    with turns.turn("acme"), turns.turn("acme"):
        with pytest.raises(TemporaryError, match="too many"), turns.turn("acme"):
            pass
        with turns.turn("other"), turns.turn("other"):
            pass

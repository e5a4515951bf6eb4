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
        while turns._admitted < 2:
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

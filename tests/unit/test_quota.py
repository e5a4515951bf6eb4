"""The room that a count leaves, and who may use it without counting again."""

import threading
from datetime import timedelta

from tests.fakes import FakeClock

from provider_hub.operations.quota import SHARES, TRUSTED, Room


def test_an_organization_that_nobody_counted_must_be_counted() -> None:
    assert not Room().take("org_acme", FakeClock()())


def test_a_count_lets_this_process_admit_its_share_and_no_more() -> None:
    room, now = Room(), FakeClock()()
    room.found("org_acme", 2 * SHARES + 1, now)
    assert [room.take("org_acme", now) for _ in range(3)] == [True, True, False]


def test_less_room_than_there_are_shares_is_counted_every_time() -> None:
    room, now = Room(), FakeClock()()
    room.found("org_acme", SHARES - 1, now)
    assert not room.take("org_acme", now)


def test_a_share_is_trusted_for_a_while_only() -> None:
    room, clock = Room(), FakeClock()
    room.found("org_acme", 10 * SHARES, clock())
    clock.turn(seconds=TRUSTED.total_seconds() - 1)
    assert room.take("org_acme", clock())
    clock.turn(seconds=1)
    assert not room.take("org_acme", clock())


def test_a_newer_count_replaces_what_an_older_one_left() -> None:
    room, now = Room(), FakeClock()()
    room.found("org_acme", 10 * SHARES, now)
    room.found("org_acme", 0, now + timedelta(seconds=1))
    assert not room.take("org_acme", now + timedelta(seconds=1))


def test_one_organization_does_not_use_anothers_room() -> None:
    room, now = Room(), FakeClock()()
    room.found("org_acme", SHARES, now)
    assert not room.take("org_other", now)


def test_threads_together_take_the_share_once() -> None:
    room, now = Room(), FakeClock()()
    room.found("org_acme", 50 * SHARES, now)
    taken: list[bool] = []

    def take() -> None:
        taken.extend(room.take("org_acme", now) for _ in range(20))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(True) == 50

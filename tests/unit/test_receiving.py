"""One organization holds so many of a process's threads, and leaves some to the others."""

from contextlib import ExitStack

import pytest

from provider_hub.actions.receiving import BodyPace, Receiving
from provider_hub.domain.errors import QuotaExceeded, TemporaryError


def test_of_many_threads_a_quarter_is_left_to_the_others() -> None:
    receiving = Receiving(threads=40)
    with ExitStack() as held:
        for _ in range(30):
            held.enter_context(receiving.request("org_acme"))
        with pytest.raises(QuotaExceeded, match="as many requests under way"), receiving.request("org_acme"):
            pass
        for _ in range(10):
            held.enter_context(receiving.request("org_other"))
    with receiving.request("org_acme"):
        pass


def test_of_few_threads_none_is_kept_free() -> None:
    receiving = Receiving(threads=8)
    with ExitStack() as held:
        for _ in range(8):
            held.enter_context(receiving.request("org_acme"))


def test_what_fails_within_a_place_fails_as_it_is() -> None:
    receiving = Receiving(threads=40)
    with pytest.raises(TemporaryError, match="down"), receiving.request("org_acme"):
        raise TemporaryError("down")


def test_two_publishes_of_one_organization_arrive_at_a_time_and_no_third() -> None:
    receiving = Receiving(threads=3)
    with receiving.place("org_acme"), receiving.place("org_acme"):
        with pytest.raises(QuotaExceeded, match="still sending"), receiving.place("org_acme"):
            pass
        with receiving.place("org_other"):
            pass


def test_a_body_has_time_by_its_length_and_never_too_much() -> None:
    pace = BodyPace(seconds=10, least_bytes_per_second=1000, most_seconds=60)
    assert [pace.seconds_for(length) for length in (0, 5000, 10**9)] == [10, 15, 60]


def test_a_process_of_one_thread_serves_bodies_and_requests() -> None:
    receiving = Receiving(threads=1)
    for holder in ("org_acme", "org_other"):
        with receiving.request(holder), receiving.place(holder), receiving.remains():
            pass

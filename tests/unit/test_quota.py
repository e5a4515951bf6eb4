"""What a count leaves free, and who may use it without another count."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from tests.fakes import START, FakeClock

from local_stack.function_list import ALL
from provider_hub.actions.installed_counts import admit_installation
from provider_hub.actions.locks import NamedLocks
from provider_hub.actions.quota import SHARES, TRUSTED, QuotaCache
from provider_hub.domain.limits import OrganizationLimits
from provider_hub.domain.records import InstalledCount


def test_an_organization_that_nobody_counted_must_be_counted() -> None:
    assert not QuotaCache().take("org_acme", FakeClock()())


def test_a_count_lets_this_process_admit_its_share_and_no_more() -> None:
    cache, now = QuotaCache(), FakeClock()()
    cache.counted("org_acme", 2 * SHARES + 1, now)
    assert [cache.take("org_acme", now) for _ in range(3)] == [True, True, False]


def test_less_room_than_there_are_shares_is_counted_every_time() -> None:
    cache, now = QuotaCache(), FakeClock()()
    cache.counted("org_acme", SHARES - 1, now)
    assert not cache.take("org_acme", now)


def test_a_share_is_trusted_for_a_while_only() -> None:
    cache, clock = QuotaCache(), FakeClock()
    cache.counted("org_acme", 10 * SHARES, clock())
    clock.turn(seconds=TRUSTED.total_seconds() - 1)
    assert cache.take("org_acme", clock())
    clock.turn(seconds=1)
    assert not cache.take("org_acme", clock())


def test_a_newer_count_replaces_what_an_older_one_left() -> None:
    cache, now = QuotaCache(), FakeClock()()
    cache.counted("org_acme", 10 * SHARES, now)
    cache.counted("org_acme", 0, now + timedelta(seconds=1))
    assert not cache.take("org_acme", now + timedelta(seconds=1))


def test_one_organization_does_not_use_anothers_share() -> None:
    cache, now = QuotaCache(), FakeClock()()
    cache.counted("org_acme", SHARES, now)
    assert not cache.take("org_other", now)


def test_threads_together_take_the_share_once() -> None:
    cache, now = QuotaCache(), FakeClock()()
    cache.counted("org_acme", 50 * SHARES, now)
    taken: list[bool] = []

    def take() -> None:
        taken.extend(cache.take("org_acme", now) for _ in range(20))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(True) == 50


class Reading:
    """A store whose read of the number is under way until a second install has come to its own."""

    def __init__(self) -> None:
        self.reads = 0
        self.second = threading.Event()

    def get(self, _key: object) -> InstalledCount:
        self.reads += 1
        if self.reads > 1:
            self.second.set()
        assert self.second.wait(10)
        return InstalledCount("org_acme", 3, START)


class Announced(NamedLocks):
    """Tells of the second who comes."""

    def __init__(self, second: threading.Event) -> None:
        super().__init__()
        self._came = count(1)
        self._second = second

    def hold(self, name: str) -> AbstractContextManager[None]:
        if next(self._came) == 2:
            self._second.set()
        return super().hold(name)


@pytest.mark.parametrize("function", ["installations", "api"])
def test_there_is_a_share_for_every_instance_that_may_admit_installations(function: str) -> None:
    assert ALL[function].size["max_instances"] <= SHARES


def test_installs_of_a_tenant_that_come_together_read_the_number_once() -> None:
    store = Reading()
    services: Any = SimpleNamespace(
        clock=FakeClock(),
        quota_cache=QuotaCache(),
        locks=Announced(store.second),
        store=store,
        limits=OrganizationLimits(10 * SHARES),
    )
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: admit_installation(services, "org_acme"), range(2)))
    assert store.reads == 1

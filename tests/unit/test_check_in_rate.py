"""Check-ins are dropped before anything is read for them where they are forged, out of time, or too many."""

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from tests.fakes import START, FakeClock, FakeTasks

from provider_hub.actions.check_in_rate import BURST, CheckInRate
from provider_hub.actions.ports import Seen
from provider_hub.actions.register import Registration
from provider_hub.domain.check_in import CheckIn
from provider_hub.domain.installation import Installation
from provider_hub.domain.messages import check_in_token

KEY = b"a key for tests only"
ID = "01JGFJJZ00000000000000000A"


class Store:
    """Counts reads, and holds nothing."""

    reads = 0

    def see(self, _key: object) -> Seen[Installation]:
        self.reads += 1
        return Seen(None, None)


def registration(clock: FakeClock) -> tuple[Registration, Store]:
    store = Store()
    services: Any = SimpleNamespace(clock=clock, store=store)
    return Registration(services, FakeTasks(), (KEY,), lambda _: ()), store


def check_in(**changes: Any) -> CheckIn:
    given: dict[str, Any] = {
        "organization_id": "org_acme",
        "provider": "acme/weather",
        "version": "1.0.0",
        "generation": 1,
        "installation_id": ID,
        "token": check_in_token(KEY, "org_acme", ID, 1),
    }
    return CheckIn(**{**given, **changes})


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")


def counted(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """What is counted, and whether it is worth a warning."""
    return [(record.__dict__["event"], record.levelname) for record in caplog.records]


def test_a_forged_check_in_that_names_its_installation_costs_no_read_and_no_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made, store = registration(FakeClock())
    for _ in range(int(BURST) + 1):
        assert made.handle(check_in(token="guessed")) == "token refused"
    assert store.reads == 0
    assert set(counted(caplog)) == {("check_in_refused", "INFO")}
    assert made.handle(check_in()) == "unknown installation"


def test_what_is_over_the_rate_of_an_installation_is_dropped_before_it_is_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = FakeClock()
    made, store = registration(clock)
    answers = [made.handle(check_in()) for _ in range(int(BURST) + 2)]
    assert answers == ["unknown installation"] * int(BURST) + ["too many check-ins"] * 2
    assert store.reads == BURST
    told = [("check_in_dropped", "INFO")] * int(BURST) + [("check_in_dropped", "WARNING")] * 2
    assert counted(caplog) == told
    assert "a check-in of org_acme acme/weather is dropped: too many" in caplog.text
    assert check_in().token not in caplog.text
    other = "01JGFJJZ00000000000000000B"
    token = check_in_token(KEY, "org_acme", other, 1)
    assert made.handle(check_in(installation_id=other, token=token)) == "unknown installation"
    clock.turn(seconds=1)
    assert made.handle(check_in()) == "unknown installation"
    assert made.handle(check_in()) == "too many check-ins"


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (timedelta(), "unknown installation"),
        (timedelta(minutes=-10), "unknown installation"),
        (timedelta(minutes=10), "unknown installation"),
        (timedelta(minutes=-10, seconds=-1), "sent too long ago, or in the future"),
        (timedelta(minutes=10, seconds=1), "sent too long ago, or in the future"),
        (timedelta(days=-365), "sent too long ago, or in the future"),
    ],
)
def test_a_check_in_that_was_sent_at_another_time_is_dropped(sent: timedelta, answer: str) -> None:
    made, store = registration(FakeClock())
    assert made.handle(check_in(sent_at=START + sent)) == answer
    assert store.reads == (answer == "unknown installation")


def _drain(rate: CheckInRate, name: str) -> int:
    return sum(rate.allows(name, START) for _ in range(100))


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    rate = CheckInRate(per_second=1, burst=3)
    assert _drain(rate, "a") == 3
    assert [rate.allows("a", START + timedelta(hours=1)) for _ in range(4)] == [True] * 3 + [False]


def test_a_clock_that_was_set_back_refills_nothing_and_takes_nothing() -> None:
    rate = CheckInRate(per_second=1, burst=3)
    assert rate.allows("a", START)
    allowed: Callable[[], bool] = lambda: rate.allows("a", START - timedelta(hours=1))  # noqa: E731
    assert [allowed(), allowed(), allowed()] == [True, True, False]
    assert not rate.allows("a", START)


def test_the_memory_of_the_buckets_is_bounded_by_forgetting_the_longest_silent() -> None:
    rate = CheckInRate(per_second=0, burst=1, most=2)
    for name in ("a", "b", "c"):
        assert rate.allows(name, START)
    assert not rate.allows("c", START)
    assert not rate.allows("b", START)
    assert rate.allows("a", START)

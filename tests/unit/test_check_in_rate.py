"""Check-ins are dropped before anything is read for them where they are forged, out of time, or too many."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from tests.builders import wish
from tests.fakes import START, FakeClock, FakeTasks
from tests.unit.walks import DEADLINES

from provider_hub.actions.check_in_rate import BURST, CheckInRate
from provider_hub.actions.ports import Seen
from provider_hub.actions.register import Registration
from provider_hub.domain.check_in import CheckIn
from provider_hub.domain.installation import Installation
from provider_hub.domain.messages import check_in_token

KEY = b"a key for tests only"
ID = "01JGFJJZ00000000000000000A"


class Store:
    """Counts reads, and holds one row at most."""

    def __init__(self, row: Installation | None = None) -> None:
        self.row = row
        self.reads = 0

    def see(self, _key: object) -> Seen[Installation]:
        self.reads += 1
        return Seen(self.row, None)


def registration(clock: FakeClock, row: Installation | None = None) -> tuple[Registration, Store]:
    store = Store(row)
    services: Any = SimpleNamespace(clock=clock, store=store, deadlines=DEADLINES)
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


def unnamed(**changes: Any) -> CheckIn:
    """As the first runtimes sent it. Genuine without changes, it names another version than the row has."""
    return check_in(**{"installation_id": None, "version": "9.9.9", **changes})


ROW = replace(wish(), installation_id=ID)
OF_ROW = f"of version 9.9.9, and the row is of {ROW.installed_version}"


def test_forgers_do_not_use_up_the_rate_of_a_runtime_that_does_not_name_its_installation() -> None:
    made, store = registration(FakeClock(), ROW)
    forged = [made.handle(unnamed(token="guessed")) for _ in range(int(BURST) + 2)]
    assert forged == ["token refused"] * int(BURST) + ["too many check-ins"] * 2
    assert made.handle(unnamed()) == OF_ROW
    assert store.reads == BURST + 1


def test_a_genuine_check_in_counts_for_its_installation_whether_it_names_it_or_not() -> None:
    made, _ = registration(FakeClock(), ROW)
    assert made.handle(unnamed()) == OF_ROW
    answers = [made.handle(unnamed(installation_id=named)) for named in (ID, None) * int(BURST // 2)]
    assert answers == [OF_ROW] * int(BURST)
    assert made.handle(unnamed()) == made.handle(unnamed(installation_id=ID)) == "too many check-ins"


def test_an_installation_that_was_made_anew_is_read_once_more_before_its_check_ins_are_known() -> None:
    made, store = registration(FakeClock(), replace(ROW, installation_id="01JGFJJZ00000000000000000Z"))
    assert made.handle(unnamed(token="guessed")) == "token refused"
    store.row = ROW
    assert made.handle(unnamed()) == OF_ROW


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

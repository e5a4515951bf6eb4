"""A visitor of a list costs no count of every installation."""

import pytest

from provider_hub.adapters.firestore import counts
from provider_hub.adapters.firestore.counts import KEPT_SECONDS, KeptCounts
from provider_hub.domain.names import ProviderName

WEATHER, RADIO = ProviderName("acme", "weather"), ProviderName("acme", "radio")


class Clockwork:
    """A clock, and the counts that were asked for."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[ProviderName] = []
        self.kept = KeptCounts(self._count, lambda: self.now)

    def _count(self, name: ProviderName) -> int:
        self.asked.append(name)
        return len(self.asked)


def test_a_number_is_counted_once_a_minute() -> None:
    clockwork = Clockwork()
    assert clockwork.kept.of([WEATHER]) == clockwork.kept.of([WEATHER]) == [1]
    clockwork.now = KEPT_SECONDS - 0.1
    assert clockwork.kept.of([WEATHER]) == [1]
    clockwork.now = KEPT_SECONDS
    assert clockwork.kept.of([WEATHER]) == [2]


def test_the_numbers_stand_in_the_order_of_the_names() -> None:
    clockwork = Clockwork()
    (radio,) = clockwork.kept.of([RADIO])
    weather, radio_again = clockwork.kept.of([WEATHER, RADIO])
    assert (radio_again, weather) == (radio, 2)
    assert clockwork.kept.of([]) == []


def test_the_numbers_of_many_names_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "_KEPT_AT_MOST", 1)
    clockwork = Clockwork()
    clockwork.kept.of([WEATHER])
    clockwork.kept.of([RADIO])
    clockwork.kept.of([WEATHER])
    assert clockwork.asked == [WEATHER, RADIO, WEATHER]

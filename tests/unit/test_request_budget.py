"""An organization's requests have a budget that fills again, and another's is not touched by it."""

from datetime import timedelta

import pytest
from tests.fakes import START

from provider_hub.actions import request_budget
from provider_hub.actions.request_budget import RequestBudget
from provider_hub.domain.errors import QuotaExceeded


def test_a_budget_that_is_spent_is_refused_with_the_time_until_there_is_more() -> None:
    budget = RequestBudget(per_minute=6)
    for _ in range(6):
        budget.take("org_acme", START)
    with pytest.raises(QuotaExceeded, match="more than 6 requests a minute") as refusal:
        budget.take("org_acme", START)
    assert refusal.value.retry_after_seconds == 11
    budget.take("org_other", START)
    budget.take("org_acme", START + timedelta(seconds=10))
    with pytest.raises(QuotaExceeded):
        budget.take("org_acme", START + timedelta(seconds=11))


def test_a_budget_never_holds_more_than_a_minutes_requests() -> None:
    budget = RequestBudget(per_minute=2)
    later = START + timedelta(days=1)
    for _ in range(2):
        budget.take("org_acme", later)
    with pytest.raises(QuotaExceeded):
        budget.take("org_acme", later)


def test_a_clock_that_goes_back_gives_nothing_and_takes_nothing() -> None:
    budget = RequestBudget(per_minute=2)
    budget.take("org_acme", START)
    budget.take("org_acme", START - timedelta(hours=1))
    with pytest.raises(QuotaExceeded):
        budget.take("org_acme", START - timedelta(hours=1))


def test_so_many_organizations_are_remembered_and_who_is_idle_is_forgotten_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request_budget, "_REMEMBERED", 3)
    budget = RequestBudget(per_minute=1)
    budget.take("idle", START)
    busy = START + timedelta(minutes=2)
    for name in ("a", "b"):
        budget.take(name, busy)
    budget.take("c", busy)
    assert "idle" not in budget._buckets
    with pytest.raises(QuotaExceeded):
        budget.take("a", busy)

"""An organization publishes so often at a time and a day, and a lease that is lost ends by itself."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.fakes import START

from provider_hub.domain.deadlines import LONGEST_REQUEST
from provider_hub.domain.errors import QuotaExceeded
from provider_hub.domain.publishing_use import LEASE, PublishingLimits, PublishingUse
from provider_hub.domain.uploads import LIFETIME

ROOT = Path(__file__).parents[2]
LIMITS = PublishingLimits(at_once=2, a_day=3)
NONE = PublishingUse("org_acme", START.date().isoformat())


def test_as_many_publishes_run_at_once_as_may_and_one_more_once_one_has_ended() -> None:
    two = NONE.begun("a", START, LIMITS).begun("b", START, LIMITS)
    with pytest.raises(QuotaExceeded, match="2 publishes under way") as refusal:
        two.begun("c", START, LIMITS)
    assert refusal.value.retry_after_seconds == 10
    three = two.ended("a").begun("c", START, LIMITS)
    assert [lease.lease_id for lease in three.leases] == ["b", "c"]


def test_a_lease_that_nobody_gives_back_ends() -> None:
    two = NONE.begun("a", START, LIMITS).begun("b", START, LIMITS)
    later = two.begun("c", START + LEASE, LIMITS)
    assert [lease.lease_id for lease in later.leases] == ["c"]


def test_a_lease_does_not_end_while_its_function_may_still_run() -> None:
    functions = json.loads((ROOT / "functions" / "functions.json").read_text())
    assert timedelta(seconds=functions["publishing"]["size"]["timeout"]) <= LONGEST_REQUEST < LEASE


def test_a_day_has_so_many_publishes_and_the_next_begins_anew() -> None:
    use = NONE
    for name in "abc":
        use = use.begun(name, START, LIMITS).counted(START).ended(name)
    with pytest.raises(QuotaExceeded, match="3 versions today") as refusal:
        use.begun("d", START, LIMITS)
    assert refusal.value.retry_after_seconds == 12 * 3600 + 1
    tomorrow = START + timedelta(hours=12)
    assert use.begun("d", tomorrow, LIMITS).counted(tomorrow).published == 1


def test_to_end_twice_is_to_end_once() -> None:
    use = NONE.begun("a", START, LIMITS).ended("a")
    assert use.ended("a") == use
    assert use.is_empty
    assert not use.counted(START).is_empty


def test_what_is_kept_and_what_is_announced_together_have_a_bound() -> None:
    limits = PublishingLimits(stored_bytes=100)
    use = NONE.with_kept(60, START).with_upload(30, START + LIFETIME, START, limits)
    assert use.stored_bytes(START) == 90
    with pytest.raises(QuotaExceeded, match="MiB of it for uploads that end within a day"):
        use.with_upload(11, START + LIFETIME, START, limits)
    with pytest.raises(QuotaExceeded, match="deleting versions frees nothing: ask the platform to allow more"):
        use.with_kept(10, START).begun("a", START, limits)
    assert use.begun("a", START, limits)


def test_what_the_platform_allows_one_organization_is_in_the_place_of_the_limit() -> None:
    limits = PublishingLimits(stored_bytes=100)
    full = NONE.with_kept(100, START)
    with pytest.raises(QuotaExceeded):
        full.check_room(1, START, limits)
    raised = replace(full, allowed_bytes=150)
    raised.check_room(50, START, limits)
    with pytest.raises(QuotaExceeded):
        raised.check_room(51, START, limits)
    with pytest.raises(QuotaExceeded):
        replace(NONE, allowed_bytes=0).check_room(1, START, limits)
    assert not replace(NONE, allowed_bytes=0).is_empty, "a decision is not forgotten"


def test_uploads_give_their_room_back_when_they_end_and_a_day_of_them_is_few_entries() -> None:
    limits = PublishingLimits(stored_bytes=10_000)
    use = NONE
    for minute in range(0, 24 * 60, 10):
        now = START + timedelta(minutes=minute)
        use = use.with_upload(10, now + LIFETIME, now, limits)
    assert len(use.announced) == 24
    assert use.stored_bytes(START + timedelta(hours=23)) == 24 * 60
    later = START + LIFETIME + timedelta(hours=25)
    assert use.stored_bytes(later) == 0
    assert use.with_kept(5, later).announced == ()


def test_who_has_bytes_kept_is_not_forgotten() -> None:
    assert not NONE.with_kept(1, START).is_empty
    assert not NONE.with_upload(1, START + LIFETIME, START, PublishingLimits()).is_empty

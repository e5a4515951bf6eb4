"""Who checks in is not found silent, who stops is; and few check-ins move a row in the index."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import builders
from tests.fakes import START
from tests.unit.walks import DEADLINES

from provider_hub.domain.deadlines import Deadlines
from provider_hub.domain.identifiers import ulid
from provider_hub.domain.installation import CheckedIn, FellSilent, Health, Installation, Outcome, advance
from provider_hub.domain.installation.silence import is_silent, is_unwatched, watch_of
from provider_hub.domain.shards import shard_of

ONE_SHARD = replace(DEADLINES, silence_shards=1)
EVERY = DEADLINES.check_in_writes


def ready() -> Installation:
    return checked_in(replace(builders.wish(), generation=1), START)


def checked_in(row: Installation, now: datetime, deadlines: Deadlines = DEADLINES) -> Installation:
    event = CheckedIn(row.installation_id, 1, row.installed_version, Health.HEALTHY, instance_id="a")
    return advance(row, event, now, deadlines).kept


def moves(deadlines: Deadlines, check_ins: int) -> int:
    """How many of so many written check-ins, one after the other, move the row in the index."""
    row, moved = ready(), 0
    for number in range(1, check_ins + 1):
        after = checked_in(row, START + number * EVERY, deadlines)
        moved += (after.silent_at, after.silence_shard) != (row.silent_at, row.silence_shard)
        row = after
    return moved


def test_every_other_check_in_that_is_written_leaves_the_index_as_it_is() -> None:
    assert moves(DEADLINES, 100) == 50


def test_in_one_shard_every_check_in_moves_the_row() -> None:
    assert moves(ONE_SHARD, 100) == 100


def test_replicas_move_their_row_no_more_often_than_a_single_pod() -> None:
    row, moved = ready(), 0
    for number in range(1, 41):
        event = CheckedIn(
            row.installation_id, 1, row.installed_version, Health.HEALTHY, instance_id=("a", "b")[number % 2]
        )
        after = advance(row, event, START + number * EVERY / 2, DEADLINES).kept
        moved += after.silent_at != row.silent_at
        row = after
    assert moved <= 14


@given(st.lists(st.floats(300, 449), min_size=1, max_size=40))
def test_a_runtime_that_goes_on_checking_in_is_never_looked_at(pauses: list[float]) -> None:
    row, now = ready(), START
    for pause in pauses:
        now += timedelta(seconds=pause)
        assert row.silent_at
        assert row.silent_at > now - timedelta(seconds=1)
        row = checked_in(row, now)


@given(st.lists(st.floats(1, 2000), max_size=40), st.booleans())
def test_a_runtime_that_stops_is_looked_at_when_its_silence_is_over_at_the_latest(
    pauses: list[float], is_spread: bool
) -> None:
    deadlines = DEADLINES if is_spread else ONE_SHARD
    row, now = ready(), START
    for pause in pauses:
        now += timedelta(seconds=pause)
        row = checked_in(row, now, deadlines)
    assert row.silent_at
    assert row.last_check_in_at
    due = row.last_check_in_at + deadlines.silence
    assert due - deadlines.silence / 2 <= row.silent_at <= due
    assert not is_silent(row, due - deadlines.silence - timedelta(seconds=1))
    assert is_silent(row, due - deadlines.silence)


def test_a_shorter_silence_holds_for_rows_that_were_written_under_a_longer_one() -> None:
    row = replace(ready(), silent_at=START + timedelta(hours=2))
    assert checked_in(row, START + EVERY).silent_at == START + EVERY + DEADLINES.silence


def test_a_row_of_before_is_unwatched_until_it_is_heard_of_or_the_sweeper_finds_it() -> None:
    watched = ready()
    old = replace(watched, silent_at=None, silence_shard=None)
    assert [is_unwatched(row, DEADLINES) for row in (watched, old)] == [False, True]
    assert not is_unwatched(replace(old, health=Health.DEGRADED), DEADLINES), "it is told already"
    assert not is_unwatched(replace(old, last_check_in_at=None), DEADLINES), "nobody knows since when"
    assert not is_unwatched(checked_in(old, START + EVERY), DEADLINES)
    step = advance(old, FellSilent(old.installation_id, 1, START - EVERY), START + EVERY, DEADLINES)
    assert step.outcome is Outcome.CHANGED
    assert step.kept == watched
    assert step.moved == ()


@pytest.mark.parametrize("shards", [1, 20, 30, 300])
def test_rows_are_spread_evenly_over_the_shards(shards: int) -> None:
    ids = [ulid(START + timedelta(milliseconds=n), n.to_bytes(10, "big")) for n in range(300 * shards)]
    counts = Counter(shard_of(name, shards) for name in ids)
    assert set(counts) == set(range(shards))
    assert max(counts.values()) < 300 * 1.5


def test_a_row_whose_shard_is_another_since_the_setting_changed_is_moved_by_its_next_check_in() -> None:
    row = ready()
    fewer = replace(DEADLINES, silence_shards=7)
    moved = checked_in(replace(row, silence_shard=29), START + EVERY, fewer)
    assert moved.silence_shard == shard_of(row.installation_id, 7)
    assert watch_of(row, START, fewer)["silent_at"] == row.silent_at

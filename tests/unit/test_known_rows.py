"""When a process says that it knows a row: while that pays."""

from datetime import datetime, timedelta

from tests.builders import wish
from tests.fakes import START

from provider_hub.actions import keys
from provider_hub.actions.known_rows import KNOWN_FOR, KnownRows
from provider_hub.actions.ports import Seen
from provider_hub.domain.installation import Installation

ROW, KEY = wish(), keys.installation_of(wish())
SEEN: Seen[Installation] = Seen(ROW, None)


def known() -> KnownRows:
    rows = KnownRows()
    rows.keep(KEY, SEEN, START)
    return rows


def test_a_row_is_known_for_a_while() -> None:
    rows = known()
    assert rows.find(KEY, START + KNOWN_FOR - timedelta(seconds=1)) is SEEN
    assert rows.find(KEY, START + KNOWN_FOR) is None


def test_a_row_that_is_gone_or_of_which_nothing_is_known_any_more_is_forgotten() -> None:
    gone: Seen[Installation] = Seen(None, None)
    for seen in (None, gone):
        rows = known()
        rows.keep(KEY, seen, START)
        assert rows.find(KEY, START) is None


def test_a_row_that_a_tenant_made_large_is_not_kept() -> None:
    rows = known()
    rows.keep(KEY, Seen(ROW, None, size=100_000), START)
    assert rows.find(KEY, START) is None


def overtaken(rows: KnownRows, times: int, now: datetime = START) -> None:
    for _ in range(times):
        rows.was_overtaken(KEY, SEEN, now)


def test_where_others_write_the_rows_too_none_is_known_for_a_while() -> None:
    rows = known()
    overtaken(rows, 6)
    assert rows.find(KEY, START)
    overtaken(rows, 1)
    assert rows.find(KEY, START + timedelta(minutes=9)) is None
    assert rows.last_seen(KEY, START + timedelta(minutes=9)) is ROW
    assert rows.find(KEY, START + timedelta(minutes=10)) is SEEN


def test_what_holds_mostly_is_used_on() -> None:
    rows = known()
    for _ in range(100):
        overtaken(rows, 1)
        for _ in range(4):
            rows.held()
    assert rows.find(KEY, START)


def test_another_thread_of_this_process_is_none_of_the_others() -> None:
    rows = known()
    rows.keep(KEY, Seen(ROW, None), START)
    overtaken(rows, 100)
    assert rows.find(KEY, START)

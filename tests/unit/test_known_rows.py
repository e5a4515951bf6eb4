"""When a process says that it knows a row: while that pays."""

from datetime import timedelta

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


def times_found(rows: KnownRows, tries: int) -> int:
    return sum(rows.find(KEY, START) is SEEN for _ in range(tries))


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


def test_where_others_write_most_rows_too_knowing_them_is_only_tried_now_and_then() -> None:
    rows = known()
    for use in range(60):
        rows.was(as_known=use % 2 == 0)
    assert times_found(rows, 64) == 2


def test_it_is_said_again_once_the_tries_show_that_it_pays() -> None:
    rows = known()
    for _ in range(60):
        rows.was(as_known=False)
    assert times_found(rows, 31) == 0
    for _ in range(60):
        rows.was(as_known=True)
    assert times_found(rows, 31) == 31

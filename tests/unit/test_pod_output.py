"""Lines of pods' output, and the cursor between two readings of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider_hub.domain.pod_output import NOTHING_READ, LogCursor, LogLine, Place, parse_output

AT = datetime(2026, 3, 2, 10, 15, 42, 123456, tzinfo=UTC)


def test_lines_come_with_their_times_and_nanoseconds_are_cut() -> None:
    content = b"2026-03-02T10:15:42.123456789Z one\n2026-03-02T10:15:43Z two words\r\n2026-03-02T10:15:44.5Z \n"
    lines = list(parse_output(content, "p-1", has_ended=False))
    assert [(line.at, line.text) for line in lines] == [
        (AT, "one"),
        (AT.replace(second=43, microsecond=0), "two words"),
        (AT.replace(second=44, microsecond=500000), ""),
    ]


def test_a_last_line_without_its_end_waits_for_its_rest_unless_the_process_is_over() -> None:
    content = b"2026-03-02T10:15:42Z whole\n2026-03-02T10:15:43Z ha"
    assert [line.text for line in parse_output(content, "p", has_ended=False)] == ["whole"]
    assert [line.text for line in parse_output(content, "p", has_ended=True)] == ["whole", "ha"]


def test_what_is_no_text_and_what_has_no_time_fails_nothing() -> None:
    content = b"garbage\n\xff\xfe\n2026-03-02T10:15:42Z \xff\x00\n"
    assert [line.text for line in parse_output(content, "p", has_ended=True)] == ["\ufffd\x00"]


TIMES = st.integers(0, 5).map(lambda second: AT + timedelta(seconds=second // 2))


@given(st.lists(TIMES, max_size=12).map(sorted), st.data())
def test_however_a_log_is_cut_into_readings_each_line_is_read_once(times: list[datetime], data: st.DataObject) -> None:
    lines = [LogLine(at, "p", str(number)) for number, at in enumerate(times)]
    place, read = NOTHING_READ, []
    for end in [*sorted(data.draw(st.lists(st.integers(0, len(lines)), max_size=5))), len(lines)]:
        # The cluster goes back to the whole second of the place.
        from_second = [line for line in lines[:end] if line.at >= place.at.replace(microsecond=0)]
        unread = list(place.after(from_second))
        read += unread
        place = place.moved(unread)
    assert read == lines


@given(
    st.none() | st.just(AT),
    st.booleans(),
    st.dictionaries(st.from_regex(r"[a-z][a-z0-9-]{0,20}[a-z0-9]", fullmatch=True), st.integers(0, 9), max_size=8),
)
def test_a_cursor_survives_its_way_through_a_client(
    start: datetime | None, has_kept: bool, restarts: dict[str, int]
) -> None:
    places = {pod: Place(AT, count + 1, count, AT if count % 2 else None) for pod, count in restarts.items()}
    cursor = LogCursor(start, places, has_kept)
    assert LogCursor.parse(cursor.encode()) == cursor


def test_a_cursor_names_only_the_pods_that_were_read_last() -> None:
    places = {f"p-{number}": Place(AT + timedelta(seconds=number), 1) for number in range(60)}
    kept = LogCursor.parse(LogCursor(None, places).encode()).places
    assert sorted(kept, key=lambda pod: int(pod[2:])) == [f"p-{number}" for number in range(36, 60)]


@pytest.mark.parametrize("text", ["2026-03-02T10:15:42Z", "2026-03-02T11:15:42+01:00", "2026-03-02T10:15:42"])
def test_a_time_is_a_cursor_too(text: str) -> None:
    assert LogCursor.parse(text) == LogCursor(AT.replace(microsecond=0))


@pytest.mark.parametrize(
    "text",
    ["", "x", "10m", "W10", "WzFd", "eyJhIjoxfQ", "9999-99-99", "é", "WzEsbnVsbCxmYWxzZSx7IngiOlsxXX1d", "W" * 99],
)
def test_what_is_neither_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="neither a time, such as"):
        LogCursor.parse(text)


@given(st.text(max_size=200).filter(lambda text: not text[:4].isdigit()))
def test_no_made_up_cursor_is_a_fault_of_ours(text: str) -> None:
    with pytest.raises(ValueError, match="neither a time"):
        LogCursor.parse(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_no_clock_of_ours_can_tell_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="nor a cursor"):
        LogCursor.parse(text)


@pytest.mark.parametrize("text", ["1969-07-20T20:17:40Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_every_time_that_is_taken_gives_a_cursor_that_is_taken_too(text: str) -> None:
    cursor = LogCursor.parse(text)
    assert LogCursor.parse(cursor.encode()) == cursor

"""Reading what an installation's pods print, over fakes of the cluster and of what is kept of pods that are gone."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from tests.builders import ACME, OTHER, WEATHER, revision, wish
from tests.fakes import START, FakeClock, FakeCluster, only

from provider_hub.actions.cluster import RuntimePod
from provider_hub.actions.last_lines import LENGTH, LINES, last_lines
from provider_hub.actions.read_logs import ArchiveQuery, LogPage, LogReader, LogWish
from provider_hub.actions.turns import Turns
from provider_hub.domain.errors import NotFound, TemporaryError
from provider_hub.domain.installation import Installation
from provider_hub.domain.pod_output import LogCursor, LogLine
from provider_hub.domain.redaction import Redaction

SECRET = "hunter-two"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def stamped(seconds: float, text: str) -> str:
    return f"{at(seconds):%Y-%m-%dT%H:%M:%S.%f}000Z {text}"


def pod(name: str, created: float = 0, restarts: int = 0, generation: int = 1) -> RuntimePod:
    return RuntimePod(name, at(created), restarts, has_ended=False, generation=generation)


@dataclass
class FakeArchive:
    kept: list[LogLine] = field(default_factory=list)
    asked: list[ArchiveQuery] = field(default_factory=list)
    failing: Exception | None = None

    def read(self, query: ArchiveQuery) -> list[LogLine]:
        self.asked.append(query)
        if self.failing:
            raise self.failing
        found = [line for line in self.kept if line.at >= query.since and line.pod not in query.without]
        return found[-query.limit :] if query.newest else found[: query.limit]


@dataclass
class Ground:
    """One installation, its pods, and a reader of what they print."""

    row: Installation = field(default_factory=lambda: wish(revision=revision(config={"PASS_PHRASE": SECRET})))
    cluster: FakeCluster = field(default_factory=FakeCluster)
    archive: FakeArchive = field(default_factory=FakeArchive)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.clock.turn(hours=1)
        paths = {("organizations", ACME.organization_id, "installations", WEATHER.document_id)}
        store = SimpleNamespace(get=lambda key: self.row if key.path in paths else None)
        services: Any = SimpleNamespace(store=store, clock=self.clock)
        self.reader = LogReader(services, only(self.cluster), self.archive)

    def prints(self, name: str, *lines: str) -> None:
        self.cluster.printed.setdefault(name, []).extend(lines)

    def read(self, since: LogCursor | None = None, *, previous: bool = False, limit: int = 100) -> LogPage:
        # A cursor travels as text.
        known = LogCursor.parse(since.encode()) if since else None
        return self.reader.read(ACME, WEATHER, LogWish(known, previous, limit))


def texts(page: LogPage) -> list[str]:
    return [line.text for line in page.lines]


def test_the_last_lines_of_all_pods_come_merged_by_time_and_masked() -> None:
    ground = Ground()
    ground.cluster.running = [pod("p-1"), pod("p-2")]
    ground.prints("p-1", stamped(1, "one"), stamped(3, f"three {SECRET}"))
    ground.prints("p-2", stamped(2, "two"), stamped(4, "token=abcdefgh"))
    page = ground.read(limit=3)
    assert texts(page) == ["two", "three ***", "token=***"]
    assert [line.pod for line in page.lines] == ["p-2", "p-1", "p-2"]
    assert (page.more, page.notice) == (False, None)
    assert ground.read(page.cursor).lines == []


@pytest.mark.parametrize("of_present", [True, False])
def test_what_is_printed_behind_the_key_of_a_secret_that_cannot_be_opened_here_is_masked(of_present: bool) -> None:
    has, lacks = revision(secrets={"API_KEY": "sealed"}), revision()
    ground = Ground(wish(revision=has) if of_present else wish(revision=lacks, ready_revision=has))
    ground.cluster.running = [pod("p-1")]
    ground.prints("p-1", stamped(1, "{'API_KEY': 'hush', 'CITY': 'Bern'}"))
    assert texts(ground.read()) == ["{'API_KEY': ***, 'CITY': 'Bern'}"]


def test_a_reader_that_goes_on_gets_each_line_once_though_pods_overtake_each_other() -> None:
    ground = Ground()
    ground.cluster.running = [pod("p-1"), pod("p-2")]
    ground.prints("p-1", stamped(1, "one"))
    page = ground.read()
    ground.prints("p-1", stamped(9, "nine"), stamped(9, "nine again"))
    page = ground.read(page.cursor)
    assert texts(page) == ["nine", "nine again"]
    # Printed before that, by a pod whose node was slower.
    ground.prints("p-2", stamped(8, "eight"))
    ground.prints("p-1", stamped(9, "nine, too"))
    assert texts(ground.read(page.cursor)) == ["eight", "nine, too"]


def test_a_page_ends_at_its_limit_and_at_a_mebibyte_and_says_that_there_is_more() -> None:
    ground = Ground()
    ground.cluster.running = [pod("p-1")]
    ground.prints("p-1", *(stamped(number, f"{number} " + "x y " * 400) for number in range(1000)))
    page, read = ground.read(LogCursor(START), limit=900), 0
    while page.more:
        assert sum(len(line.text) for line in page.lines) <= 1024 * 1024
        read += len(page.lines)
        page = ground.read(page.cursor, limit=900)
    assert read + len(page.lines) == 1000


def test_a_rollout_is_followed_from_pod_to_pod() -> None:
    ground = Ground()
    ground.cluster.running = [pod("old")]
    ground.prints("old", stamped(1, "old"))
    page = ground.read()
    ground.cluster.running = [pod("old"), pod("new", created=5)]
    ground.prints("new", stamped(6, "new"))
    page = ground.read(page.cursor)
    assert texts(page) == ["new"]
    ground.cluster.running = [pod("new", created=5)]
    ground.prints("new", stamped(7, "newer"))
    assert texts(ground.read(page.cursor)) == ["newer"]


def test_what_a_pod_printed_just_before_it_was_gone_is_looked_up_once_where_logs_are_kept() -> None:
    ground = Ground()
    ground.cluster.running = [pod("old"), pod("new", created=5)]
    ground.prints("old", stamped(1, "seen"))
    page = ground.read()
    ground.cluster.running = [pod("new", created=5)]
    ground.archive.kept = [LogLine(at(1), "old", "seen"), LogLine(at(2), "old", f"last words {SECRET}")]
    page = ground.read(page.cursor)
    assert (page.lines, ground.archive.asked) == ([], []), "what is kept may not have arrived yet"
    ground.clock.turn(seconds=6)
    page = ground.read(page.cursor)
    assert texts(page) == ["last words ***"]
    assert ground.archive.asked[0].without == ("new",)
    for _ in range(5):
        page = ground.read(page.cursor)
        assert page.lines == []
    assert len(ground.archive.asked) == 2


def test_a_restart_between_two_calls_loses_no_line() -> None:
    ground = Ground()
    ground.cluster.running = [pod("p-1")]
    ground.prints("p-1", stamped(1, "seen"))
    page = ground.read()
    ground.cluster.running = [pod("p-1", restarts=1)]
    ground.cluster.printed = {
        "p-1 previous": [stamped(1, "seen"), stamped(2, "Traceback")],
        "p-1": [stamped(3, "started again")],
    }
    page = ground.read(page.cursor)
    assert texts(page) == ["Traceback", "started again"]
    ground.cluster.read.clear()
    assert ground.read(page.cursor).lines == []
    assert [request.previous for request in ground.cluster.read] == [False]


def test_a_previous_run_that_is_longer_than_a_reading_is_read_whole_before_the_present_one() -> None:
    ground = Ground()
    ground.cluster.running = [pod("p-1", restarts=1)]
    ground.cluster.printed = {
        "p-1 previous": [stamped(number, f"{number} " + "x y " * 4000) for number in range(200)],
        "p-1": [stamped(500, "started again")],
    }
    read, page = [], ground.read(LogCursor(START), limit=50)
    while page.more:
        read += texts(page)
        page = ground.read(page.cursor, limit=50)
    read += texts(page)
    assert [text.split()[0] for text in read] == [*map(str, range(200)), "started"]


def test_what_a_page_does_not_show_is_neither_kept_nor_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    masked: list[str] = []
    monkeypatch.setattr(Redaction, "texts", lambda _, lines: masked.extend(lines) or list(lines))
    ground = Ground()
    ground.cluster.running = [pod(f"p-{number}", restarts=1) for number in range(4)]
    for one in ground.cluster.running:
        ground.prints(one.name, *(stamped(number / 1000, str(number)) for number in range(5000)))
    assert len(ground.read(LogCursor(START), limit=10).lines) == len(masked) == 10
    assert max(request.most_bytes for request in ground.cluster.read) < 100_000
    masked.clear()
    assert len(ground.read(limit=10).lines) == len(masked) == 10


def test_more_than_a_small_reading_within_one_second_is_read_further() -> None:
    ground = Ground()
    ground.cluster.running = [pod("p-1")]
    ground.prints("p-1", *(stamped(1, f"{number} " + "x y " * 400) for number in range(400)))
    read, page = 0, ground.read(LogCursor(START), limit=20)
    while page.more:
        read += len(page.lines)
        assert page.notice is None
        page = ground.read(page.cursor, limit=20)
    assert read + len(page.lines) == 400


def test_an_organization_reads_one_log_at_a_time() -> None:
    ground = Ground()
    ground.reader = replace(ground.reader, turns=Turns(at_once=4, waiting=0, wait_seconds=0))
    with ground.reader.turns.turn(ACME.organization_id), pytest.raises(TemporaryError, match="try again"):
        ground.read()


def test_previous_reads_the_runs_before_the_present_ones() -> None:
    ground = Ground()
    ground.cluster.running = [pod("p-1", restarts=2), pod("p-2")]
    ground.cluster.printed = {
        "p-1 previous": [stamped(1, "boom")],
        "p-1": [stamped(2, "again")],
        "p-2": [stamped(1, "x")],
    }
    assert texts(ground.read(previous=True)) == ["boom"]
    assert texts(ground.read(LogCursor(START), previous=True)) == ["boom"]


def test_without_a_pod_the_last_lines_are_those_that_are_kept() -> None:
    ground = Ground()
    ground.archive.kept = [LogLine(at(number), "gone", str(number)) for number in range(10)]
    page = ground.read(limit=3)
    assert texts(page) == ["7", "8", "9"]
    (asked,) = ground.archive.asked
    assert (asked.newest, asked.limit, asked.installation_id) == (True, 3, ground.row.installation_id)
    assert asked.since == START, "not before the installation"
    assert ground.read(page.cursor).lines == []


def test_from_a_time_on_reads_what_is_kept_and_what_runs_and_then_asks_no_more() -> None:
    ground = Ground()
    ground.cluster.running = [pod("new", created=60)]
    ground.prints("new", stamped(61, "new"))
    ground.archive.kept = [LogLine(at(number), "gone", f"kept {number}") for number in (1, 30, 31)]
    page = ground.read(LogCursor(at(10)))
    assert texts(page) == ["kept 30", "kept 31", "new"]
    for _ in range(4):
        page = ground.read(page.cursor)
        assert page.lines == []
    assert len(ground.archive.asked) == 2


def test_an_archive_that_is_down_hides_nothing_that_runs_and_is_told() -> None:
    ground = Ground()
    ground.cluster.running = [pod("new", created=60)]
    ground.prints("new", stamped(61, "new"))
    ground.archive.failing = TemporaryError("Cloud Logging does not answer")
    page = ground.read(LogCursor(START))
    assert texts(page) == ["new"]
    assert page.notice == "what pods printed that are gone cannot be read at the moment"


def test_an_organization_has_a_share_of_the_archive_and_no_more() -> None:
    ground = Ground()
    notices = [ground.read().notice for _ in range(13)]
    assert notices[:12] == [None] * 12
    assert "too many look-ups" in str(notices[12])


def test_a_pod_whose_node_is_away_is_told_and_read_when_it_is_back() -> None:
    ground = Ground()
    ground.cluster.running = [pod("p-1"), pod("p-2")]
    ground.prints("p-1", stamped(1, "one"))
    ground.prints("p-2", stamped(2, "two"))
    ground.cluster.unreadable = {"p-2"}
    page = ground.read()
    assert (texts(page), page.notice) == (["one"], "the log of p-2 cannot be read at the moment")
    ground.cluster.unreadable = set()
    assert texts(ground.read(page.cursor)) == ["two"]
    ground.cluster.unreadable = {"p-1", "p-2"}
    with pytest.raises(TemporaryError, match="no log can be read"):
        ground.read()


def test_another_organization_reads_nothing() -> None:
    with pytest.raises(NotFound, match="acme/weather is not installed"):
        Ground().reader.read(OTHER, WEATHER, LogWish(None, previous=False, limit=1))


def test_a_failure_keeps_the_last_lines_of_the_newest_pod_of_its_generation() -> None:
    ground = Ground()
    row = replace(ground.row, generation=2)
    ground.cluster.running = [pod("old"), pod("new", restarts=1, generation=2)]
    ground.prints("old", stamped(1, "old"))
    ground.prints("new previous", *(stamped(number, f"line {number} {SECRET}\x1b[0m") for number in range(30)))
    ground.prints("new", stamped(40, ""), stamped(41, "started again"))
    lines = last_lines(only(ground.cluster), row)
    assert lines[-1] == "started again"
    assert lines[0] == "line 11 *** [0m"
    assert len(lines) == LINES


def test_a_pod_that_restarts_after_it_was_listed_still_tells_why_it_failed() -> None:
    ground = Ground()
    ground.cluster.running = [pod("p-1", restarts=0)]
    ground.prints("p-1 previous", stamped(1, "boom"))
    assert last_lines(only(ground.cluster), ground.row) == ("boom",)
    ground.prints("p-1", stamped(2, "started again"))
    assert last_lines(only(ground.cluster), ground.row) == ("boom", "started again")


def test_a_pod_that_restarts_between_two_reads_tells_each_line_once() -> None:
    ground = Ground()
    ground.cluster.running = [pod("p-1")]
    ground.prints("p-1", stamped(1, "again"), stamped(1, "again"))
    ground.prints("p-1 previous", stamped(1, "again"), stamped(1, "again"), stamped(2, "boom"))
    assert last_lines(only(ground.cluster), ground.row) == ("again", "again", "boom")


def test_the_last_lines_are_bounded_and_a_cluster_that_is_away_costs_them_alone() -> None:
    ground = Ground()
    ground.cluster.running = [pod("p-1")]
    ground.prints("p-1", *(stamped(number, "x y " * 100) for number in range(30)))
    assert sum(len(line) + 1 for line in last_lines(only(ground.cluster), ground.row)) <= LENGTH
    ground.prints("p-1", stamped(99, "z " * 3000))
    (single,) = last_lines(only(ground.cluster), ground.row)
    assert len(single) == LENGTH
    ground.cluster.failing = TemporaryError("the cluster did not answer")
    assert last_lines(only(ground.cluster), ground.row) == ()

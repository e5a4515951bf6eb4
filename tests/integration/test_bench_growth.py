"""The benchmark's own work goes on being possible, and what is due costs no more reads where more rows exist."""

from tests.bench.growth import growth
from tests.bench.publishing import publishing

from local_stack.emulators import EmulatorHosts

# Both have more of everything than any bounded slice takes, so that both take whole slices.
FEW, MANY = 400, 2_100


def test_no_kind_of_work_reads_more_where_five_times_the_rows_exist(emulator_hosts: EmulatorHosts) -> None:
    points = growth(emulator_hosts.environment, (FEW, MANY))
    works = ["sweep", "list", "search", "publish", "wave step", "bare query"]
    assert [(point.work, point.rows) for point in points] == [(work, rows) for rows in (FEW, MANY) for work in works]
    reads = {rows: {point.work: point.reads for point in points if point.rows == rows} for rows in (FEW, MANY)}
    assert reads[FEW] == reads[MANY]
    assert all(reads[FEW].values())


def test_what_is_published_is_counted_at_the_store_and_at_the_bucket() -> None:
    figures = {figure.name: figure.ours.middle for figure in publishing(2, 4)}
    of_all = "4 versions of 2 providers"
    # Four wheels with their METADATA, and the five distributions that each provider requires, once.
    assert figures["what is kept of them: objects"] == figures[f"{of_all}: bucket writes (class A)"] == 4 + 4 + 10
    assert figures[f"{of_all}: Pub/Sub messages"] == 4
    assert figures[f"{of_all}: Firestore writes"] > 4 * 4
    assert figures[of_all] > figures["a month of it"] > 0

"""The benchmark's own work goes on being possible: nobody runs it on every change."""

from tests.bench.growth import growth

from local_stack.emulators import EmulatorHosts


def test_every_kind_of_work_is_measured_at_every_size(emulator_hosts: EmulatorHosts) -> None:
    points = growth(emulator_hosts.environment, (10, 20))
    works = ["sweep", "list", "search", "publish", "wave step", "bare query"]
    assert [(point.work, point.rows) for point in points] == [(work, rows) for rows in (10, 20) for work in works]
    assert all(point.reads > 0 for point in points)

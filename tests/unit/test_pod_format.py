"""A generation keeps the format of its pods: another one would restart them with a release of the hub."""

from dataclasses import replace

from tests.fakes import START
from tests.unit.test_installation import changed, failed, ready, taken
from tests.unit.walks import DEADLINES, first

from provider_hub.domain.installation import POD_FORMAT, DriftRepaired, Installation, advance


def of_an_older_release(row: Installation) -> Installation:
    """As a release of the hub left it that knew no format of pods."""
    return replace(row, pod_format=0)


def test_a_generation_that_begins_has_the_newest_format() -> None:
    row = of_an_older_release(ready(of_an_older_release(first())))
    rolled_back = failed(of_an_older_release(taken(changed(row))))

    assert first().pod_format == POD_FORMAT
    assert changed(row).pod_format == POD_FORMAT
    assert rolled_back.is_rollback
    assert rolled_back.pod_format == POD_FORMAT


def test_a_generation_that_goes_on_keeps_its_format() -> None:
    row = of_an_older_release(first())
    repaired = DriftRepaired(row.installation_id, row.generation, "Deployment")

    assert taken(row).pod_format == 0
    assert ready(row).pod_format == 0
    assert advance(ready(row), repaired, START, DEADLINES).kept.pod_format == 0
    assert failed(taken(row)).pod_format == 0

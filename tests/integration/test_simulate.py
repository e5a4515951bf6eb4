"""What the simulator measures of the real functions, and a small day of it."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.bench.counts import UNITS
from tests.simulate import __main__ as simulate
from tests.simulate import operations
from tests.simulate.operations import Measured, measure

RUNS = 12
COUNTED = ("install", "upgrade", "uninstall", "check-in, nothing new", "check-in, written")
TABLE = Path(__file__).parents[2] / "docs" / "performance.md"


@pytest.fixture(scope="module")
def measured() -> Measured:
    return measure(RUNS, check_in_seconds=300, settings={"silence_shards": 1})


def sums(measured: Measured, operation: str) -> Mapping[str, float]:
    return {unit: sum(leg.units.get(unit, 0.0) for leg in measured.operations[operation]) for unit in UNITS}


def counted_on_the_wire(operation: str) -> Mapping[str, float]:
    """The row of the table that `make bench ARGS="--only counts"` gave."""
    found = re.search(rf"^\| {operation} \|((?: \d+ \|)+)", TABLE.read_text(), re.MULTILINE)
    assert found, f"{TABLE} has no row of counts for {operation}"
    return dict(zip(UNITS, map(float, re.findall(r"\d+", found[1])), strict=True))


@pytest.mark.parametrize("operation", COUNTED)
def test_an_operation_takes_what_the_bench_counts_on_the_wire(measured: Measured, operation: str) -> None:
    counted, found = dict(counted_on_the_wire(operation)), dict(sums(measured, operation))

    # Whether a process has read a runtime version or an organization before makes one read of an install.
    assert found.pop("reads") == pytest.approx(counted.pop("reads"), abs=1)
    assert found == counted


def test_every_operation_costs_something(measured: Measured) -> None:
    for operation, legs in measured.operations.items():
        assert legs, operation
        for leg in legs:
            assert leg.units["cpu_seconds"] > 0, (operation, leg.function)


def test_a_written_check_in_moves_in_the_index_of_silence_where_that_is_one_range(measured: Measured) -> None:
    (leg,) = measured.operations[operations.WRITTEN]
    (quiet,) = measured.operations[operations.QUIET]

    assert leg.rising == {"index silent_of_shards": 1.0}
    assert quiet.rising == {}


def test_a_check_in_after_the_interval_of_writes_is_written_and_an_earlier_one_is_not(measured: Measured) -> None:
    assert measured.written_share == 1.0


@pytest.mark.parametrize("operation", [operations.ROLLOUT, operations.RELOCK])
def test_a_rollout_writes_one_document_for_all_of_its_installations(measured: Measured, operation: str) -> None:
    upgrades = next(leg for leg in measured.operations[operation] if leg.function == "upgrades")
    (document,) = upgrades.shared
    assert "/rollouts/1.4.0" in document


def test_a_small_day_runs_to_its_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--installations", "10000", "--interval", "300", "--runs", "3", "--cells", "1"]

    assert simulate.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "10,000 installations and 33 check-ins a second hold a day" in printed
    assert printed.rstrip().splitlines()[-1].startswith("pods of a cluster gives first, at 200,000 installations")


def test_a_day_that_does_not_hold_fails_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--installations", "200000", "--interval", "300", "--runs", "3", "--shards", "1", "--even"]

    assert simulate.main(arguments) == 1
    assert "index silent_of_shards: its limit of 500 is passed" in capsys.readouterr().out

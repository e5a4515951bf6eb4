"""How the benchmark compares rounds."""

import pytest
from tests.bench.figures import Bar, Figure, Spread


def test_each_round_is_compared_with_the_one_beside_it() -> None:
    # The machine became slower after the first round of both.
    figure = Figure("import", "ms", Spread.of([11, 22, 22]), Spread.of([10, 20, 40]), Bar(1.25))
    assert figure.ratio == pytest.approx(1.1)
    assert figure.met


def test_rounds_that_were_not_made_turn_by_turn_are_compared_by_their_medians() -> None:
    assert Figure("reads", "", Spread.of([30]), Spread.of([10, 20, 40])).ratio == pytest.approx(1.5)


def test_nothing_is_compared_with_a_floor_of_nothing() -> None:
    assert Figure("reads", "", Spread.of([1, 2]), Spread.of([0, 1]), Bar(1.25)).met is None


def test_a_bar_may_be_for_the_value_itself() -> None:
    assert Figure("leg", "ms", Spread.of([100, 160, 120]), bar=Bar(150, absolute=True)).met
    assert Figure("leg", "ms", Spread.of([200, 160, 120]), bar=Bar(150, absolute=True)).met is False

"""A figure: what it measures, ours and the floor's values of several rounds, and the bar for their ratio."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import floor, log10
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several rounds, with the least and the greatest."""

    rounds: tuple[float, ...]

    @classmethod
    def of(cls, rounds: Sequence[float]) -> "Spread":
        return cls(tuple(rounds))

    @property
    def middle(self) -> float:
        return median(self.rounds)

    @property
    def least(self) -> float:
        return min(self.rounds)

    @property
    def most(self) -> float:
        return max(self.rounds)

    def beside(self, other: "Spread") -> float | None:
        """The ratio to another, each round to the one of the other that ran just before or after it.

        A machine may be a third slower in one round than in the next: a ratio of two medians would compare a quick
        round of one with a slow one of the other.
        """
        if not all(other.rounds):
            return None
        if len(self.rounds) != len(other.rounds):
            return self.middle / other.middle
        return median(ours / theirs for ours, theirs in zip(self.rounds, other.rounds, strict=True))


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure has to reach: its ratio to the floor, or, with `absolute`, its own value."""

    limit: float
    at_least: bool = False
    absolute: bool = False

    def holds(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    name: str
    unit: str
    ours: Spread
    floor: Spread | None = None
    bar: Bar | None = None

    @property
    def ratio(self) -> float | None:
        return self.ours.beside(self.floor) if self.floor else None

    @property
    def met(self) -> bool | None:
        """Whether the bar is reached, None where there is none."""
        if self.bar is None:
            return None
        value = self.ours.middle if self.bar.absolute else self.ratio
        return None if value is None else self.bar.holds(value)

    def plain(self) -> dict[str, Any]:
        """As it is kept in the report."""
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


def table(figures: Sequence[Figure]) -> str:
    """All figures, aligned."""
    header = ("figure", "unit", "ours (min–max)", "floor (min–max)", "ratio", "bar", "")
    lines = [header, *(_cells(figure) for figure in figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    lines.insert(1, tuple("─" * width for width in widths))
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cells(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name,
        figure.unit,
        _spread(figure.ours),
        _spread(figure.floor) if figure.floor else "",
        f"{figure.ratio:.2f}" if figure.ratio is not None else "",
        _bar(figure),
        {True: "met", False: "MISSED", None: ""}[figure.met],
    )


def _bar(figure: Figure) -> str:
    if figure.bar is None:
        return ""
    sign = "≥" if figure.bar.at_least else "≤"
    return f"{sign} {figure.bar.limit:g}{' ' + figure.unit if figure.bar.absolute else ' ×'}"


def _spread(spread: Spread) -> str:
    if spread.least == spread.most:
        return _number(spread.middle)
    return f"{_number(spread.middle)} ({_number(spread.least)}–{_number(spread.most)})"


def _number(value: float) -> str:
    """Three digits that matter, and whole numbers whole."""
    if not value % 1:
        return f"{value:.0f}"
    return f"{value:.{max(0, 2 - floor(log10(abs(value))))}f}"

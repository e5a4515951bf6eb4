"""The growth plot as SVG: documents read and milliseconds over the rows present, both axes logarithmic."""

from collections.abc import Callable, Sequence
from math import ceil, floor, log10

from tests.bench.growth import Point

_WIDTH, _HEIGHT, _MARGIN, _LEGEND = 380, 260, 56, 130
_COLOURS = ("#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#d68910", "#7f8c8d")


def growth_svg(points: Sequence[Point]) -> str:
    """Two panels side by side, a line for each kind of work."""
    width, height = 2 * (_WIDTH + _MARGIN) + _LEGEND, _HEIGHT + 2 * _MARGIN
    works = list(dict.fromkeys(point.work for point in points))
    parts = [
        _panel(points, works, lambda point: point.reads, "documents read, as billed", _MARGIN),
        _panel(
            points,
            works,
            lambda point: point.milliseconds,
            "ms on the emulator, which has no indexes",
            _WIDTH + 2 * _MARGIN,
        ),
        *(_legend_entry(works, work, 2 * (_WIDTH + _MARGIN)) for work in works),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">'
        f'<rect width="{width}" height="{height}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _panel(
    points: Sequence[Point], works: Sequence[str], value: Callable[[Point], float], title: str, left: int
) -> str:
    across = _Axis.over([point.rows for point in points], left, left + _WIDTH - _MARGIN)
    up = _Axis.over([max(1, value(point)) for point in points], _MARGIN + _HEIGHT, _MARGIN)
    lines = []
    for work in works:
        places = [(across.at(point.rows), up.at(max(1, value(point)))) for point in points if point.work == work]
        colour = _COLOURS[works.index(work) % len(_COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places]
    return "\n".join(
        [f'<text x="{left}" y="{_MARGIN - 24}" font-weight="bold">{title}</text>', *_grid(across, up), *lines]
    )


def _grid(across: "_Axis", up: "_Axis") -> list[str]:
    bottom, top, left, right = up.start, up.end, across.start, across.end
    grid = []
    for number in across.decades():
        x = across.at(number)
        grid.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="#ddd"/>')
        grid.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{number:,} rows</text>')
    for number in up.decades():
        y = up.at(number)
        grid.append(f'<line x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#ddd"/>')
        grid.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{number:,}</text>')
    return grid


def _legend_entry(works: Sequence[str], work: str, left: int) -> str:
    index = works.index(work)
    y = _MARGIN + 20 * index
    dot = f'<circle cx="{left}" cy="{y - 4}" r="5" fill="{_COLOURS[index % len(_COLOURS)]}"/>'
    return f'{dot}<text x="{left + 12}" y="{y}">{work}</text>'


class _Axis:
    """Whole decades between two places."""

    def __init__(self, low: int, high: int, start: int, end: int) -> None:
        self._low, self._high = low, high
        self.start, self.end = start, end

    @classmethod
    def over(cls, values: Sequence[float], start: int, end: int) -> "_Axis":
        low, high = floor(log10(min(values))), ceil(log10(max(values)))
        return cls(low, max(high, low + 1), start, end)

    def at(self, value: float) -> float:
        return self.start + (self.end - self.start) * (log10(value) - self._low) / (self._high - self._low)

    def decades(self) -> list[int]:
        return [10**exponent for exponent in range(self._low, self._high + 1)]

"""What people see: tables and sentences that fit a terminal, and progress that moves on one alone."""

import io
import json
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TextIO

_DEFAULT_WIDTH = 80
_GAP = "  "
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_PLAIN_FRAMES = "-\\|/"
_CLEAR_LINE = "\r\x1b[2K"


def printable(text: object) -> str:
    """On one line, and without what a terminal would obey: names and messages are others' words."""
    return "".join(character if character.isprintable() else " " for character in str(text))


def clipped(text: object, width: int) -> str:
    """Printable, and at most `width` characters, the last an ellipsis where more was there."""
    line = printable(text)
    return line if len(line) <= width else line[: max(0, width - 1)].rstrip() + "…"


def terminal_width() -> int:
    """Columns of the terminal, 80 where there is none."""
    return shutil.get_terminal_size((_DEFAULT_WIDTH, 24)).columns


def table(heads: Sequence[str], rows: Sequence[Sequence[object]], width: int) -> str:
    """Aligned columns in at most `width`: the widest gives way, but never the first, which other commands take."""
    # Costs more to import than all else of a command that prints no table.
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    cells = [[Text(printable(cell), no_wrap=True, overflow="ellipsis") for cell in row] for row in (heads, *rows)]
    widths = [max(row[column].cell_len for row in cells) for column in range(len(heads))]
    over = sum(widths) + len(_GAP) * (len(widths) - 1) - width
    while over > 0 and (widest := max(widths[1:], default=0)) > 1:
        # Of two that are as wide the later one: what is last says why, what is first says which and when.
        widths[len(widths) - 1 - widths[::-1].index(widest)] -= 1
        over -= 1
    grid = Table(box=None, pad_edge=False, padding=(0, len(_GAP), 0, 0))
    for head, size in zip(cells[0], widths, strict=True):
        grid.add_column(head, width=size)
    for row in cells[1:]:
        grid.add_row(*row)
    width = sum(widths) + len(_GAP) * len(widths)
    text = io.StringIO()
    Console(file=text, width=width, color_system=None, force_terminal=False).print(grid)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def facts(pairs: Sequence[tuple[str, object]]) -> str:
    """One fact a line, the values aligned and wrapped; those that are None or empty are left out."""
    told = [(name, printable(value)) for name, value in pairs if value not in (None, "")]
    widest = max((len(name) for name, _ in told), default=0)
    return "\n".join(_wrapped(value, f"{_GAP}{name.ljust(widest)}{_GAP}") for name, value in told)


def _wrapped(text: str, first: str) -> str:
    """A word that is too long for the line stays whole: it may be a URL or a digest to copy."""
    lines = textwrap.wrap(text, max(terminal_width() - len(first), 20), break_long_words=False, break_on_hyphens=False)
    return first + f"\n{' ' * len(first)}".join(lines)


def moment(text: str | None) -> str:
    """A time of the API's, to the second and in UTC, as people read it."""
    if not text:
        return ""
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return printable(text)


def as_json(value: Any, *, one_line: bool = False) -> str:
    """For programs."""
    return json.dumps(value, ensure_ascii=False, indent=None if one_line else 2)


class Progress:
    """What happens while something is waited for, on standard error: standard output has the result alone.

    On a terminal a last line moves; elsewhere (CI) each change is a plain line, and nothing else is written.
    """

    def __init__(self, stream: TextIO, *, live: bool, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._live = live
        self._clock = clock
        self._started = clock()
        self._frames = _FRAMES if _can_encode(stream, _FRAMES) else _PLAIN_FRAMES
        self._frame = 0
        self._told: dict[str, str] = {}

    @property
    def elapsed(self) -> float:
        return self._clock() - self._started

    def step(self, text: str, about: str = "state") -> None:
        """Something changed; the same about the same is not told twice."""
        if self._told.get(about) == text:
            return
        self._told[about] = text
        self._clear()
        print(f"{self.elapsed:5.0f} s  {printable(text)}", file=self._stream, flush=True)

    def turn(self, text: str) -> None:
        """Still waiting, and for what."""
        if not self._live:
            return
        self._frame += 1
        line = f"{self._frames[self._frame % len(self._frames)]} {self.elapsed:5.0f} s  {text}"
        self._stream.write(_CLEAR_LINE + clipped(line, terminal_width() - 1))
        self._stream.flush()

    def close(self) -> None:
        self._clear()

    def _clear(self) -> None:
        if self._live:
            self._stream.write(_CLEAR_LINE)
            self._stream.flush()


@contextmanager
def progress(stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> Iterator[Progress]:
    """Progress on `stream`, standard error by default; its moving line is gone when the block ends."""
    stream = stream or sys.stderr
    shown = Progress(stream, live=stream.isatty(), clock=clock)
    try:
        yield shown
    finally:
        shown.close()


def _can_encode(stream: TextIO, text: str) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True

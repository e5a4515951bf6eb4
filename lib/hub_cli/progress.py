"""Progress of what is waited for: lines that stay, and on a terminal a last line that moves."""

import contextlib
import functools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TextIO

from hub_cli.display import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars

_TITLE_WIDTH = 46


class Progress:
    """Writes lines to `stream`. The moving line is written only where the stream is a terminal (`live`).

    Elsewhere (a file, CI) each change is a plain line, and nothing else is written. Use `progress` to make one, so that
    the moving line is gone at the end.
    """

    def __init__(self, stream: TextIO, *, live: bool, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._live = live
        self._clock = clock
        self._started = clock()
        self._last: dict[str, str] = {}
        self._exits = ExitStack()

    @property
    def elapsed(self) -> float:
        """Seconds since this was made."""
        return self._clock() - self._started

    def line(self, text: str) -> None:
        """Write a line that stays, without characters that a terminal would obey."""
        if self._live:
            self._console.out(printable(text), highlight=False)
        else:
            print(printable(text), file=self._stream, flush=True)

    def changed(self, text: str, about: str = "state") -> None:
        """Write a line with the time, unless the last text about the same was the same."""
        if self._last.get(about) != text:
            self._last[about] = text
            self.line(f"{self.elapsed:5.0f} s  {text}")

    def moving(self, text: str) -> None:
        """Set the text of the moving line, beside a spinner and the time."""
        if self._live:
            self._bars.update(self._bars.task_ids[0], description=printable(text))

    @contextmanager
    def sending(self, text: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar with bytes and rate; call what is given with how many of `total` bytes have arrived.

        It comes before any moving line: a terminal shows one of the two.
        """
        if not self._live:
            self.line(f"{text} ({total} bytes)")
            yield lambda _arrived: None
            return
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn  # noqa: PLC0415
        from rich.progress import Progress as Bars  # noqa: PLC0415

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Bars(*columns, console=self._console, transient=True, get_time=self._clock) as bars:
            task = bars.add_task(printable(text), total=total)
            yield lambda arrived: bars.update(task, completed=arrived)

    @contextmanager
    def stage(self, title: str, label: str = "") -> Iterator[Callable[[str], None]]:
        """One stage of a longer run; its line, with the time that it took, is written once it is done.

        Call what is given with a text to show it as the stage's state; the last one is in the line that stays.
        """
        began, state = self._clock(), ""

        def show(text: str) -> None:
            nonlocal state
            state = text
            self.moving(f"{label} {title} … {text}")

        show("")
        yield show
        self.line(f"{label} {title:<{_TITLE_WIDTH}} {self._clock() - began:6.2f} s  {state}".rstrip())

    def close(self) -> None:
        """Take the moving line away."""
        self._exits.close()

    @functools.cached_property
    def _console(self) -> "Console":
        # Costs more to import than all else of a command that does not wait.
        from rich.console import Console  # noqa: PLC0415

        return Console(file=self._stream, force_terminal=True, markup=False, highlight=False, soft_wrap=True)

    @functools.cached_property
    def _bars(self) -> "Bars":
        from rich.progress import Progress as Bars  # noqa: PLC0415
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
        from rich.table import Column  # noqa: PLC0415

        spinner = SpinnerColumn("line" if self._console.options.ascii_only else "dots")
        text = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis"))
        bars = Bars(spinner, TimeElapsedColumn(), text, console=self._console, transient=True, get_time=self._clock)
        bars.add_task("")
        return self._exits.enter_context(bars)


@contextmanager
def progress(stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> Iterator[Progress]:
    """Progress on `stream`, by default standard error: a command's standard output has its result alone."""
    stream = stream or sys.stderr
    shown = Progress(stream, live=stream.isatty(), clock=clock)
    with contextlib.closing(shown):
        yield shown

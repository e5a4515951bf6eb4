"""What people see: tables and sentences that fit a terminal."""

import io
import json
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

_DEFAULT_WIDTH = 80
_GAP = "  "


def printable(text: object) -> str:
    """On one line, and without what a terminal would obey: names and messages are others' words."""
    return "".join(character if character.isprintable() else " " for character in str(text))


def sentence_of(text: str | None) -> str | None:
    """The first line of a failure: the sentence. Below it may be what the pod printed last."""
    return printable(text.partition("\n")[0]) if text else None


def lines_below(text: str | None) -> list[str]:
    """The lines below the sentence, each printable."""
    return [printable(line) for line in (text or "").split("\n")[1:]]


def origin_of(version: Mapping[str, Any]) -> str:
    """Where a version came from: the run that a CI platform vouched for, else what kind of token published it."""
    published_by = version.get("published_by")
    if not published_by:
        return ""
    if not published_by["run_url"]:
        return f"a stored token ({published_by['kind']})"
    attested = ", attested" if version.get("attestations") else ""
    return f"{published_by['repository']} at {published_by['commit'][:12]}, {published_by['run_url']}{attested}"


def stored_of(organization: Mapping[str, Any]) -> str:
    """How much is stored for an organization, of how much may be."""
    used, most = organization["stored_bytes"], organization["stored_bytes_limit"]
    return f"{used / 1024**3:.2f} of {most / 1024**3:.0f} GiB"


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
    given = [(name, printable(value)) for name, value in pairs if value not in (None, "")]
    widest = max((len(name) for name, _ in given), default=0)
    return "\n".join(_wrapped(value, f"{_GAP}{name.ljust(widest)}{_GAP}") for name, value in given)


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

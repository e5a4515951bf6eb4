"""A picture of what a run printed, as a terminal shows it."""

import io
import re
from collections.abc import Iterable
from typing import TextIO

from rich.console import Console
from rich.text import Text

_COLUMNS = 112
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
# A step's line: its number, its title, the time that it took, and what came of it.
_STEP = re.compile(
    r"^(?P<number>\s{0,3}\d{1,3}/\d{1,3}|\s{3,8}) (?P<title>\S.{0,100}?)\s{2,100}(?P<seconds>\d{1,6}\.\d\d s)"
    r"(?:  (?P<result>.*))?$"
)
_STYLES = {"number": "dim", "title": "default", "seconds": "cyan", "result": "green"}


class Copied(io.StringIO):
    """Keeps what it is given, and writes it to `stream` too. It is no terminal, so no moving line is written."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def write(self, text: str) -> int:
        """Returns the number of characters, as every stream does."""
        self._stream.write(text)
        return super().write(text)

    def flush(self) -> None:
        """Shows what was written at once."""
        self._stream.flush()


def picture(command: str, lines: Iterable[str]) -> str:
    """An SVG of a terminal in which `command` printed `lines`."""
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
    for line in lines:
        console.print(styled(line))
    # Whoever looks at the picture has a font, and need not load one from elsewhere.
    return _FONT.sub("", console.export_svg(title=command, unique_id="provider-hub"))


def styled(line: str) -> Text:
    """One line with the colours of its parts; a line that is no step stays as it is."""
    text = Text(line)
    if match := _STEP.match(line):
        for part, style in _STYLES.items():
            if match[part]:
                text.stylize(style, *match.span(part))
    return text

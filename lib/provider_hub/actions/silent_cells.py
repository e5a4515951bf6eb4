"""Cells whose cluster leaves calls unanswered: one run of a sweep waits for such a cell once, and not once a row."""

from collections.abc import Iterator
from contextlib import contextmanager

from provider_hub.actions.cluster import Unanswered


class SilentCells:
    """The cells that were found silent in one run. Threads may share it: those that call a cell already wait it out."""

    def __init__(self) -> None:
        self._errors: dict[str, str] = {}

    @contextmanager
    def asking(self, cell: str) -> Iterator[None]:
        """Call the cell's cluster in this block. Raises Unanswered at once for a cell that was found silent."""
        if cell in self._errors:
            raise Unanswered(self._errors[cell])
        try:
            yield
        except Unanswered as error:
            self._errors[cell] = str(error)
            raise

"""Faults of our own code in a walk over many items: an item that meets one does not stop the others."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Faults:
    """The faults of one walk. Expected failures are handled before: these are the others."""

    _met: list[Exception] = field(default_factory=list)

    @contextmanager
    def of(self, item: str) -> Iterator[None]:
        """Log a fault with `item`, and go on."""
        try:
            yield
        except Exception as fault:  # whatever it is, the other items have their turn
            log.exception("%s cannot be swept", item)
            self._met.append(fault)

    def raise_first(self) -> None:
        """At the end of the walk, so that its job counts as failed."""
        if self._met:
            raise self._met[0]

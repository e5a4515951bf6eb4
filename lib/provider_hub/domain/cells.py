"""Cells: the clusters of one hub. An organization is placed in one of them, once, and all its pods run there."""

import hashlib
import math
from collections.abc import Mapping

DEFAULT_CELL = "default"
"""The cell of every organization and row that names none: the hub's only cluster, before it had a second."""

CELL_PATTERN = r"^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$"

ONE_CELL: Mapping[str, float] = {DEFAULT_CELL: 1.0}

_DRAW_BITS = 52  # a float holds the middle of every step of that many bits exactly, so no draw is 0 or 1


def choose_cell(organization_id: str, weights: Mapping[str, float]) -> str:
    """The cell of a new organization: each cell gets new ones in proportion to its weight, and none by a weight of 0.

    This is weighted rendezvous hashing (C. Schindelhauer and G. Schomaker, "Weighted distributed hash tables", 2005).
    Every process chooses alike and counts nothing, so no document is common to all organizations. Raises ValueError
    where no cell has a weight.
    """
    open_cells = {cell: weight for cell, weight in weights.items() if weight > 0}
    if not open_cells:
        raise ValueError("no cell takes new organizations: give one a weight above 0")
    return max(open_cells, key=lambda cell: (-open_cells[cell] / math.log(_draw(organization_id, cell)), cell))


def _draw(organization_id: str, cell: str) -> float:
    """Above 0 and below 1, always the same for a pair, and independent of other pairs."""
    digest = hashlib.sha256(f"{cell} {organization_id}".encode()).digest()
    step = int.from_bytes(digest[:8], "big") >> (64 - _DRAW_BITS)
    return (step + 0.5) / float(1 << _DRAW_BITS)

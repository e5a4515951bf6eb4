"""Reads parts of what a cluster shows, each as the type that is expected.

People and controllers write there as well, so any part may be missing or nonsense. One such part must cost neither the
rest of its object nor the other objects: it is read as if it were not there.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_MOST_DIGITS = 18


def mapping(value: object) -> Mapping[str, Any]:
    """The mapping, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> list[Mapping[str, Any]]:
    """The mappings in a list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def text(value: object) -> str:
    """The text, or an empty one."""
    return value if isinstance(value, str) else ""


def count(value: object) -> int:
    """The number, or 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def generation(value: object) -> int:
    """The generation that an annotation says, 0 where it says none."""
    digits = text(value)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS else 0


def moment(value: object) -> datetime | None:
    """The time in UTC, None where it is none."""
    try:
        read = datetime.fromisoformat(text(value))
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None

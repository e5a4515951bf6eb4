"""Which values that were read as JSON can be answered as JSON again.

Readers of JSON let more in than an answer can hold: Python's takes NaN, half a surrogate pair and thousands of levels.
Whoever stores such a value gets every later answer with it refused, or a wrong one.
"""

import json
from collections.abc import Iterator
from typing import Any

# A request's body has no more levels either. What writes answers takes 255, of which a page needs a few for itself.
MAX_LEVELS = 200


def check_answerable(value: Any) -> None:
    """Raises ValueError where no answer can hold `value`; its text completes "the document …"."""
    if _has_more_levels(value):
        raise ValueError(f"has over {MAX_LEVELS} levels of lists and objects: make it flatter")
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = error.object[error.start]
        raise ValueError(f"has {half!a}, half of a surrogate pair: write the character itself") from None
    except ValueError:
        raise ValueError("has NaN, Infinity or a number over 1.8e308, which no answer can hold: leave it out") from None


def as_answerable(text: str) -> Any:
    """The value of a stored JSON text, as an answer can hold it: for what was stored before `check_answerable`.

    Half a surrogate pair becomes a question mark. A value of too many levels is None.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        return None
    # The two counts and the search are cheap, and let nearly every text pass.
    if text.count("[") + text.count("{") > MAX_LEVELS and _has_more_levels(value):
        return None
    if "\\ud" in text:
        return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return value


def _has_more_levels(value: Any) -> bool:
    """Whether lists and objects lie deeper in one another than MAX_LEVELS. It takes no stack of its own per level."""
    level = [value]
    for _ in range(MAX_LEVELS):
        level = [inner for part in level for inner in _within(part)]
        if not level:
            return False
    return any(isinstance(part, dict | list) for part in level)


def _within(part: Any) -> Iterator[Any]:
    if isinstance(part, dict):
        yield from part.values()
    elif isinstance(part, list):
        yield from part

"""Objects of a cluster in which something was replaced by what does not belong there."""

from typing import Any

from hypothesis import strategies as st

_ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["²", "9" * 5000, "2025-99-99", "k:{", 'k:["a"]', "0001-01-01T00:00:00+23:59"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=2),
    max_leaves=4,
)


def with_nonsense(item: dict[str, Any], data: st.DataObject) -> None:
    """Replace up to three parts of `item`, at any depth, in place. `metadata` itself, with its name, always stays."""
    for _ in range(data.draw(st.integers(1, 3))):
        places = [place for place in _places(item) if place[1] not in ("metadata", "name", "namespace", "uid")]
        holder, key = places[data.draw(st.integers(0, len(places) - 1))]
        holder[key] = data.draw(_ANYTHING)


def _places(item: Any) -> list[tuple[Any, Any]]:
    keys = list(item) if isinstance(item, dict) else range(len(item)) if isinstance(item, list) else []
    return [(item, key) for key in keys] + [place for key in keys for place in _places(item[key])]

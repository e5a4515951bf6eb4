"""Plain data as Firestore's tagged values and back, without a database."""

from datetime import UTC, datetime
from typing import Any

from google.cloud.firestore_v1.types.document import Document
from hypothesis import given
from hypothesis import strategies as st

from provider_hub.adapters.firestore.encoding import fill, plain_map

MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds it
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
KEYS = st.one_of(TEXTS.filter(bool), st.sampled_from(["__x__", "__", "=", "==", "=__x__", "_"]))
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS | MOMENTS
# Firestore holds no list within a list; no record of ours has one.
TREES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.dictionaries(KEYS, inner, max_size=3) | st.lists(SCALARS | st.dictionaries(KEYS, inner), max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, TREES, max_size=4))
def test_whatever_a_record_holds_comes_back(fields: dict[str, Any]) -> None:
    document = Document.pb()()
    fill(document.fields, fields)
    assert plain_map(document.fields) == fields


@given(st.dictionaries(KEYS, SCALARS, max_size=4))
def test_no_stored_key_is_one_that_firestore_keeps_for_itself(fields: dict[str, Any]) -> None:
    document = Document.pb()()
    fill(document.fields, fields)
    assert not any(key.startswith("__") for key in document.fields)
    assert len(document.fields) == len(fields)

"""Identifiers sort by time and hold what they were made from."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from provider_hub.domain.identifiers import RANDOM_BYTES, ulid

times = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds it
randomness = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)


def test_the_specifications_example_is_met() -> None:
    at = datetime.fromtimestamp(1469918176.385, UTC)
    assert ulid(at, bytes(RANDOM_BYTES))[:10] == "01ARYZ6S41"


@given(times, randomness, randomness)
def test_a_later_identifier_sorts_after_an_earlier_one(at: datetime, one: bytes, other: bytes) -> None:
    assert ulid(at, one) < ulid(at + timedelta(milliseconds=2), other)


@given(times, randomness, randomness)
def test_other_randomness_is_another_identifier(at: datetime, one: bytes, other: bytes) -> None:
    assert (ulid(at, one) == ulid(at, other)) == (one == other)


@given(times, randomness)
def test_it_is_26_letters_that_a_label_and_a_document_id_may_hold(at: datetime, random: bytes) -> None:
    text = ulid(at, random)
    assert len(text) == 26
    assert text.isalnum()
    assert not set(text) & set("ILOU")

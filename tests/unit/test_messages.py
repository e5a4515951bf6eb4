"""Messages: what travels is read back alike, and what is not understood is refused without being repeated."""

import json
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import START

from provider_hub.domain.check_in import CheckIn
from provider_hub.domain.errors import MalformedMessage
from provider_hub.domain.installation import Health, InstallationRequest, RequestKind
from provider_hub.domain.messages import VersionPublished, check_in_token, decode, encode, token_matches

REQUEST = InstallationRequest(RequestKind.UPGRADE, "org_acme", "acme/weather", "01LIFE", 7, "1.0.0", START)
CHECK_IN = {
    "organization_id": "org_acme",
    "provider": "acme/weather",
    "version": "1.0.0",
    "generation": 1,
    "token": "s3cret-token",
}


def check_in(**changes: Any) -> bytes:
    return json.dumps({**CHECK_IN, **changes}).encode()


def test_a_request_is_read_back_alike() -> None:
    assert decode(InstallationRequest, encode(REQUEST)) == REQUEST
    assert json.loads(encode(REQUEST))["requested_at"] == "2025-01-01T12:00:00Z"


def test_a_published_version_is_read_back_alike_and_has_an_id_of_its_own() -> None:
    event = VersionPublished("acme/weather", "1.0.0", START)
    assert decode(VersionPublished, encode(event)) == event
    others = [VersionPublished("acme/weather", "1.0.1", START), VersionPublished("acme/weather2", "1.0.0", START)]
    others += [replace(event, offered_again_at=at) for at in (START, START + timedelta(seconds=1))]
    assert len({event.event_id, *(other.event_id for other in others)}) == 5


def test_a_check_in_may_leave_out_what_it_has_nothing_to_say_on() -> None:
    read = decode(CheckIn, check_in(surprise="ignored"))
    assert (read.health, read.message, read.active_resources, read.stopping) == (Health.HEALTHY, None, 0, False)


OPTIONAL = [field.name for field in fields(CheckIn) if field.name not in CHECK_IN]


@pytest.mark.parametrize("name", OPTIONAL)
def test_a_field_of_a_check_in_that_is_null_counts_as_left_out(name: str) -> None:
    assert decode(CheckIn, check_in(**{name: None})) == decode(CheckIn, check_in())


@pytest.mark.parametrize("name", CHECK_IN)
def test_a_check_in_without_what_it_must_say_is_refused(name: str) -> None:
    with pytest.raises(MalformedMessage, match=f"check {name}$"):
        decode(CheckIn, check_in(**{name: None}))


def test_the_token_is_not_in_what_is_printed() -> None:
    assert "s3cret-token" not in repr(decode(CheckIn, check_in()))


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "body"),
        (b"[]", "body"),
        (b"null", "body"),
        (b"{", "body"),
        (b"\xff\xfe", "body"),
        (b'{"organization_id": "\\ud800"}', "body"),
        (check_in(token=None), "token"),
        (check_in(token="x" * 257), "token"),
        (check_in(generation=0), "generation"),
        (check_in(generation=2**53 + 1), "generation"),
        (check_in(generation=10**400), "generation"),
        (check_in(generation="one"), "generation"),
        (check_in(health="splendid"), "health"),
        (check_in(active_resources=-1), "active_resources"),
        (check_in(message=5), "message"),
        (check_in(resource_types=["x"] * 101), "resource_types"),
        (check_in(resource_types=["x" * 101]), "resource_types"),
        (check_in(resource_types=[{}]), "resource_types"),
        (check_in(installation_id=""), "installation_id"),
        (check_in(organization_id=""), "organization_id"),
        (check_in(provider="x" * 201), "provider"),
        (check_in(sent_at="yesterday"), "sent_at"),
        (check_in(sent_at="2025-01-01T12:00:00"), "sent_at"),
        (b"[" * 100_000, "body"),
    ],
)
def test_what_is_no_check_in_is_refused_by_its_fields_and_never_their_values(data: bytes, named: str) -> None:
    with pytest.raises(MalformedMessage, match=rf"no CheckIn that can be read: check .*{named}") as refusal:
        decode(CheckIn, data)
    assert "s3cret-token" not in str(refusal.value)


@pytest.mark.parametrize("length", [2000, 2001, 65_536, 1_000_000])
def test_a_runtime_that_says_much_is_still_heard(length: int) -> None:
    told = ("word " * length)[: length - 9] + "the cause"
    read = decode(CheckIn, check_in(message=told))
    assert read.message is not None
    assert len(read.message) <= 2000
    assert read.message.endswith("the cause")


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_do_anything_but_decode_or_be_malformed(data: bytes) -> None:
    kinds: list[Any] = [InstallationRequest, VersionPublished, CheckIn]
    for kind in kinds:
        with pytest.raises(MalformedMessage):
            decode(kind, data)


SUBJECTS = st.tuples(st.text(max_size=8), st.text(max_size=8), st.integers(1, 99))


@given(SUBJECTS, SUBJECTS)
def test_a_token_is_good_for_one_organization_one_life_and_one_generation(
    one: tuple[str, str, int], other: tuple[str, str, int]
) -> None:
    if any("\0" in text for text in (*one[:2], *other[:2])):
        return  # no id holds a NUL: that is what separates them
    assert token_matches(check_in_token(b"key", *one), check_in_token(b"key", *other)) == (one == other)


def test_another_key_makes_another_token_that_fits_a_header() -> None:
    token = check_in_token(b"key", "org_acme", "01LIFE", 1)
    assert token != check_in_token(b"other", "org_acme", "01LIFE", 1)
    assert token.isascii()
    assert len(token) == 43
    assert not token_matches("é", token)

"""Names: what is accepted, and that what stands for them in a cluster never collides."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider_hub.domain.names import ProviderName, is_slug, namespace_for

DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
slugs = st.from_regex(r"\A[a-z0-9](?:[a-z0-9-]{0,20}[a-z0-9])?\Z")
long_slugs = st.from_regex(r"\A[a-z0-9](?:[a-z0-9-]{40,90}[a-z0-9])?\Z")
short_names = st.from_regex(r"\A[a-z0-9](?:[a-z0-9._-]{0,20}[a-z0-9])?\Z")
names = st.builds(ProviderName, slugs | long_slugs, short_names)


def test_a_canonical_name_is_read_and_written_alike() -> None:
    name = ProviderName.parse("acme/weather")
    assert (name.prefix, name.name, name.canonical, str(name)) == ("acme", "weather", "acme/weather", "acme/weather")


@pytest.mark.parametrize("text", ["a/b", "acme/weather.v2_x-y", "a-1/b-2", "platform/x", "1/2", f"a/{'b' * 198}"])
def test_good_names_are_taken(text: str) -> None:
    assert ProviderName.parse(text).canonical == text


@pytest.mark.parametrize(
    "text",
    [
        "", "/", "weather", "acme/", "/weather", "Acme/weather", "acme/Weather", "a/b/c", "a b/c", "-a/b", "a-/b",
        "a/-b", "a/b-", "a/.b", "a/b.", "a_b/c", "a/b\n", "a\n/b", "ä/b", "a/b\0", "a:b/c", "a/b:c", "../x", "a/..",
        f"a/{'b' * 199}", f"{'a' * 101}/b",
    ],
)  # fmt: skip
def test_bad_names_are_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is not a provider name"):
        ProviderName.parse(text)


def test_the_sentence_is_short_however_long_the_name() -> None:
    with pytest.raises(ValueError, match="is not a provider name") as refusal:
        ProviderName.parse("x" * 100_000)
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize("slug", ["install", "installed", "platform", "", "A", "a_b", "a.b", "-a", "a-", "a" * 101])
def test_reserved_and_malformed_slugs_are_none(slug: str) -> None:
    assert not is_slug(slug)


@pytest.mark.parametrize("slug", ["a", "acme", "acme-2", "platforms", "a" * 100])
def test_other_slugs_are(slug: str) -> None:
    assert is_slug(slug)


def test_names_that_only_differ_in_where_the_slash_is_never_meet() -> None:
    one, other = ProviderName("a-b", "c"), ProviderName("a", "b-c")
    assert one.object_name != other.object_name
    assert one.document_id != other.document_id


@given(names, names)
def test_different_providers_have_different_objects_and_documents(one: ProviderName, other: ProviderName) -> None:
    same = one == other
    assert (one.object_name == other.object_name) == same
    assert (one.document_id == other.document_id) == same


@given(names)
def test_names_that_a_reader_would_confuse_are_told_apart(name: ProviderName) -> None:
    flat = f"{name.prefix}-{name.name}"
    cuts = [ProviderName(flat[:at], flat[at + 1 :]) for at, letter in enumerate(flat) if letter == "-"]
    assert len({cut.object_name for cut in cuts}) == len(set(cuts))


@given(names)
def test_an_object_name_is_a_dns_label_that_begins_with_a_letter_as_a_services_must(name: ProviderName) -> None:
    assert DNS_LABEL.fullmatch(name.object_name)
    assert name.object_name[0].isalpha()


def test_an_object_name_can_be_read() -> None:
    assert ProviderName("acme", "weather").object_name.startswith("p-acme-weather-")


@given(slugs | long_slugs, slugs | long_slugs)
def test_different_organizations_have_different_namespaces(one: str, other: str) -> None:
    assert (namespace_for(one) == namespace_for(other)) == (one == other)


@given(slugs | long_slugs)
def test_a_namespace_is_a_dns_label(slug: str) -> None:
    assert DNS_LABEL.fullmatch(namespace_for(slug))


def test_no_slug_spells_another_ones_shortened_namespace() -> None:
    shortened = namespace_for("a" * 100)
    assert not shortened.startswith("org-")
    assert namespace_for(shortened.removeprefix("long-")[len("org-") :]) != shortened

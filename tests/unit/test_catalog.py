"""The store's rules: who sees what, what search finds by, which version is the latest."""

import pytest
from tests.builders import CLOUD, WEATHER, provider

from provider_hub.domain.catalog import audiences_of, in_scope, newer_of, search_tokens, words_of
from provider_hub.domain.catalog_texts import (
    LONGEST_DESCRIPTION,
    LONGEST_DISPLAY_NAME,
    description_of,
    display_name_of,
)
from provider_hub.domain.scope import Scope
from provider_hub.domain.versions import Version


def test_a_public_provider_is_everyones_and_a_tenant_one_its_organizations() -> None:
    public = in_scope(provider(WEATHER), Scope.PUBLIC)
    assert [public.visible_to(viewer) for viewer in (None, "org_acme", "org_other")] == [True, True, True]
    assert in_scope(public, Scope.TENANT) == provider(WEATHER)
    assert [provider(CLOUD).visible_to(viewer) for viewer in (None, "org_acme")] == [True, True]
    assert [provider(WEATHER).visible_to(viewer) for viewer in (None, "org_acme", "org_other")] == [False, True, False]


def test_an_organization_that_is_called_public_sees_no_more_than_others() -> None:
    assert audiences_of("public") == ("public", "public")
    assert not provider(WEATHER).visible_to("public")


def test_nobody_sees_what_is_being_deleted() -> None:
    assert not provider(WEATHER, retiring=True).visible_to("org_acme")


def test_search_finds_by_the_beginning_of_every_word_and_by_whole_tags() -> None:
    tokens = search_tokens(provider(display_name="Weather Feed", description="Rain, per hour", tags=("Météo", "iot")))
    assert {"w", "weat", "weather", "feed", "rai", "acme", "#Météo", "#iot"} <= set(tokens)
    assert not {"eather", "#io", ""} & set(tokens)


def test_words_are_lower_case_runs_of_letters_and_digits_of_any_script() -> None:
    assert words_of("Été-2025, o'clock_x  天気") == ("été", "2025", "o", "clock", "x", "天気")


@pytest.mark.parametrize(
    ("current", "candidate", "expected"),
    [
        (None, "1.0.0", "1.0.0"),
        (None, "1.0.0-rc.1", "1.0.0-rc.1"),
        ("1.0.0", "1.1.0", "1.1.0"),
        ("1.1.0", "1.0.1", "1.1.0"),
        ("1.0.0", "2.0.0-rc.1", "1.0.0"),
        ("1.0.0-rc.1", "0.9.0", "0.9.0"),
        ("9.0.0", "10.0.0", "10.0.0"),
    ],
)
def test_the_latest_is_the_highest_release(current: str | None, candidate: str, expected: str) -> None:
    assert newer_of(current, Version.parse(candidate)) == expected


def test_a_new_provider_is_called_and_described_by_its_wheel_within_the_bounds() -> None:
    assert display_name_of("zope.interface") == display_name_of("zope_interface") == "Zope Interface"
    assert len(display_name_of("a" * 150)) == LONGEST_DISPLAY_NAME
    assert description_of(None) == ""
    assert description_of("a\0b" * 500) == ("ab" * 500)[:LONGEST_DESCRIPTION]

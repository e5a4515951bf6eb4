"""Which locked versions a record of the Open Source Vulnerabilities format says are affected, and what mends them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from provider_hub.domain.advisories import Advisory, Severity
from provider_hub.domain.advisories.cvss import base_score, severity_of
from provider_hub.domain.advisories.osv import MOST_LISTED, OsvMalformed, matching, parse_record
from provider_hub.domain.advisories.records import MOST_FOUND, merged, worst

BEGINNING = {"introduced": "0"}


def affected(*events: dict[str, str], name: str = "tide", kind: str = "ECOSYSTEM", **more: Any) -> dict[str, Any]:
    return {"package": {"ecosystem": "PyPI", "name": name}, "ranges": [{"type": kind, "events": [*events]}], **more}


def record(*entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "GHSA-1", "modified": "2025-01-01T00:00:00Z", "affected": [*entries], **more}


def found(document: dict[str, Any], *versions: str, name: str = "tide") -> dict[str, str | None]:
    """The affected ones of the versions, each with what mends it."""
    return {one.version: one.fixed_in for one in matching(parse_record(document), {name: versions})}


@pytest.mark.parametrize(
    ("document", "versions"),
    [
        (record(affected(BEGINNING, {"fixed": "1.2"})), {"1.0": "1.2", "1.1.9": "1.2", "1.2": 0, "2.0": 0}),
        (record(affected({"introduced": "1.1"}, {"fixed": "1.2"})), {"1.0": 0, "1.1": "1.2", "1.1.post1": "1.2"}),
        (record(affected(BEGINNING, {"last_affected": "1.2"})), {"1.2": None, "1.2.0": None, "1.2.1": 0}),
        (record(affected(BEGINNING)), {"0.1.dev1": None, "99": None}),
        # Two lines of releases, each with a fix of its own, in one range and in two.
        (
            record(affected({"introduced": "2.0"}, {"fixed": "2.3"}, BEGINNING, {"fixed": "1.9"})),
            {"1.0": "1.9", "1.9": 0, "2.2": "2.3", "2.3": 0},
        ),
        (
            record(affected(BEGINNING, {"fixed": "1.9"}), affected({"introduced": "2.0"}, {"fixed": "2.3"})),
            {"1.0": "1.9", "1.9.1": 0, "2.0": "2.3"},
        ),
        # The fix of one range is affected by the other, and mends nothing.
        (
            record(affected(BEGINNING, {"fixed": "1.5"}), affected({"introduced": "1.4"}, {"fixed": "1.6"})),
            {"1.0": "1.6", "1.5": "1.6", "1.6": 0},
        ),
        # A pre-release comes before its release, by PEP 440 and not by text.
        (record(affected(BEGINNING, {"fixed": "2.0"})), {"2.0rc1": "2.0", "10.0": 0, "2.0.post1": 0}),
        (record(affected({"introduced": "2.0rc1"}, {"fixed": "2.0"})), {"2.0b9": 0, "2.0rc1": "2.0", "2.0": 0}),
        # A build with a local label is the release that it is one of.
        (record(affected(BEGINNING, {"last_affected": "2.1"})), {"2.1+cpu": None}),
        (record(affected(versions=["2.1.0"])), {"2.1+cpu": None, "2.1": None, "2.1.1": 0}),
        # Single versions beside a range, and what mends those that only the list has.
        (record(affected({"introduced": "3.0"}, {"fixed": "3.1"}, versions=["1.0"])), {"1.0": "3.1", "2.0": 0}),
        # Nothing counts that is of another ecosystem, of Git, or has a bound that nobody can read.
        (record(affected(BEGINNING, kind="GIT")), {"1.0": 0}),
        (record({**affected(BEGINNING), "package": {"ecosystem": "npm", "name": "tide"}}), {"1.0": 0}),
        (record(affected(BEGINNING, {"fixed": "2004d"}, versions=["1.0"])), {"1.0": None, "1.1": 0}),
        (record(affected(BEGINNING, {"limit": "1.0"})), {"2.0": None}),
        (record(affected(BEGINNING), withdrawn="2025-01-02T00:00:00Z"), {"1.0": 0}),
        (record("x", 7, {"package": None}, affected(BEGINNING, {"fixed": 7}), affected({"fixed": "1"})), {"0.1": 0}),
    ],
)
def test_the_ranges_and_versions_of_a_record_say_what_is_affected(
    document: dict[str, Any], versions: dict[str, str | int | None]
) -> None:
    assert found(document, *versions) == {text: fix for text, fix in versions.items() if fix != 0}


@pytest.mark.parametrize("name", ["Foo.Bar_baz", "foo-bar-baz", "FOO--BAR..baz"])
def test_a_package_is_known_by_its_normalised_name(name: str) -> None:
    assert found(record(affected(BEGINNING, name=name)), "1.0", name="foo-bar-baz") == {"1.0": None}


def test_a_locked_version_that_nobody_can_read_is_not_affected() -> None:
    assert found(record(affected(BEGINNING)), "no version") == {}


@pytest.mark.parametrize("document", [None, [], "x", {}, {"id": 7}, {"id": ""}, {"id": "PYSEC-\ud800"}])
def test_what_is_no_record_is_refused(document: Any) -> None:
    with pytest.raises(OsvMalformed):
        parse_record(document)


def test_a_record_that_lists_without_end_is_refused_where_it_is_about_a_locked_package() -> None:
    endless = record(affected(*[{"fixed": str(number)} for number in range(MOST_LISTED + 1)]))
    with pytest.raises(OsvMalformed, match="at most"):
        parse_record(endless)
    assert parse_record(endless, {"other"}).affected == ()


def test_what_is_shown_of_a_record_is_short_and_printable() -> None:
    read = parse_record(
        record(summary=None, details="\n Long\x1b[31m\u202e " + "x" * 500, aliases=["CVE-1", 7, "CVE-\ud800"])
    )
    assert read.summary is not None
    assert (len(read.summary), read.summary[:5], read.summary[-1]) == (200, "Long ", "…")
    assert read.summary.isprintable()
    assert read.aliases == ("CVE-1",)


@pytest.mark.parametrize(
    ("vector", "score", "severity"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8, Severity.CRITICAL),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0, Severity.CRITICAL),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5, Severity.HIGH),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1, Severity.MEDIUM),
        ("CVSS:3.1/AV:N/AC:H/PR:H/UI:N/S:U/C:H/I:N/A:N/E:P", 4.4, Severity.MEDIUM),
        ("CVSS:3.0/AV:L/AC:H/PR:L/UI:N/S:U/C:L/I:N/A:N", 2.5, Severity.LOW),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0, None),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:X/C:N/I:N/A:N", None, None),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", None, None),
        ("", None, None),
    ],
)
def test_a_vector_has_the_score_of_the_specifications_calculator(
    vector: str, score: float | None, severity: Severity | None
) -> None:
    assert (base_score(vector), severity_of(vector)) == (score, severity)


def test_the_databases_own_word_for_the_severity_comes_before_the_vectors() -> None:
    vectors = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
    assert parse_record(record(severity=vectors)).severity is Severity.CRITICAL
    assert parse_record(record(affected(severity=vectors))).severity is Severity.CRITICAL
    worded = record(severity=vectors, database_specific={"severity": "MODERATE"})
    assert parse_record(worded).severity is Severity.MEDIUM
    assert parse_record(record(severity=[{"score": 7}, "x"], database_specific=[])).severity is None


def advisory(text: str, *aliases: str, **more: Any) -> Advisory:
    given = {"package": "tide", "version": "1.0", "summary": None, "severity": None, "fixed_in": None, **more}
    return Advisory(advisory_id=text, aliases=aliases, **given)


def test_records_that_name_each_other_are_one_advisory_with_what_any_of_them_says() -> None:
    (one,) = merged(
        [
            advisory("PYSEC-1", "CVE-1", summary="A hole", fixed_in="1.10"),
            advisory("GHSA-1", "CVE-1", severity=Severity.HIGH, fixed_in="1.9"),
            advisory("MAL-1", "GHSA-1", severity=Severity.CRITICAL),
        ]
    )
    assert one == advisory(
        "GHSA-1", "CVE-1", "MAL-1", "PYSEC-1", summary="A hole", severity=Severity.CRITICAL, fixed_in="1.10"
    )


def test_records_that_a_third_one_joins_are_one_and_those_of_other_packages_are_not() -> None:
    joined = [advisory("A", "B"), advisory("C", "D"), advisory("E", "B", "C"), advisory("A", "B", package="other")]
    assert [(one.package, one.advisory_id) for one in worst(merged(joined))] == [("other", "A"), ("tide", "A")]


def test_the_worst_are_kept_where_there_are_too_many() -> None:
    low = [advisory(f"L{number}", severity=Severity.LOW) for number in range(MOST_FOUND)]
    kept = merged([*low, advisory("unknown"), advisory("C", severity=Severity.CRITICAL)])
    assert (len(kept), kept[0].advisory_id, "unknown" in {one.advisory_id for one in kept}) == (MOST_FOUND, "C", False)


def test_records_are_merged_without_comparing_each_with_each(monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0

    def names(one: Advisory) -> frozenset[str]:
        nonlocal read
        read += 1
        return frozenset((one.advisory_id, *one.aliases))

    monkeypatch.setattr(Advisory, "names", property(names))
    count = 1000
    # Each names the one before and its double, so that groups of all sizes are joined again and again.
    chained = [advisory(f"A{number}", f"A{number // 2}", f"A{number - number % 64}") for number in range(count)]
    merged([*chained, *(advisory(f"B{number}") for number in range(count))])
    assert read < 10 * 2 * count


RELEASES = ["0.1.dev1", "0.1", "1.0a1", "1.0", "1.0.post1", "1.1", "2.0rc1", "2.0", "2.0.1", "10.0"]
EVENTS = st.lists(
    st.tuples(st.sampled_from(["introduced", "fixed", "last_affected"]), st.sampled_from(["0", *RELEASES])),
    max_size=6,
    unique_by=lambda event: event[1],
)


def is_affected_by_walking(version: str, events: list[tuple[str, str]]) -> bool:
    """Walk through all releases in order, and note which state each is in."""
    begun, state = {text: kind for kind, text in events}, False
    state = begun.get("0") == "introduced"
    for release in sorted(RELEASES, key=Version):
        kind = begun.get(release)
        state = kind == "introduced" or (state and kind != "fixed")
        if release == version:
            return state
        state = state and kind != "last_affected"
    raise AssertionError(version)


@given(st.lists(EVENTS, min_size=1, max_size=3), st.lists(st.sampled_from(RELEASES), max_size=2))
def test_ranges_mean_what_a_walk_through_all_releases_says(
    ranges: list[list[tuple[str, str]]], listed: list[str]
) -> None:
    # `fixed` or `last_affected` at "0" would bound what nothing precedes: no database writes that.
    ranges = [[event for event in events if event[1] != "0" or event[0] == "introduced"] for events in ranges]
    entry = {
        "package": {"ecosystem": "PyPI", "name": "tide"},
        "ranges": [{"type": "ECOSYSTEM", "events": [{kind: text} for kind, text in events]} for events in ranges],
        "versions": listed,
    }
    wanted = {
        release
        for release in RELEASES
        if release in listed or any(is_affected_by_walking(release, events) for events in ranges)
    }
    shown = found(record(entry), *RELEASES)
    assert set(shown) == wanted
    assert all(fix is None or (Version(fix) > Version(text) and fix not in wanted) for text, fix in shown.items())

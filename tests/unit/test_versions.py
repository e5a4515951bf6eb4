"""Semantic versions: the grammar and the order of semver.org, against its own examples and a slow oracle."""

import re
from functools import cmp_to_key
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider_hub.domain.versions import Version, is_newer, is_version, latest

# Rule 11's own chain, with what lies around it.
CHAIN = [
    "0.0.0",
    "0.9.10",
    "1.0.0-0",
    "1.0.0-1",
    "1.0.0-10",
    "1.0.0--1",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1",
    "1.1.0",
    "1.9.0",
    "1.10.0",
    "1.11.0",
    "2.0.0",
    "2.1.0",
    "2.1.1",
    "10.0.0",
    "99999999999999999999999.999999999999999999.99999999999999999",
]
VALID = [
    "0.0.4", "1.2.3", "10.20.30", "1.1.2-prerelease+meta", "1.1.2+meta", "1.1.2+meta-valid", "1.0.0-alpha",
    "1.0.0-alpha.beta.1", "1.0.0-alpha0.valid", "1.0.0-alpha.0valid", "1.0.0-rc.1+build.1", "2.0.0+build.1848",
    "2.0.1-alpha.1227", "1.0.0-alpha+beta", "1.2.3----RC-SNAPSHOT.12.9.1--.12+788",
    "1.0.0+0.build.1-rc.10000aaa-kk-0.1", "1.0.0-0A.is.legal", "1.0.0+001",
]  # fmt: skip
INVALID = [
    "", "1", "1.2", "1.2.3-0123", "1.2.3-0123.0123", "1.1.2+.123", "+invalid", "-invalid", "alpha", "1.0.0-alpha_beta",
    "1.0.0-alpha..", "1.0.0-alpha..1", "01.1.1", "1.01.1", "1.1.01", "1.2.3.DEV", "1.2-SNAPSHOT", "v1.2.3", " 1.2.3",
    "1.2.3 ", "1.2.3\n", "1.2.3+build+build", "1.2.3-", "1.2.3+", "-1.0.3", "1.0.0-١", "١.0.0", "1.0.0-é", "1.0.0\0",
    "1.2.3-" + "a" * 200,
]  # fmt: skip

numbers = st.integers(0, 12).map(str)
words = st.from_regex(r"\A[0-9]{0,2}[A-Za-z-][0-9A-Za-z-]{0,2}\Z")
parts = st.lists(numbers | words, max_size=3)
versions = st.builds(
    lambda core, pre, build: (
        ".".join(core) + ("-" + ".".join(pre) if pre else "") + ("+" + ".".join(build) if build else "")
    ),
    st.tuples(numbers, numbers, numbers),
    parts,
    st.lists(numbers | words, max_size=2),
)


@pytest.mark.parametrize("text", VALID)
def test_valid_versions_are_read_and_written_alike(text: str) -> None:
    assert is_version(text)
    assert str(Version.parse(text)) == text


@pytest.mark.parametrize("text", INVALID)
def test_what_is_no_version_is_refused_with_a_sentence(text: str) -> None:
    assert not is_version(text)
    with pytest.raises(ValueError, match="is not a semantic version"):
        Version.parse(text)


def test_the_whole_precedence_chain() -> None:
    parsed = [Version.parse(text) for text in CHAIN]
    for lower, higher in pairwise(parsed):
        assert lower < higher
        assert higher > lower
    assert sorted(parsed, key=str) != parsed
    shuffled = parsed[1::2] + parsed[::2]
    assert sorted(shuffled) == parsed


@given(versions, versions)
def test_the_order_is_that_of_the_specification_read_slowly(one: str, other: str) -> None:
    expected = slow_precedence(one, other)
    a, b = Version.parse(one), Version.parse(other)
    if expected:
        assert (a > b) == (expected > 0)
        assert (a < b) == (expected < 0)


@given(versions, versions, versions)
def test_the_order_is_total(one: str, other: str, third: str) -> None:
    a, b, c = Version.parse(one), Version.parse(other), Version.parse(third)
    assert [a < b, a == b, a > b].count(True) == 1
    if a < b < c:
        assert a < c


@given(st.lists(versions, max_size=8))
def test_the_latest_depends_on_no_order_and_is_a_release_where_there_is_one(texts: list[str]) -> None:
    parsed = [Version.parse(text) for text in texts]
    found = latest(parsed)
    assert found == latest(parsed[::-1])
    releases = [version for version in parsed if not version.is_prerelease]
    if found is None:
        assert not parsed
    else:
        assert found.is_prerelease == (not releases)
        assert found == max(releases or parsed)


def test_the_latest_is_a_prerelease_only_where_nothing_else_is() -> None:
    assert str(latest([Version.parse("2.0.0-rc.1"), Version.parse("1.0.0")])) == "1.0.0"
    assert str(latest([Version.parse("2.0.0-rc.1"), Version.parse("2.0.0-beta")])) == "2.0.0-rc.1"
    assert latest([]) is None


def test_newer_is_by_precedence_and_not_by_text() -> None:
    assert is_newer("10.0.0", than="9.0.0")
    assert not is_newer("1.0.0-rc.1", than="1.0.0")
    assert not is_newer("1.0.0", than="1.0.0")


def slow_precedence(one: str, other: str) -> int:
    """Rule 11, sentence by sentence; 0 where only the build metadata differs, which has no precedence."""
    core_a, pre_a = split(one)
    core_b, pre_b = split(other)
    for a, b in zip(core_a, core_b, strict=True):
        if a != b:
            return 1 if a > b else -1
    if not pre_a or not pre_b:
        return bool(pre_b) - bool(pre_a)
    for left, right in zip(pre_a, pre_b, strict=False):
        if compared := identifier_precedence(left, right):
            return compared
    return (len(pre_a) > len(pre_b)) - (len(pre_a) < len(pre_b))


def identifier_precedence(left: str, right: str) -> int:
    if left.isdigit() and right.isdigit():
        return (int(left) > int(right)) - (int(left) < int(right))
    if left.isdigit() or right.isdigit():
        return -1 if left.isdigit() else 1
    return (left.encode("ascii") > right.encode("ascii")) - (left.encode("ascii") < right.encode("ascii"))


def split(text: str) -> tuple[list[int], list[str]]:
    without_build = re.sub(r"\+.*", "", text)
    core, _, pre = without_build.partition("-")
    return [int(number) for number in core.split(".")], pre.split(".") if pre else []


@given(st.lists(versions, max_size=8))
def test_the_oracle_itself_sorts(texts: list[str]) -> None:
    ordered = sorted(texts, key=cmp_to_key(slow_precedence))
    assert all(slow_precedence(a, b) <= 0 for a, b in pairwise(ordered))

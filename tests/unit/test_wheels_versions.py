"""A published version and its wheel's version are the same, or not."""

import pytest

from provider_hub.domain.wheels import same_version


@pytest.mark.parametrize(
    ("semver", "wheel"),
    [
        ("1.0.0", "1.0.0"),
        ("1.0.0", "1.0"),
        ("1.0.0-rc.1", "1.0.0rc1"),
        ("1.0.0-alpha", "1.0.0a0"),
        ("1.0.0-beta.2", "1.0.0b2"),
        ("1.0.0-dev.3", "1.0.0.dev3"),
        ("1.0.0+build.5", "1.0.0+build.5"),
        ("1.0.0+Build-5", "1.0.0+build.5"),
        ("1.0.0-x.7.z.92", "1.0.0-x.7.z.92"),
    ],
)
def test_spellings_of_one_version_are_the_same(semver: str, wheel: str) -> None:
    assert same_version(semver, wheel)


@pytest.mark.parametrize(
    ("semver", "wheel"),
    [
        ("1.0.0", "1.0.1"),
        ("1.0.0", "1.0.0rc1"),
        ("1.0.0-rc.1", "1.0.0rc2"),
        ("1.0.0+build.5", "1.0.0"),
        ("1.0.0", "1.0.0+build.5"),
        ("1.0.0", "1!1.0.0"),
        ("1.0.0-x.7.z.92", "1.0.0"),
        ("1.0.0", "not a version"),
        ("1.0.0-1", "1.0.0.post1"),
        ("1.0.0-post.1", "1.0.0.post1"),
        ("1.0.0-r4", "1.0.0.post4"),
        ("1.0.0-rev.4", "1.0.0.post4"),
        ("1.0.0-rc.1.post.2", "1.0.0rc1.post2"),
        ("1.0.0-rc.1.dev.2", "1.0.0rc1.dev2"),
    ],
)
def test_other_versions_are_not(semver: str, wheel: str) -> None:
    assert not same_version(semver, wheel)

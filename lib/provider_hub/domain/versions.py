"""Semantic versions (semver.org 2.0.0) in a total order."""

import re
from functools import total_ordering
from typing import Self

from provider_hub.domain.dataclass import dataclass

MAX_LENGTH = 200
_NUMBER = r"(?:0|[1-9][0-9]*)"
_PRE_PART = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_BUILD_PART = r"[0-9A-Za-z-]+"
PATTERN = (
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})"
    rf"(?:-({_PRE_PART}(?:\.{_PRE_PART})*))?(?:\+({_BUILD_PART}(?:\.{_BUILD_PART})*))?"
)
_VERSION = re.compile(PATTERN)
_LOCK_DIGITS = 12

_Rank = tuple[tuple[bool, int, str], ...]


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """A semantic version.

    semver does not order two versions that differ only in build metadata. Here the metadata decides, so "latest" is
    one version and never depends on the order in which versions are read.
    """

    major: int
    minor: int
    patch: int
    prerelease: tuple[str, ...] = ()
    build: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError, with a sentence, when `text` is no semantic version of ≤ 200 characters."""
        match = _VERSION.fullmatch(text) if len(text) <= MAX_LENGTH else None
        if match is None:
            raise ValueError(f"{text[:80]!r} is not a semantic version such as 1.4.0 or 2.0.0-rc.1")
        major, minor, patch, prerelease, build = match.groups()
        return cls(int(major), int(minor), int(patch), _parts(prerelease), _parts(build))

    @property
    def is_prerelease(self) -> bool:
        """Whether the version has a pre-release part, such as `-rc.1`."""
        return bool(self.prerelease)

    @property
    def line(self) -> tuple[int, int]:
        """The versions that this one is compatible with by its number: the same major, or below 1.0.0 the same minor.

        semver promises nothing below 1.0.0 (rule 4). By custom a 0.x minor is breaking, as Cargo and npm take it too.
        """
        return (self.major, 0) if self.major else (0, self.minor)

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}.{self.patch}"
        if self.prerelease:
            text += "-" + ".".join(self.prerelease)
        return text + ("+" + ".".join(self.build) if self.build else "")

    def __lt__(self, other: Self) -> bool:
        return self._order() < other._order()

    def _order(self) -> tuple[int, int, int, bool, _Rank, _Rank]:
        """A release ranks above its pre-releases; numbers rank below words (semver, rule 11)."""
        core = (self.major, self.minor, self.patch)
        return (*core, not self.prerelease, _rank(self.prerelease), _rank(self.build))


def is_version(text: str) -> bool:
    """Whether `text` is a semantic version."""
    try:
        Version.parse(text)
    except ValueError:
        return False
    return True


def relock_id(version: str, lock_sha256: str) -> str:
    """The name of a version with a later lock, apart from every version's: no semantic version has an `@`."""
    return f"{version}@{lock_sha256[:_LOCK_DIGITS]}"


def rollout_id(version: str, lock_sha256: str | None) -> str:
    """What is offered, by one text: the version, or, if it was locked again, its `relock_id`."""
    return version if lock_sha256 is None else relock_id(version, lock_sha256)


def is_rollout_id(text: str) -> bool:
    """Whether it can be the name of a version or of a version with a later lock."""
    version, at, digits = text.partition("@")
    return is_version(version) and (not at or re.fullmatch(f"[0-9a-f]{{{_LOCK_DIGITS}}}", digits) is not None)


def is_newer(version: str, than: str) -> bool:
    """Whether `version` ranks above `than`. Raises ValueError for text that is no semantic version."""
    return Version.parse(version) > Version.parse(than)


def is_same_line(version: str, other: str) -> bool:
    """Whether an upgrade from one to the other counts as no major one (`Version.line`)."""
    return Version.parse(version).line == Version.parse(other).line


def latest(versions: "list[Version]") -> Version | None:
    """The highest of `versions`; a pre-release only where there is no release. None where there are no versions."""
    return max(versions, key=lambda version: (not version.is_prerelease, version), default=None)


def _parts(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(".")) if text else ()


def _rank(identifiers: tuple[str, ...]) -> _Rank:
    return tuple((not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in identifiers)

"""What is kept of advisories, and when two of them are one."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import PermanentError


class Severity(StrEnum):
    """How bad a vulnerability is, the least first: CVSS's own words."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


_ORDER = {severity: rank for rank, severity in enumerate(Severity)}
MOST_FOUND = 100


class TooMuchToMatch(PermanentError):
    """The export cannot be held against so many versions at once; it may be held against fewer."""


@dataclass(frozen=True, slots=True)
class Advisory:
    """A known vulnerability of one locked distribution.

    `advisory_id` is the database's own, such as `GHSA-…`; `aliases` are the ids that others give the vulnerability.
    `package` is the distribution's normalised name, `version` the locked one. `fixed_in` is the lowest later version of
    the distribution without it, None where no record names one.
    """

    advisory_id: str
    aliases: tuple[str, ...]
    package: str
    version: str
    summary: str | None
    severity: Severity | None
    fixed_in: str | None

    @property
    def names(self) -> frozenset[str]:
        """All ids by which the vulnerability is known."""
        return frozenset((self.advisory_id, *self.aliases))


@dataclass(frozen=True, slots=True)
class LockAdvisories:
    """What is known of one lock, by the newest look at the database's export.

    `export_at` is when the newest record of that export was changed. It is kept by the lock and not by the version:
    a version that is locked again runs with its former lock for a while.
    """

    lock_sha256: str
    export_at: datetime
    checked_at: datetime
    found: tuple[Advisory, ...]
    expires_at: datetime

    @property
    def severity(self) -> Severity | None:
        """The worst of what was found; None where nothing was, or nobody has said how bad any of it is."""
        known = [one.severity for one in self.found if one.severity]
        return max(known, key=_ORDER.__getitem__, default=None)


def merged(found: Iterable[Advisory]) -> list[Advisory]:
    """The advisories, each vulnerability of a distribution's version once, and the worst MOST_FOUND of each version.

    Several databases have a record of the same vulnerability; they name each other as aliases.
    """
    return [kept for listed in by_version(found).values() for kept in worst(map(_one_of, _same(listed)))]


def by_version(found: Iterable[Advisory]) -> dict[tuple[str, str], list[Advisory]]:
    """The advisories by what has them: a distribution's normalised name and its version."""
    of_version = defaultdict[tuple[str, str], list[Advisory]](list)
    for one in found:
        of_version[one.package, one.version].append(one)
    return of_version


def names_of(found: Iterable[Advisory]) -> frozenset[str]:
    """All names of all of them."""
    return frozenset[str]().union(*(one.names for one in found))


def worst(found: Iterable[Advisory]) -> tuple[Advisory, ...]:
    """The worst MOST_FOUND of them, the worst first."""
    return tuple(sorted(found, key=lambda one: (-_rank(one), one.package, one.advisory_id))[:MOST_FOUND])


def _same(listed: Iterable[Advisory]) -> list[list[Advisory]]:
    """Those together that share a name, or that others join. All are of one version of one distribution.

    The smaller groups go into the largest, so that an advisory seldom moves: a version may have thousands of records.
    """
    group_of: dict[str, list[Advisory]] = {}
    for one in listed:
        touched = {id(group): group for name in one.names if (group := group_of.get(name)) is not None}
        largest = max(touched.values(), key=len, default=[])
        moved = [one, *(other for group in touched.values() if group is not largest for other in group)]
        largest += moved
        for other in moved:
            group_of.update(dict.fromkeys(other.names, largest))
    return list({id(group): group for group in group_of.values()}.values())


def _one_of(group: list[Advisory]) -> Advisory:
    """The record that says most, with what the others add: the worst severity, and the version that mends all."""
    group = sorted(group, key=lambda one: one.advisory_id)
    best = min(group, key=lambda one: (one.severity is None, one.fixed_in is None, one.advisory_id))
    names = names_of(group) - {best.advisory_id}
    return replace(
        best,
        aliases=tuple(sorted(names)),
        summary=best.summary or next((one.summary for one in group if one.summary), None),
        severity=max(group, key=_rank).severity,
        fixed_in=_latest([one.fixed_in for one in group if one.fixed_in]),
    )


def _latest(fixes: list[str]) -> str | None:
    if len(set(fixes)) < 2:
        return fixes[0] if fixes else None
    from packaging.version import Version  # noqa: PLC0415 - most functions import this module, and few merge

    return max(fixes, key=Version)


def _rank(advisory: Advisory) -> int:
    return -1 if advisory.severity is None else _ORDER[advisory.severity]

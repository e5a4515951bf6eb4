"""What is kept of advisories, and when two of them are one."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """How bad a vulnerability is, the least first: CVSS's own words."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


_ORDER = {severity: rank for rank, severity in enumerate(Severity)}
MOST_FOUND = 100


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


def merged(found: Iterable[Advisory]) -> tuple[Advisory, ...]:
    """The advisories, each vulnerability of a distribution once, the worst first, at most MOST_FOUND.

    Several databases have a record of the same vulnerability; they name each other as aliases.
    """
    groups: list[list[Advisory]] = []
    for one in sorted(found, key=lambda advisory: (advisory.package, advisory.version, advisory.advisory_id)):
        same = [group for group in groups if any(_is_same(one, other) for other in group)]
        groups = [group for group in groups if group not in same]
        groups.append([*(other for group in same for other in group), one])
    ordered = sorted(map(_one_of, groups), key=lambda one: (-_rank(one), one.package, one.advisory_id))
    return tuple(ordered[:MOST_FOUND])


def _is_same(one: Advisory, other: Advisory) -> bool:
    return (one.package, one.version) == (other.package, other.version) and not one.names.isdisjoint(other.names)


def _one_of(group: list[Advisory]) -> Advisory:
    """The record that says most, with what the others add: the worst severity, and the version that mends all."""
    best = min(group, key=lambda one: (one.severity is None, one.fixed_in is None, one.advisory_id))
    names = frozenset[str]().union(*(one.names for one in group)) - {best.advisory_id}
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

"""Offers: which of a provider's versions auto-upgrade offers, and which installation wants one of them."""

from collections.abc import Mapping
from datetime import datetime

from provider_hub.domain.catalog import VersionStatus
from provider_hub.domain.installation import Installation, LifecycleState, UpgradePolicy, waits_until
from provider_hub.domain.versions import Version, is_newer, is_same_line, relock_id, rollout_id


def published_of(statuses: Mapping[str, VersionStatus]) -> frozenset[str]:
    """The numbers of the published versions. `statuses` are those of all of a provider's versions by their numbers."""
    return frozenset(number for number, status in statuses.items() if status is VersionStatus.PUBLISHED)


def offered(statuses: Mapping[str, VersionStatus]) -> frozenset[str]:
    """The versions that auto-upgrade offers: the release that is the highest of all, and the highest of each line.

    `statuses` are those of all of the provider's versions by their numbers. After 2.0.0 an installation that takes no
    majors still gets 1.0.1, also from a 1.0.0 that was yanked since. The lowest version of an older line is offered to
    no installation, since none can be on an earlier version of that line.
    """
    published = [Version.parse(number) for number in published_of(statuses)]
    releases = sorted(version for version in published if not version.is_prerelease)
    highest = {release.line: release for release in releases}
    lowest = {version.line: version for version in sorted(map(Version.parse, statuses), reverse=True)}
    newest_of_lines = [release for line, release in highest.items() if lowest[line] < release]
    return frozenset(str(release) for release in (*releases[-1:], *newest_of_lines))


def is_offered(version: str, statuses: Mapping[str, VersionStatus]) -> bool:
    """Whether `version` is one of those that auto-upgrade offers (`offered`)."""
    return version in offered(statuses)


def wants(row: Installation, version: str, lock_sha256: str | None = None) -> bool:
    """Whether an installation is upgraded to `version` by itself: it asks for that, is well, and was not hurt by it.

    With a lock, whether it is upgraded from the version's former lock to this one.
    """
    if row.upgrade_policy is not UpgradePolicy.AUTO or row.lifecycle_state is not LifecycleState.READY:
        return False
    if lock_sha256 is not None:
        is_on_former = row.installed_version == version and row.revision.lock_sha256 != lock_sha256
        return is_on_former and relock_id(version, lock_sha256) not in row.failed_versions
    return (
        version not in row.failed_versions
        and is_newer(version, than=row.installed_version)
        and (row.allow_major_upgrades or is_same_line(version, row.installed_version))
    )


def is_due_for(row: Installation, version: str, lock_sha256: str | None, now: datetime) -> bool:
    """Whether the row wants `version` (`wants`) now. After a missed deadline it waits until `overdue_until`."""
    is_overdue = rollout_id(version, lock_sha256) in row.overdue_versions
    waits = is_overdue and waits_until(row, now) is not None
    return not waits and wants(row, version, lock_sha256)


def what_changes(row: Installation, version: str, lock_sha256: str | None) -> str:
    """The change of an installation to `version`, or with a lock to that lock of it, in a few words."""
    return f"{version} as it was locked again" if lock_sha256 else f"{row.installed_version} to {version}"

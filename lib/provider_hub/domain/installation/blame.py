"""Blame: which versions a row's failures count against, so that auto-upgrade does not repeat a failure for ever.

A version is blamed, and never offered again, when the installer or the runtime called its failure permanent. A deadline
alone proves little: a registry or the cluster may have been down. So the first one only makes the version wait for
WAIT_AFTER_DEADLINE. A later one blames it, if it passes after that wait and the installer had taken the generation.
Within the wait it may be the same outage, which a try by hand has met again: the wait begins anew. And before the
installer takes the generation, nobody has tried to run the version.

What becomes READY after all is neither blamed nor waits any more.
"""

from datetime import datetime, timedelta
from typing import TypedDict

from provider_hub.domain.installation.state import Installation, LifecycleState, Revision, Trigger
from provider_hub.domain.versions import relock_id

REMEMBERED_FAILURES = 50
WAIT_AFTER_DEADLINE = timedelta(hours=24)


class Blame(TypedDict):
    """The fields of a row that say which versions auto-upgrade leaves alone."""

    failed_versions: tuple[str, ...]
    overdue_versions: tuple[str, ...]
    overdue_until: datetime | None


def blame_for(row: Installation, trigger: Trigger, now: datetime) -> Blame:
    """The row's blame after its present generation failed by `trigger`.

    A version that was READY before is not to blame, but its new lock is, where nothing else was changed.
    """
    blamed = _blamed(row.revision, row.ready_revision)
    if blamed is None:
        return _blame(row.failed_versions, row.overdue_versions, row.overdue_until)
    if trigger is Trigger.DEADLINE and not _is_overdue_again(row, blamed, now):
        return _blame(row.failed_versions, _with(row.overdue_versions, blamed), now + WAIT_AFTER_DEADLINE)
    waiting = _without(row.overdue_versions, {blamed})
    return _blame(_with(row.failed_versions, blamed), waiting, row.overdue_until)


def _is_overdue_again(row: Installation, blamed: str, now: datetime) -> bool:
    has_waited = blamed in row.overdue_versions and waits_until(row, now) is None
    return has_waited and row.lifecycle_state is LifecycleState.PROCESSING


def waits_until(row: Installation, now: datetime) -> datetime | None:
    """When the wait of the row's `overdue_versions` ends; None once it is over, or where there is none."""
    return row.overdue_until if row.overdue_until and now < row.overdue_until else None


def blame_once_ready(row: Installation) -> Blame:
    """The row's blame once its present revision is READY."""
    version, lock = row.revision.version, row.revision.lock_sha256
    ready = {version} if lock is None else {version, relock_id(version, lock)}
    return _blame(_without(row.failed_versions, ready), _without(row.overdue_versions, ready), row.overdue_until)


def _blame(failed: tuple[str, ...], overdue: tuple[str, ...], until: datetime | None) -> Blame:
    return {"failed_versions": failed, "overdue_versions": overdue, "overdue_until": until if overdue else None}


def _with(versions: tuple[str, ...], one: str) -> tuple[str, ...]:
    return versions if one in versions else (*versions, one)[-REMEMBERED_FAILURES:]


def _without(versions: tuple[str, ...], some: set[str]) -> tuple[str, ...]:
    return tuple(version for version in versions if version not in some)


def _blamed(tried: Revision, ready: Revision | None) -> str | None:
    if ready is None or ready.version != tried.version:
        return tried.version
    lock = tried.lock_sha256
    if lock is None or lock == ready.lock_sha256 or ready.at(tried.version, lock) != tried:
        return None
    return relock_id(tried.version, lock)

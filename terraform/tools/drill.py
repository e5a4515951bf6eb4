"""A restore drill: restores the database into a new one, reads it as the hub does, compares, and deletes it again.

    python -m terraform.tools.drill --project my-project                       # as of a few minutes ago
    python -m terraform.tools.drill --project my-project --at 2025-06-01T10:20
    python -m terraform.tools.drill --project my-project --backup projects/P/locations/L/backups/ID

It writes into no database but the one that it makes itself, whose name is the live one's with `-drill-` and the time.
`--keep` leaves that one, for a hub to be pointed at. Exit status: 0 the restored database is whole, 1 it is not.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud.firestore import Client
from terraform.tools.configuration import TERRAFORM

from provider_hub.actions import keys
from provider_hub.adapters.firestore.store import FirestoreStore, connect
from provider_hub.domain.catalog import ProviderVersion
from provider_hub.domain.installation import Installation, LifecycleState
from provider_hub.domain.names import ProviderName

COMMAND = "python -m terraform.tools.drill"
DOCUMENTS = TERRAFORM.parent / "docs" / "documents.md"
_COLLECTION = re.compile(r"^## `(?:[^`]*/)?(\w+)/[^/`]+`$", re.MULTILINE)
_AGO = timedelta(minutes=2)  # a snapshot is of a whole minute that has passed
_POLL_SECONDS = 10.0
_PAGE = 300
_SHOWN = 20

# Runs `gcloud` with these words and gives its JSON. Raises DrillFailed.
Gcloud = Callable[..., Any]


class DrillFailed(Exception):
    """The drill could not be held; the message says what to do."""


@dataclass(frozen=True)
class Drill:
    """What is restored, from when, into which new database."""

    project: str
    live: str
    at: datetime
    backup: str | None
    began: datetime

    @property
    def target(self) -> str:
        """The new database. No name of a live one, which has no `-drill-`, is ever one of these."""
        return f"{self.live.strip('()')[:40]}-drill-{self.began:%Y%m%d%H%M%S}"  # only (default) may have brackets

    def check(self) -> None:
        """Raises DrillFailed where a drill's own database is named as the live one."""
        if "-drill-" in self.live:
            raise DrillFailed(f"{self.live} is a drill's own database: name the live one")


def check_databases(drill: Drill, gcloud: Gcloud) -> None:
    """Raises DrillFailed where the live database is not there, or one has the name of the new one already."""
    drill.check()
    there = _databases(gcloud)
    if drill.live not in there:
        raise DrillFailed(f"{drill.project} has no database {drill.live}: name the live one with --database")
    if drill.target in there:
        raise DrillFailed(f"{drill.target} is there already: try again in a second")


def restore(drill: Drill, gcloud: Gcloud, sleep: Callable[[float], None] = time.sleep) -> None:
    """Make the new database, and wait until it holds everything. Raises DrillFailed."""
    if drill.backup:
        source = ["restore", f"--source-backup={drill.backup}"]
    else:
        live = f"projects/{drill.project}/databases/{drill.live}"
        source = ["clone", f"--source-database={live}", f"--snapshot-time={drill.at:%Y-%m-%dT%H:%M:00.00Z}"]
    operation = gcloud("firestore", "databases", *source, f"--destination-database={drill.target}")
    while "/operations/" in operation.get("name", "") and not operation.get("done"):
        sleep(_POLL_SECONDS)
        operation = gcloud("firestore", "operations", "describe", operation["name"], f"--database={drill.target}")
    if "error" in operation:
        raise DrillFailed(f"Firestore could not restore: {operation['error'].get('message', operation['error'])}")


def remove(drill: Drill, gcloud: Gcloud) -> None:
    """Delete the new database, if there is one. Raises DrillFailed."""
    try:
        if drill.target in _databases(gcloud):
            gcloud("firestore", "databases", "delete", f"--database={drill.target}", "--quiet")
    except DrillFailed as failure:
        command = f"gcloud firestore databases delete --project={drill.project} --database={drill.target}"
        raise DrillFailed(f"{drill.target} may be left: delete it with `{command}`") from failure


def _databases(gcloud: Gcloud) -> Set[str]:
    return {one["name"].rpartition("/")[2] for one in gcloud("firestore", "databases", "list")}


def collections() -> Sequence[str]:
    """The last name in the path of each collection, as docs/documents.md lists them."""
    return sorted(set(_COLLECTION.findall(DOCUMENTS.read_text())))


def counts(client: Client, at: datetime | None = None) -> Mapping[str, int]:
    """How many documents each collection has, as of `at` where it is given."""
    queries: dict[str, Any] = {name: client.collection_group(name).count() for name in collections()}
    return {name: int(query.get(read_time=at)[0][0].value) for name, query in queries.items()}


def differences(live: Mapping[str, int], restored: Mapping[str, int]) -> Iterator[str]:
    """The collections of which there are more or fewer documents than there were."""
    for name, number in live.items():
        if restored[name] != number:
            yield f"{name}: {restored[name]} documents instead of {number}"


def faults(store: FirestoreStore) -> Iterator[str]:
    """What of a database is not whole, read as the hub reads it: whatever names something else, and lacks it."""
    for version in _versions(store):
        yield from _faults_of_version(store, version)
    for row in _rows(store):
        yield from _faults_of_row(store, row)


def _versions(store: FirestoreStore) -> Iterator[ProviderVersion]:
    place: str | None = None
    while page := store.versions_after(place, _PAGE):
        yield from page
        place = "/".join(keys.version(page[-1].provider_name, page[-1].version).path)


def _rows(store: FirestoreStore) -> Iterator[Installation]:
    place: str | None = None
    while page := store.installations_after(place, _PAGE):
        yield from page
        place = "/".join(keys.installation_of(page[-1]).path)


def _faults_of_version(store: FirestoreStore, version: ProviderVersion) -> Iterator[str]:
    name = f"version {version.provider_name.canonical} {version.version}"
    if store.get(keys.provider(version.provider_name)) is None:
        yield f"{name}: its provider is not there"
    if store.get(keys.runtime_version(version.runtime_version)) is None:
        yield f"{name}: its runtime version {version.runtime_version} is not there"
    yield from _without_lock(store, name, version.provider_name, version.lock_sha256)


def _faults_of_row(store: FirestoreStore, row: Installation) -> Iterator[str]:
    name = f"installation {row.canonical} of {row.organization_id}"
    organization = store.get(keys.organization(row.organization_id))
    if organization is None or organization.slug != row.organization_slug:
        yield f"{name}: its organization is not there, or has another slug"
    claim = store.get(keys.slug(row.organization_slug))
    if claim is None or claim.organization_id != row.organization_id:
        yield f"{name}: the slug {row.organization_slug} belongs to nobody, or to another organization"
    for revision in filter(None, (row.revision, row.ready_revision)):
        if store.get(keys.version(row.provider_name, revision.version)) is None:
            yield f"{name}: its version {revision.version} is not there"
        yield from _without_lock(store, name, row.provider_name, revision.lock_sha256)
    if row.lifecycle_state is LifecycleState.READY and (row.current_version is None or row.deadline_at is not None):
        yield f"{name}: it is READY, and waits for something or runs nothing"


def _without_lock(store: FirestoreStore, name: str, provider: ProviderName, digest: str | None) -> Iterator[str]:
    if digest is not None and store.get(keys.lock(provider, digest)) is None:
        yield f"{name}: its lock {digest[:12]} is not there"


def hold(drill: Drill, gcloud: Gcloud, say: Callable[[str], None] = print, *, keep: bool = False) -> bool:
    """Hold the drill; whether the restored database is whole. Raises DrillFailed."""
    check_databases(drill, gcloud)
    is_restored = False
    try:
        restore(drill, gcloud)
        is_restored = True
        restored = counts(Client(drill.project, database=drill.target))
        found = list(faults(connect(drill.project, drill.target)))
        if not drill.backup:  # the live database of then is gone after a week, and a backup may be older
            found += differences(counts(Client(drill.project, database=drill.live), drill.at), restored)
    finally:
        # However far it came, also after Ctrl-C: nobody looks for a database that a failed drill has begun.
        if not (keep and is_restored):
            remove(drill, gcloud)
    say("\n".join(f"{name}: {number}" for name, number in restored.items() if number))
    for fault in found[:_SHOWN]:
        say(f"not whole: {fault}")
    if len(found) > _SHOWN:
        say(f"and {len(found) - _SHOWN} faults more")
    kept = f"; {drill.target} is kept, and HUB_DATABASE={drill.target} points a hub at it" if keep else ""
    say(f"{sum(restored.values())} documents restored in {datetime.now(UTC) - drill.began}{kept}")
    return not found


def gcloud_of(project: str) -> Gcloud:
    """Calls of the command `gcloud` for one project."""

    def call(*words: str) -> Any:
        command = ["gcloud", *words, f"--project={project}", "--format=json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)  # noqa: S603
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
            raise DrillFailed(f"gcloud {' '.join(words[:3])} said: {said}")
        return json.loads(done.stdout or "{}") or {}

    return call


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC, second=0, microsecond=0)


def _told(failure: DrillFailed) -> str:
    """The failure, behind the one that it came upon."""
    first = failure.__context__
    return f"{_told(first)}; then: {failure}" if isinstance(first, DrillFailed) else str(failure)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--project", required=True)
    parser.add_argument("--database", default="hub-database", help="the live database (default: hub-database)")
    parser.add_argument("--at", type=_moment, help="a whole minute of the last 7 days, in UTC (default: 2 minutes ago)")
    parser.add_argument("--backup", help="a backup's full name, instead of a minute")
    parser.add_argument("--keep", action="store_true", help="leave the restored database")
    given = parser.parse_args(arguments)
    began = datetime.now(UTC)
    at = given.at or (began - _AGO).replace(second=0, microsecond=0)
    try:
        is_whole = hold(
            Drill(given.project, given.database, at, given.backup, began), gcloud_of(given.project), keep=given.keep
        )
    except DrillFailed as failure:
        print(f"drill: {_told(failure)}", file=sys.stderr)
        return 1
    return 0 if is_whole else 1


if __name__ == "__main__":
    raise SystemExit(main())

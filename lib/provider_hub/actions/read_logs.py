"""What an installation's pods print, merged by time: from the cluster, and once a pod is gone from where logs are kept.

A reader goes on from a cursor, which has a place for each pod. So nothing is lost or told twice when pods come and go
in a rollout, when a container is restarted between two calls, and when lines of two pods overtake each other.
"""

import dataclasses
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol

from provider_hub.actions.cluster import MOST_LOG_BYTES, Clusters, LogRequest, PodLogs, PodOutput, RuntimePod
from provider_hub.actions.inspect import get_row
from provider_hub.actions.ports import DocumentStore
from provider_hub.actions.request_budget import RequestBudget
from provider_hub.actions.services import Services
from provider_hub.actions.turns import Turns
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import PermanentError, QuotaExceeded, TemporaryError
from provider_hub.domain.installation import Installation
from provider_hub.domain.names import ProviderName, namespace_for
from provider_hub.domain.organizations import Organization
from provider_hub.domain.pod_output import LogCursor, LogLine, parse_output
from provider_hub.domain.redaction import Redaction

log = logging.getLogger(__name__)

MOST_LINES = 5000
MOST_BYTES = 1024 * 1024
# Pods that are read in one call: two replicas, twice during a rollout, and what a crash leaves.
_PODS_READ = 8
# Output reaches the archive some seconds after it was printed.
_ARCHIVE_SETTLES = timedelta(seconds=5)
_ARCHIVE_REACH = timedelta(days=7)
_ARCHIVE_LINES = 1000
# An archive's quota is one for all tenants: an organization's share of it, in one process.
_ARCHIVE_READS_PER_MINUTE = 12
# A read holds up to 1 MiB for each run of each pod: all that read at once have to fit into one instance.
_READS_AT_ONCE = 4
_READS_WAITING = 32
_WAIT_SECONDS = 10
# What is asked of a run for a page: its lines, and those before them that were printed within the same second.
_BYTES_OF_A_LINE = 1024
_BYTES_BEFORE_NEWS = 64 * 1024


@dataclass(frozen=True, slots=True)
class ArchiveQuery:
    """Which kept output to read: of the installation's pods that are not among `without`, printed from `since` on.

    At most `limit` lines: the last ones where `newest`, else the first ones.
    """

    namespace: str
    installation_id: str
    since: datetime
    without: tuple[str, ...]
    limit: int
    newest: bool


class LogArchive(Protocol):
    """Where the output of pods is kept when they are gone."""

    def read(self, query: ArchiveQuery) -> list[LogLine]:
        """The lines by time, oldest first. One call, however much there is. Raises TemporaryError, PermanentError."""


@dataclass(frozen=True, slots=True)
class LogWish:
    """What a caller wants to read: lines from `since` on, the last `limit` lines where it is None.

    `previous` reads the runs before the present ones, of pods that restarted.
    """

    since: LogCursor | None
    previous: bool
    limit: int


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines by time, and the cursor behind them. `more` says that further lines are there already.

    `notice` says what may be missing, None where nothing is.
    """

    lines: list[LogLine]
    cursor: LogCursor
    more: bool
    notice: str | None


@dataclasses.dataclass(slots=True)
class _Found:
    """What was read: the unread lines of each pod, whether any pod's were cut, and what a reader has to know.

    `unfinished` are the pods whose previous run was cut: what their present run printed comes with a later page.
    """

    lines: dict[str, list[LogLine]] = field(default_factory=dict)
    more: bool = False
    unfinished: set[str] = field(default_factory=set)
    notices: list[str] = field(default_factory=list)

    def add(self, lines: Iterable[LogLine]) -> None:
        for line in lines:
            self.lines.setdefault(line.pod, []).append(line)


@dataclass(frozen=True, slots=True)
class LogReader:
    """Reads an organization's own installations' output."""

    services: Services[DocumentStore]
    clusters: Clusters[PodLogs]
    archive: LogArchive | None = None
    budget: RequestBudget = field(default_factory=lambda: RequestBudget(_ARCHIVE_READS_PER_MINUTE))
    turns: Turns = field(default_factory=lambda: Turns(_READS_AT_ONCE, _READS_WAITING, _WAIT_SECONDS, "reads of logs"))

    def read(self, organization: Organization, name: ProviderName, wish: LogWish) -> LogPage:
        """A page of lines, masked. Raises NotFound, TemporaryError or PermanentError."""
        row = get_row(self.services, organization, name)
        namespace, cluster = namespace_for(row.organization_slug), self.clusters.of(row)
        # The API server is asked within the turn alone: it is one for all tenants of the cell.
        with self.turns.turn(row.organization_id):
            pods = cluster.pods(namespace, row.installation_id)[-_PODS_READ:]
            cursor = _noting_gone(wish.since or LogCursor(), pods, self.services.clock())
            found = _living(cluster, namespace, pods, wish, cursor)
        if not wish.previous:
            cursor = self._add_archived(row, namespace, pods, wish, cursor, found)
        return _page(row, wish, cursor, pods, found)

    def _add_archived(
        self,
        row: Installation,
        namespace: str,
        pods: Sequence[RuntimePod],
        wish: LogWish,
        cursor: LogCursor,
        found: _Found,
    ) -> LogCursor:
        """Add the kept output of pods that are gone; returns the cursor without pods that have no more to read."""
        now = self.services.clock()
        since = _archive_since(row, pods, wish, cursor, now)
        if since is None:
            return cursor
        living = tuple(pod.name for pod in pods)
        limit = min(wish.limit, _ARCHIVE_LINES)
        query = ArchiveQuery(namespace, row.installation_id, since, living, limit, newest=wish.since is None)
        kept = self._archived(row, query, found)
        if kept is None:
            return cursor
        unread: dict[str, list[LogLine]] = {}
        for line in kept:
            unread.setdefault(line.pod, []).append(line)
        for pod, lines in unread.items():
            found.add(cursor.place_of(pod).after(lines))
        found.more = found.more or (len(kept) >= limit and wish.since is not None)
        done = {pod for pod in _settled(cursor, now) if pod not in found.lines}
        places = {pod: place for pod, place in cursor.places.items() if pod not in done}
        return replace(cursor, places=places, has_kept=True)

    def _archived(self, row: Installation, query: ArchiveQuery, found: _Found) -> list[LogLine] | None:
        """None if the archive cannot be asked.

        A notice says so then, and the output from the cluster is shown all the same.
        """
        if self.archive is None:
            found.notices.append("what pods printed that are gone is not kept here")
            return []
        try:
            self.budget.take(row.organization_id, self.services.clock())
            return self.archive.read(query)
        except QuotaExceeded:
            found.notices.append("what pods printed that are gone is looked up later: too many look-ups this minute")
        except (TemporaryError, PermanentError) as error:
            log.warning("kept logs of %s cannot be read: %s", row.canonical, error)
            found.notices.append("what pods printed that are gone cannot be read at the moment")
        return None


def _living(cluster: PodLogs, namespace: str, pods: Sequence[RuntimePod], wish: LogWish, cursor: LogCursor) -> _Found:
    requests = [request for pod in pods for request in _requests(pod, wish, cursor)]
    outputs = cluster.read_logs(namespace, requests)
    if outputs and all(output.unread for output in outputs):
        raise TemporaryError(f"no log can be read: {outputs[0].unread}")
    found = _Found()
    by_name = {pod.name: pod for pod in pods}
    for request, output in zip(requests, outputs, strict=True):
        pod = by_name[request.pod]
        whole = _with_news(cluster, namespace, pod, request, output, cursor)
        _take(found, pod, request, whole, cursor, wish.limit)
    return found


def _with_news(
    cluster: PodLogs, namespace: str, pod: RuntimePod, request: LogRequest, output: PodOutput, cursor: LogCursor
) -> PodOutput:
    """The output, read again up to MOST_LOG_BYTES where what was cut has only lines that are known."""
    if not output.is_cut or request.most_bytes == MOST_LOG_BYTES or any(_unread(pod, request, output, cursor)):
        return output
    return cluster.read_logs(namespace, [replace(request, most_bytes=MOST_LOG_BYTES)])[0]


def _noting_gone(cursor: LogCursor, pods: Sequence[RuntimePod], now: datetime) -> LogCursor:
    living = {pod.name for pod in pods}
    places = {
        pod: replace(place, gone_at=None if pod in living else place.gone_at or now)
        for pod, place in cursor.places.items()
    }
    return replace(cursor, places=places)


def _requests(pod: RuntimePod, wish: LogWish, cursor: LogCursor) -> list[LogRequest]:
    if wish.since is None:
        if wish.previous and not pod.restarts:
            return []
        return [LogRequest(pod.name, wish.previous, tail=wish.limit)]
    place = cursor.places.get(pod.name)
    since = place.at if place else cursor.start
    known_restarts = place.restarts if place else 0
    most = min(MOST_LOG_BYTES, _BYTES_BEFORE_NEWS + wish.limit * _BYTES_OF_A_LINE)
    present = LogRequest(pod.name, since=since, most_bytes=most)
    before = replace(present, previous=True)
    if wish.previous:
        return [before] if pod.restarts else []
    # Restarted since the last call: what its process printed last is in the log of the previous run by now.
    return [before, present] if pod.restarts > known_restarts else [present]


def _take(
    found: _Found, pod: RuntimePod, request: LogRequest, output: PodOutput, cursor: LogCursor, limit: int
) -> None:
    if output.unread:
        found.notices.append(f"the log of {pod.name} cannot be read at the moment")
        return
    if pod.name in found.unfinished:
        return
    # One more than a page has: so the page ends before it, and says that there is more.
    unread = list(islice(_unread(pod, request, output, cursor), limit + 1))
    if not output.is_cut or request.tail is not None:
        found.add(unread)
        return
    found.more = True
    if request.previous:
        found.unfinished.add(pod.name)
    last = None if unread else deque(_lines(pod, request, output), maxlen=1)
    if last:
        # More than a call carries was printed within one second, and the cluster goes back by whole seconds alone.
        found.notices.append(f"{pod.name} prints more than 1 MiB a second: some lines are left out")
        skipped = last[0].at.replace(microsecond=0) + timedelta(seconds=1)
        unread = [LogLine(skipped, pod.name, "… lines are left out here …")]
    found.add(unread)


def _unread(pod: RuntimePod, request: LogRequest, output: PodOutput, cursor: LogCursor) -> Iterator[LogLine]:
    lines = _lines(pod, request, output)
    if cursor.start is not None and pod.name not in cursor.places:
        lines = (line for line in lines if cursor.start is None or line.at >= cursor.start)
    return cursor.place_of(pod.name).after(lines)


def _lines(pod: RuntimePod, request: LogRequest, output: PodOutput) -> Iterator[LogLine]:
    has_ended = (request.previous or pod.has_ended) and not output.is_cut
    return parse_output(output.content, pod.name, has_ended=has_ended)


def _settled(cursor: LogCursor, now: datetime) -> list[str]:
    """The pods that are gone for so long that all they printed is in the archive."""
    return [pod for pod, place in cursor.places.items() if place.gone_at and now - place.gone_at >= _ARCHIVE_SETTLES]


def _archive_since(
    row: Installation, pods: Sequence[RuntimePod], wish: LogWish, cursor: LogCursor, now: datetime
) -> datetime | None:
    """From when on the archive is to be asked; None where the cluster has all that is wanted."""
    earliest = max(row.created_at, now - _ARCHIVE_REACH)
    if wish.since is None:
        return earliest if not pods else None
    settled = [cursor.places[pod].at for pod in _settled(cursor, now)]
    if settled:
        return max(min(settled), earliest)
    if cursor.has_kept or cursor.start is None:
        return None
    start = max(cursor.start, earliest)
    return start if not pods or pods[0].created_at > start else None


def _page(row: Installation, wish: LogWish, cursor: LogCursor, pods: Sequence[RuntimePod], found: _Found) -> LogPage:
    lines = sorted((line for lines in found.lines.values() for line in lines), key=lambda line: (line.at, line.pod))
    is_tail = wish.since is None
    shown = _last(lines, wish.limit) if is_tail else _first(lines, wish.limit)
    # The last lines stand for all before them; of the first ones those that did not fit come with the next page.
    left = [] if is_tail else lines[len(shown) :]
    behind = _behind(cursor, lines if is_tail else shown, row, pods, found.unfinished | {line.pod for line in left})
    more = not is_tail and (found.more or bool(left))
    return LogPage(redacted(row, shown), behind, more, "; ".join(dict.fromkeys(found.notices)) or None)


def redacted(row: Installation, lines: Sequence[LogLine]) -> list[LogLine]:
    """The lines with the values of the present config masked, and with those of the last READY one."""
    revisions = [row.revision, *([row.ready_revision] if row.ready_revision else [])]
    secret_keys = {key for revision in revisions for key in revision.secrets}
    texts = Redaction([revision.config for revision in revisions], secret_keys).texts([line.text for line in lines])
    return [replace(line, text=text) for line, text in zip(lines, texts, strict=True)]


def _behind(
    cursor: LogCursor, passed: Sequence[LogLine], row: Installation, pods: Sequence[RuntimePod], unfinished: set[str]
) -> LogCursor:
    """The cursor behind the lines that were passed; the pods `unfinished` have more that was read and not shown."""
    restarts = {pod.name: pod.restarts for pod in pods}
    of_pod: dict[str, list[LogLine]] = {pod: [] for pod in cursor.places}
    for line in passed:
        of_pod.setdefault(line.pod, []).append(line)
    places = {}
    for pod, lines in of_pod.items():
        place = cursor.place_of(pod).moved(lines)
        if pod not in restarts:
            # A pod that is new and not there is known from the archive alone: it is gone for long.
            place = replace(place, gone_at=place.gone_at or row.created_at)
        elif pod not in unfinished:
            place = replace(place, restarts=restarts[pod])
        places[pod] = place
    return replace(cursor, places=places)


def _first(lines: list[LogLine], limit: int) -> list[LogLine]:
    """The first lines that fit on a page, at least one."""
    taken = size = 0
    for line in lines[:limit]:
        size += len(line.text.encode("utf-8", "replace"))
        if size > MOST_BYTES and taken:
            break
        taken += 1
    return lines[:taken]


def _last(lines: list[LogLine], limit: int) -> list[LogLine]:
    return _first(lines[::-1], limit)[::-1]

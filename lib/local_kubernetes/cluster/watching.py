"""Watches over HTTP: a JSON line for each change, until the client leaves, its time is over, or it falls too far
behind.
"""

import asyncio
import random
from collections.abc import Callable, Iterable
from datetime import datetime

from aiohttp import web

from . import answers
from .kinds import Object
from .negotiation import Listing, View
from .records import Change, Record
from .routes import Route
from .status import ApiError, expired
from .store import Store

BOOKMARK_SECONDS = 30.0
STALL_SECONDS = 30.0  # How long a client may leave a line unread before its connection is cut.
_LONGEST_SECONDS = (1800.0, 3600.0)  # Watches without a timeout end somewhere in between, not all at once.

_INITIAL_END = {"k8s.io/initial-events-end": "true"}


class Watching:
    """The watch verb: a stream of changes that lasts until the client or its timeout ends it."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def serve(self, request: web.Request, route: Route, listing: Listing, view: View) -> web.StreamResponse:
        """Stream changes as one line of JSON each. An error after the beginning is an event of the stream."""
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Cache-Control": "no-cache"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        stream = _Stream(response, answers.encoded(view, self._clock()))
        try:
            await self._follow(stream, route, listing)
        except ApiError as error:
            await stream.error(error)
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
            return response
        await response.write_eof()
        return response

    async def _follow(self, stream: "_Stream", route: Route, listing: Listing) -> None:
        fresh = not listing.version
        since = self._store.version if fresh else listing.version or 0
        watch, missed = self._store.watch(route.kind, since)
        try:
            if fresh:
                await stream.lines("ADDED", self._present(route, listing))
            if fresh and listing.initial_events:
                await stream.bookmark(route, since, _INITIAL_END)
            await stream.changes(route, listing, missed)
            deadline = _now() + (listing.timeout or random.uniform(*_LONGEST_SECONDS))  # noqa: S311 - only spreads load
            while (left := deadline - _now()) > 0 and not watch.closed:
                arrived = await watch.next(min(left, BOOKMARK_SECONDS))
                if watch.overrun:
                    raise expired("too old resource version: the watch fell too far behind; list again")
                await stream.changes(route, listing, arrived)
                if not arrived and listing.bookmarks and not watch.waiting:
                    await stream.bookmark(route, self._store.version)
        finally:
            self._store.unwatch(route.kind, watch)

    def _present(self, route: Route, listing: Listing) -> list[Record]:
        records = self._store.select(route.kind, route.namespace)
        return [record for record in records if listing.matches is None or listing.matches(record.object)]


class _Stream:
    def __init__(self, response: web.StreamResponse, encoded: Callable[[Record], bytes]) -> None:
        self._response = response
        self._encoded = encoded

    async def lines(self, type_: str, records: Iterable[Record]) -> None:
        await self._write([_line(type_, self._encoded(record)) for record in records])

    async def changes(self, route: Route, listing: Listing, changes: Iterable[Change]) -> None:
        seen = ((_seen(change, route, listing), change.record) for change in changes)
        await self._write([_line(type_, self._encoded(record)) for type_, record in seen if type_])

    async def bookmark(self, route: Route, version: int, annotations: dict[str, str] | None = None) -> None:
        metadata: Object = {"resourceVersion": str(version)}
        if annotations:
            metadata["annotations"] = annotations
        body = {"kind": route.kind.name, "apiVersion": route.kind.api_version, "metadata": metadata}
        await self._write([_line("BOOKMARK", answers.encode(body))])

    async def error(self, error: ApiError) -> None:
        await self._write([_line("ERROR", answers.encode(error.status()))])

    async def _write(self, lines: list[bytes]) -> None:
        if lines:
            async with asyncio.timeout(STALL_SECONDS):
                await self._response.write(b"".join(lines))


def _seen(change: Change, route: Route, listing: Listing) -> str:
    """The event of a change for this watch, empty when it has none. An object that begins to match is ADDED, one that
    stops is DELETED.
    """
    if route.namespace and change.record.namespace != route.namespace:
        return ""
    if listing.matches is None:
        return change.type
    before = change.previous is not None and listing.matches(change.previous.object)
    after = change.type != "DELETED" and listing.matches(change.record.object)
    if before and not after:
        return "DELETED"
    if after:
        return "MODIFIED" if before else "ADDED"
    return ""


def _line(type_: str, body: bytes) -> bytes:
    return b'{"type":"' + type_.encode() + b'","object":' + body + b"}\n"


def _now() -> float:
    return asyncio.get_running_loop().time()

"""HTTP verbs on resources: each reads its options and body, asks the store, and answers in the client's form."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from itertools import islice

from aiohttp import web

from . import answers, patch, scale
from .bindings import bind
from .deletion import DeleteOptions, Deletions
from .kinds import Object
from .logs import Logs
from .negotiation import (
    APPLY,
    Listing,
    View,
    continue_token,
    is_watch,
    read_object,
    read_optional,
    read_patch,
    write_options,
)
from .records import Record
from .resources import Resources, Target, rfc3339
from .routes import Route
from .status import bad_request, method_not_allowed, unsupported_media_type, version_too_large
from .store import Store
from .watching import Watching

_MERGE = "application/merge-patch+json"

Handler = Callable[[web.Request, Route], Awaitable[web.StreamResponse]]


class Verbs:
    """The verbs of the API over one store."""

    def __init__(
        self, store: Store, resources: Resources, deletions: Deletions, logs: Logs, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._resources = resources
        self._deletions = deletions
        self._logs = logs
        self._watching = Watching(store, clock)
        self._clock = clock
        self._on_object: dict[str, Handler] = {
            "GET": self._get,
            "PUT": self._replace,
            "PATCH": self._patch,
            "DELETE": self._delete,
        }
        self._on_collection: dict[str, Handler] = {
            "GET": self._list,
            "POST": self._create,
            "DELETE": self._delete_collection,
        }

    async def serve(self, request: web.Request, route: Route) -> web.StreamResponse:
        """Raises ApiError for everything that is refused."""
        method = request.method
        if route.subresource == "log" and method == "GET":
            return await self._logs.serve(request, self._resources.read(_target(route)))
        if route.subresource == "binding" and method == "POST":
            return await self._bind(request, route)
        if route.subresource == "scale" and method in ("GET", "PUT", "PATCH"):
            return await self._scale(request, route)
        if route.subresource not in ("", "status"):
            raise method_not_allowed()
        handler = (self._on_object if route.name else self._on_collection).get(method)
        if handler is None or (route.subresource and method == "DELETE"):
            raise method_not_allowed()
        return await handler(request, route)

    async def _get(self, request: web.Request, route: Route) -> web.StreamResponse:
        if is_watch(request.query):
            return await self._watch(request, route)
        return answers.one(self._resources.read(_target(route)), View.accepted(request), self._clock())

    async def _list(self, request: web.Request, route: Route) -> web.StreamResponse:
        if is_watch(request.query):
            return await self._watch(request, route)
        listing = Listing.read(route.kind, request.query)
        if listing.version is not None and listing.version > self._store.version:
            raise version_too_large(listing.version, self._store.version)
        found = self._select(route, listing)
        records = list(islice(found, listing.limit)) if listing.limit else list(found)
        metadata: Object = {"resourceVersion": str(self._store.version)}
        left = sum(1 for _ in found)
        if left:
            metadata["continue"] = continue_token(records[-1].namespace, records[-1].name)
            if listing.matches is None:
                metadata["remainingItemCount"] = left
        return answers.many(route.kind, records, metadata, View.accepted(request), self._clock())

    async def _watch(self, request: web.Request, route: Route) -> web.StreamResponse:
        listing = Listing.read(route.kind, request.query, route.name)
        return await self._watching.serve(request, route, listing, View.accepted(request))

    async def _create(self, request: web.Request, route: Route) -> web.StreamResponse:
        if route.kind.namespaced and not route.namespace:
            raise method_not_allowed()
        write = write_options(request)
        body = await read_object(request)
        record = self._resources.create(route.kind, route.namespace, body, write)
        return answers.one(record, View.accepted(request), self._clock(), code=201, warnings=write.warnings)

    async def _replace(self, request: web.Request, route: Route) -> web.StreamResponse:
        write = write_options(request)
        body = await read_object(request)
        record = self._resources.replace(_target(route), body, write)
        return answers.one(record, View.accepted(request), self._clock(), warnings=write.warnings)

    async def _patch(self, request: web.Request, route: Route) -> web.StreamResponse:
        write = write_options(request)
        media_type, body = await read_patch(request)
        created = False
        if media_type == APPLY:
            if not request.query.get("fieldManager"):
                raise bad_request(
                    "PatchOptions.meta.k8s.io is invalid: fieldManager: Required value: is required for apply patch"
                )
            record, created = self._resources.apply(_target(route), body, write)
        else:
            if "force" in request.query:
                raise bad_request(
                    "PatchOptions.meta.k8s.io is invalid: force: Forbidden: may not be specified for non-apply patch"
                )
            record = self._resources.patch(_target(route), media_type, body, write)
        code = 201 if created else 200
        return answers.one(record, View.accepted(request), self._clock(), code=code, warnings=write.warnings)

    async def _delete(self, request: web.Request, route: Route) -> web.StreamResponse:
        options = DeleteOptions.read(await read_optional(request), request.query)
        record, gone = self._deletions.delete(_target(route), options)
        if not gone or route.kind.returns_deleted:
            return answers.one(record, View.accepted(request), self._clock())
        details = {"name": record.name, "group": route.kind.group, "kind": route.kind.plural, "uid": record.uid}
        return answers.plain(
            {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Success",
                "details": {key: value for key, value in details.items() if value},
            }
        )

    async def _delete_collection(self, request: web.Request, route: Route) -> web.StreamResponse:
        if route.kind.namespaced and not route.namespace:
            raise method_not_allowed()
        options = DeleteOptions.read(await read_optional(request), request.query)
        records = list(self._select(route, Listing.read(route.kind, request.query)))
        for record in records:
            self._deletions.delete(Target(route.kind, record.namespace, record.name), options)
        metadata = {"resourceVersion": str(self._store.version)}
        return answers.many(route.kind, records, metadata, View.accepted(request), self._clock())

    async def _bind(self, request: web.Request, route: Route) -> web.StreamResponse:
        body = await read_object(request)
        bind(self._store, _target(route), body, rfc3339(self._clock()))
        return answers.plain({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}, 201)

    async def _scale(self, request: web.Request, route: Route) -> web.StreamResponse:
        target = _target(route)
        if request.method == "GET":
            return answers.plain(scale.view(self._resources.read(target)))
        write = write_options(request)
        if request.method == "PUT":
            wanted = await read_object(request)
        else:
            media_type, body = await read_patch(request)
            wanted = _patched_scale(scale.view(self._resources.read(target)), media_type, body)
        record = self._resources.patch(target, _MERGE, scale.change(wanted), write)
        return answers.plain(scale.view(record))

    def _select(self, route: Route, listing: Listing) -> Iterator[Record]:
        records = self._store.select(route.kind, route.namespace)
        if listing.after:
            after = listing.after
            records = (record for record in records if (record.namespace, record.name) > after)
        if listing.matches:
            matches = listing.matches
            records = (record for record in records if matches(record.object))
        return records


def _target(route: Route) -> Target:
    return Target(route.kind, route.namespace, route.name, route.subresource)


def _patched_scale(current: Object, media_type: str, body: object) -> object:
    """A Scale after a patch; it has no lists, so a strategic merge of it is a plain one."""
    if media_type == APPLY:
        raise unsupported_media_type((_MERGE,))
    if media_type == "application/json-patch+json":
        return patch.json_patch(current, body)
    return patch.json_merge(current, body)

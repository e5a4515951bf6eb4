"""Objects and lists as responses, in the form the client accepts."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime

from aiohttp import web

from . import tables
from .kinds import Kind, Object
from .negotiation import View
from .records import Record

_JSON = "application/json"


def plain(body: Object, code: int = 200, headers: Iterable[tuple[str, str]] = ()) -> web.Response:
    """An answer that is the same in every form, such as a Status."""
    return web.Response(body=encode(body), status=code, content_type=_JSON, headers=dict(headers))


def one(record: Record, view: View, now: datetime, *, code: int = 200, warnings: Iterable[str] = ()) -> web.Response:
    """An answer of one object in the client's form, with each warning in a `Warning` header as RFC 7234 writes it."""
    response = web.Response(body=encoded(view, now)(record), status=code, content_type=_JSON)
    for warning in warnings:
        text = warning.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{text}"')
    return response


def many(kind: Kind, records: list[Record], metadata: Object, view: View, now: datetime) -> web.Response:
    """A list; objects are sent as they were first encoded."""
    if view.form == "table":
        body = tables.table(kind, records, now, include=view.include)
        return plain({**body, "metadata": metadata})
    name, api_version = f"{kind.name}List", kind.api_version
    if view.form == "metadata":
        name, api_version = "PartialObjectMetadataList", "meta.k8s.io/v1"
    items = b",".join(map(encoded(view, now), records))
    head = encode({"kind": name, "apiVersion": api_version, "metadata": metadata})
    return web.Response(body=head[:-1] + b',"items":[' + items + b"]}", content_type=_JSON)


def encoded(view: View, now: datetime) -> Callable[[Record], bytes]:
    """How one object reads in that view."""
    if view.form == "table":
        return lambda record: encode(tables.table(record.kind, [record], now, include=view.include))
    if view.form == "metadata":
        return lambda record: encode(tables.partial_metadata(record))
    return lambda record: record.json


def encode(body: Object) -> bytes:
    """Compact JSON in UTF-8."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()

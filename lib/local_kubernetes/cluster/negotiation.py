"""What a request says besides its path: the options in its query, its body, and the form of answer it accepts."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from . import protobuf, selectors
from .bodies import parse
from .kinds import Kind, Object
from .resources import Write
from .selectors import Matches
from .status import bad_request, too_large, unsupported_media_type

BODY_LIMIT = 3 * 1024 * 1024  # Bytes, as the API server's own.
APPLY = "application/apply-patch+yaml"
PATCHES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    APPLY,
)
_JSON = "application/json"
_YAML = "application/yaml"
_VALIDATIONS = ("", "Ignore", "Warn", "Strict")


@dataclass(frozen=True)
class View:
    """The form a client wants its answer in: the object itself, a Table, or only its metadata."""

    form: str = "object"
    include: str = "Metadata"

    @classmethod
    def accepted(cls, request: web.Request) -> "View":
        """The first form in the Accept header that is served; the object when none is."""
        for choice in request.headers.get("Accept", "").split(","):
            parameters = dict(re.findall(r";\s*(\w+)=([\w.]+)", choice))
            wanted = parameters.get("as", "").removesuffix("List")
            if parameters.get("v", "v1") != "v1":
                continue
            if wanted == "Table":
                return cls("table", request.query.get("includeObject", "Metadata"))
            if wanted == "PartialObjectMetadata":
                return cls("metadata")
            if choice.strip().startswith(_JSON):
                return cls()
        return cls()


@dataclass(frozen=True)
class Listing:
    """Options of list and watch; `timeout` in seconds, None when the client sets none."""

    matches: Matches | None
    limit: int
    after: tuple[str, str] | None
    version: int | None
    timeout: float | None
    bookmarks: bool
    initial_events: bool

    @classmethod
    def read(cls, kind: Kind, query: Mapping[str, str], name: str = "") -> "Listing":
        """Raises a 400 ApiError for selectors, numbers and tokens that cannot be understood."""
        by_field = query.get("fieldSelector", "") if not name else f"metadata.name={name}"
        return cls(
            matches=_both(selectors.labels(query.get("labelSelector", "")), selectors.fields(kind, by_field)),
            limit=_number(query, "limit") or 0,
            after=_continued(query.get("continue", "")),
            version=_number(query, "resourceVersion"),
            timeout=_number(query, "timeoutSeconds"),
            bookmarks=_flag(query, "allowWatchBookmarks"),
            initial_events=_flag(query, "sendInitialEvents"),
        )


def continue_token(namespace: str, name: str) -> str:
    """The token that continues a limited list after that object."""
    return urlsafe_b64encode(json.dumps([namespace, name]).encode()).decode()


def is_watch(query: Mapping[str, str]) -> bool:
    """Whether the query asks for a watch instead of a list."""
    return _flag(query, "watch")


def write_options(request: web.Request) -> Write:
    """Raises a 400 ApiError for options that are not understood."""
    query = request.query
    dry_run, validation = query.get("dryRun", ""), query.get("fieldValidation", "")
    if dry_run not in ("", "All"):
        raise bad_request(f'dryRun: Unsupported value: "{dry_run}": supported values: "All"')
    if validation not in _VALIDATIONS:
        raise bad_request(f'fieldValidation: Unsupported value: "{validation}": supported values: Ignore, Warn, Strict')
    manager = query.get("fieldManager") or request.headers.get("User-Agent", "unknown").partition("/")[0]
    if len(manager) > 128 or not manager.isprintable():
        raise bad_request("fieldManager: Invalid value: it has at most 128 characters, all printable")
    return Write(manager, bool(dry_run), _flag(query, "force"), validation or "Warn")


async def read_object(request: web.Request) -> object:
    """The body of a create or update. Raises a 400, 413 or 415 ApiError.

    A body without a Content-Type is JSON, as for a real API server: the official Python client sends none.
    """
    return _decoded(_media_type(request) or _JSON, await _content(request))


async def read_patch(request: web.Request) -> tuple[str, object]:
    """The media type and body of a patch. Raises a 400, 413 or 415 ApiError."""
    media_type = _media_type(request)
    if media_type not in PATCHES:
        raise unsupported_media_type(PATCHES)
    return media_type, parse(await _content(request), is_yaml=media_type == APPLY)


async def read_optional(request: web.Request) -> Object:
    """The body of a delete, an empty object when it has none. Raises a 400, 413 or 415 ApiError."""
    content = await _content(request)
    if not content:
        return {}
    body = _decoded(_media_type(request) or _JSON, content)
    if not isinstance(body, dict):
        raise bad_request(f"DeleteOptions is an object, not {type(body).__name__}")
    return body


def _decoded(media_type: str, content: bytes) -> object:
    if media_type == protobuf.MEDIA_TYPE:
        return protobuf.decode(content)
    if media_type not in (_JSON, _YAML):
        raise unsupported_media_type((_JSON, _YAML))
    return parse(content, is_yaml=media_type == _YAML)


async def _content(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise too_large(BODY_LIMIT) from error


def _media_type(request: web.Request) -> str:
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() in ("true", "1")


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    if not text.isdecimal():
        raise bad_request(f'{name}: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax')
    return int(text)


def _continued(token: str) -> tuple[str, str] | None:
    if not token:
        return None
    try:
        namespace, name = json.loads(urlsafe_b64decode(token))
    except (ValueError, TypeError) as error:
        raise bad_request(f"continue key is not valid: {error}") from error
    return str(namespace), str(name)


def _both(first: Matches | None, second: Matches | None) -> Matches | None:
    if first is None or second is None:
        return first or second
    return lambda body: first(body) and second(body)

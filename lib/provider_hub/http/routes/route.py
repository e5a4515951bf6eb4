"""What a route is, and how one is found by a path."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from provider_hub.http.models.base import NoQuery, Request, Response


class Access(Enum):
    """Who may call a route."""

    ANYONE = "anyone"
    ANYONE_OR_CUSTOMER = "anyone; a customer token shows what is its organization's own"
    CUSTOMER = "customer realm"
    TENANT = "customer realm, with an organization"
    CONSOLE = "console realm"
    CONSOLE_MACHINE = "console realm, machines only"


JSON = "application/json"
HTML = "text/html; charset=utf-8"

Shape = type[Response] | type[list[Any]] | type[bytes] | None


@dataclass(frozen=True, slots=True)
class Route:
    """One route: `name` is its handler and its operation id.

    `shape` None answers without a body; bytes are the handler's own, of the type `media`. With `location`, a
    created row's address is in the header of that name.
    """

    method: str
    path: str
    name: str
    summary: str
    access: Access
    shape: Shape = None
    status: int = 200
    other_statuses: tuple[int, ...] = ()
    body: type[Request] | None = None
    body_required: bool = True
    query: type[Request] = NoQuery
    refusals: tuple[int, ...] = ()
    media: str = JSON
    location: bool = False
    function: str = field(kw_only=True)

    @property
    def segments(self) -> tuple[str, ...]:
        return _segments_of(self.path)


class Routing:
    """Finds a table's routes by their paths."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_length: dict[int, list[Route]] = {}
        for route in routes:
            self._by_length.setdefault(len(route.segments), []).append(route)

    def match(self, path: str) -> tuple[tuple[Route, ...], dict[str, str]]:
        """The routes that a decoded path leads to, one for each method, and its parameters.

        A literal segment wins over a parameter: `/ops/dead-letter/retry-all` is never the letter `retry-all`.
        """
        parts = _segments_of(path)
        fitting = [route for route in self._by_length.get(len(parts), ()) if _fits(route.segments, parts)]
        if not fitting:
            return (), {}
        best = min(_literalness(route.segments) for route in fitting)
        routes = tuple(route for route in fitting if _literalness(route.segments) == best)
        named = zip(routes[0].segments, parts, strict=True)
        return routes, {pattern[1:-1]: part for pattern, part in named if pattern.startswith("{")}


def _segments_of(path: str) -> tuple[str, ...]:
    """A decoded path in parts, a trailing slash or none being the same."""
    return tuple(path.strip("/").split("/")) if path.strip("/") else ()


def _fits(pattern: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    return all(word == part or (word.startswith("{") and part) for word, part in zip(pattern, parts, strict=True))


def _literalness(pattern: tuple[str, ...]) -> tuple[bool, ...]:
    return tuple(word.startswith("{") for word in pattern)

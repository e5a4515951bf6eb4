"""What a route is, how a handler declares one, and how one is found by a path."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from enum import Enum
from http import HTTPStatus
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, get_args, get_origin, get_type_hints

from provider_hub.actions.wishes import Wish
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.identity import ConsoleScope
from provider_hub.domain.roles import Right
from provider_hub.http.call import Call, Reply
from provider_hub.http.models import Response
from provider_hub.http.parameters import Parameter

JSON = "application/json"
HTML = "text/html; charset=utf-8"
TOML = "application/toml"
INTEGRITY = "application/vnd.pypi.integrity.v1+json"
CYCLONEDX = "application/vnd.cyclonedx+json; version=1.6"

Shape = type[Response] | type[list[Any]] | type[bytes] | None
H = TypeVar("H")
P = ParamSpec("P")
R = TypeVar("R")


class Access(Enum):
    """Who may call a route."""

    ANYONE = "anyone"
    ANYONE_OR_CUSTOMER = "anyone; a customer token shows what is its organization's own"
    CUSTOMER = "customer realm"
    TENANT = "customer realm, with an organization"
    CONSOLE = "console realm"
    CONSOLE_MACHINE = "console realm, machines only"


@dataclass(frozen=True, slots=True)
class Route:
    """One route of `function`, as its handler declares it.

    `refusals` are the statuses that this route's own rules answer with; what follows from its access and its
    body is not in there. `shape` None answers without a body; bytes are of the type `media`. With `location`, the
    header of that name has the path of the created row. `other_media` are types that `Accept` may ask for instead of
    `media`: the model of the answer writes each of them (`models.Representable`). `example` is how its answer differs
    from its model's example. `needs` is the right that it takes where its method does not say. `form` says that it
    reads an upload form in the place of a JSON body (`http.upload_form`). `login` says that it takes a token as the
    password of any user, too. `mints` says that it gives tokens to publishing tools, which read the `errors` of every
    refusal.
    `scope` is what the token of a console machine must have; each route of theirs has one.
    """

    function: str
    method: str
    path: str
    access: Access
    handler: Callable[..., Any]
    parameters: Mapping[str, Parameter]
    shape: Shape = None
    status: int = 200
    other_statuses: tuple[int, ...] = ()
    body: type[Wish] | None = None
    body_required: bool = True
    query: type[Wish] | None = None
    refusals: tuple[int, ...] = ()
    media: str = JSON
    location: bool = False
    example: Mapping[str, Any] = field(default_factory=dict)
    needs: Right | None = None
    scope: ConsoleScope | None = None
    form: bool = False
    other_media: tuple[str, ...] = ()
    login: bool = False
    mints: bool = False
    segments: tuple[str, ...] = field(init=False)
    lists: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        if (self.access is Access.CONSOLE_MACHINE) != (self.scope is not None):
            raise ValueError(f"{self.method} {self.path}: a route for console machines, and no other, has a scope")
        object.__setattr__(self, "segments", _segments_of(self.path))
        fields = self.query.model_fields.items() if self.query else ()
        object.__setattr__(self, "lists", frozenset(name for name, of in fields if get_origin(of.annotation) is list))

    @property
    def name(self) -> str:
        """The handler's name, which is the operation id."""
        return self.handler.__name__

    @property
    def takes_key(self) -> bool:
        """Whether it takes an Idempotency-Key: keys are kept by organization, so a route without one takes none."""
        return self.method == "POST" and self.access is Access.TENANT and not self.form

    @property
    def reads_body(self) -> bool:
        """Whether it reads a body: its own, a form, or one that an Idempotency-Key is bound to."""
        return self.body is not None or self.form or self.takes_key

    @property
    def has_tag(self) -> bool:
        """Whether its answers have an ETag: those to GET which are an answer, and do not lead to one."""
        return self.method == "GET" and self.status == HTTPStatus.OK

    @property
    def right(self) -> Right:
        """What a caller of the customer realm must be allowed: what the route says, else by its method."""
        return self.needs or (Right.READ if self.method == "GET" else Right.MANAGE)

    @property
    def publishes(self) -> bool:
        """Whether it publishes for an organization: the token of a trusted publisher opens such routes alone."""
        return self.function == "publishing" and self.access is Access.TENANT and self.right is Right.PUBLISH

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring, without its full stop."""
        return self._docstring.partition("\n")[0].removesuffix(".")

    @property
    def explanation(self) -> str:
        """The rest of the handler's docstring, as one line."""
        return " ".join(self._docstring.partition("\n")[2].split())

    @property
    def _docstring(self) -> str:
        return (self.handler.__doc__ or "").strip()


class Routes(Generic[H]):
    """The routes of one function; `H` is what their handlers work with.

    A handler is `(hub: H, call: Call)`, with a third parameter named `body`, `query` or `form` where it reads one.
    The annotations of that parameter and of the return value are the models that the route validates against,
    answers with and describes. `about` is the function in one sentence. `parameters` are those in the routes' paths.
    """

    def __init__(
        self,
        function: str,
        *parts: "Routes[Any]",
        about: str = "",
        parameters: Mapping[str, Parameter] | None = None,
    ) -> None:
        self.function = function
        self.about = about
        self._parameters = parameters or {}
        self._routes = [route for part in parts for route in part]

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def add(  # noqa: PLR0913 - each says one thing of the route, and most routes need three
        self,
        method: str,
        path: str,
        access: Access,
        *,
        status: int = 200,
        other_statuses: tuple[int, ...] = (),
        refusals: tuple[int, ...] = (),
        body_required: bool = True,
        media: str = JSON,
        location: bool = False,
        example: Mapping[str, Any] | None = None,
        needs: Right | None = None,
        scope: ConsoleScope | None = None,
        other_media: tuple[str, ...] = (),
        login: bool = False,
        mints: bool = False,
    ) -> Callable[[Callable[Concatenate[H, Call, P], R]], Callable[Concatenate[H, Call, P], R]]:
        """Declare the route that the decorated function handles; see `Route` for the arguments."""

        def declare(handler: Callable[Concatenate[H, Call, P], R]) -> Callable[Concatenate[H, Call, P], R]:
            hints = get_type_hints(handler)
            self._routes.append(
                Route(
                    self.function,
                    method,
                    path,
                    access,
                    handler,
                    self._parameters_of(path),
                    shape=_shape_of(hints["return"]),
                    status=status,
                    other_statuses=other_statuses,
                    body_required=body_required,
                    refusals=refusals,
                    media=media,
                    location=location,
                    example=example or {},
                    needs=needs,
                    scope=scope,
                    other_media=other_media,
                    login=login,
                    mints=mints,
                    **_read_by(hints),
                )
            )
            return handler

        return declare

    def _parameters_of(self, path: str) -> dict[str, Parameter]:
        names = [segment[1:-1] for segment in _segments_of(path) if segment.startswith("{")]
        if unknown := set(names) - self._parameters.keys():
            raise ValueError(f"{path}: say what {', '.join(sorted(unknown))} is, in `parameters` of the Routes")
        return {name: self._parameters[name] for name in names}


class Routing:
    """Finds routes by their paths."""

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


def _read_by(hints: Mapping[str, Any]) -> dict[str, Any]:
    """What a handler reads, by the names of its parameters."""
    return {"body": hints.get("body"), "query": hints.get("query"), "form": "form" in hints}


def _shape_of(returned: Any) -> Shape:
    """What a handler's return annotation says of the body: `Reply[X]` answers with X."""
    shape: Any = get_args(returned)[0] if get_origin(returned) is Reply else returned
    return None if shape is type(None) else shape


def _segments_of(path: str) -> tuple[str, ...]:
    """A decoded path in parts; a trailing slash adds none."""
    return tuple(path.strip("/").split("/")) if path.strip("/") else ()


def _fits(pattern: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    return all(word == part or (word.startswith("{") and part) for word, part in zip(pattern, parts, strict=True))


def _literalness(pattern: tuple[str, ...]) -> tuple[bool, ...]:
    return tuple(word.startswith("{") for word in pattern)

"""Paths of the API into what they name, by the table of kinds."""

from dataclasses import dataclass

from .kinds import KINDS, Kind, find
from .status import no_such_path

_VERSIONS = {(kind.group, kind.version) for kind in KINDS}


@dataclass(frozen=True)
class Route:
    """A resource's path: a collection when `name` is empty, in every namespace when `namespace` is too."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def resource_route(path: str) -> Route:
    """The route of `/api/v1/…` or `/apis/GROUP/VERSION/…`. Raises a 404 ApiError for any other path."""
    parts = path.strip("/").split("/")
    group, version, rest = ("", parts[1:2], parts[2:]) if parts[0] == "api" else (parts[1:2], parts[2:3], parts[3:])
    kind_of = _Finder("".join(group), "".join(version))
    if len(rest) >= 3 and rest[0] == "namespaces" and kind_of.serves(rest[2]):
        return _named(kind_of(rest[2]), rest[1], rest[3:])
    if not rest:
        raise no_such_path()
    return _named(kind_of(rest[0]), "", rest[1:])


def group_version(path: str) -> tuple[str, str] | None:
    """The group and version whose discovery document that path is, None for any other path."""
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) == 2:
        found = ("", parts[1])
    elif parts[0] == "apis" and len(parts) == 3:
        found = (parts[1], parts[2])
    else:
        return None
    return found if found in _VERSIONS else None


@dataclass(frozen=True)
class _Finder:
    group: str
    version: str

    def serves(self, plural: str) -> bool:
        kind = find(self.group, self.version, plural)
        return kind is not None and kind.namespaced

    def __call__(self, plural: str) -> Kind:
        kind = find(self.group, self.version, plural)
        if kind is None:
            raise no_such_path()
        return kind


def _named(kind: Kind, namespace: str, rest: list[str]) -> Route:
    if len(rest) > 2:
        raise no_such_path()
    name, subresource = (*rest, "", "")[:2]
    if subresource and subresource not in kind.subresources:
        raise no_such_path()
    if name and kind.namespaced and not namespace:
        raise no_such_path()
    return Route(kind, namespace, name, subresource)

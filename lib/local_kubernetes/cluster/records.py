"""Versions of objects, and the changes between them that watches send."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from .kinds import Kind, Object

Key = tuple[str, str, str]  # Plural with group, namespace (empty when cluster-scoped), name.


@dataclass(frozen=True)
class Record:
    """One version of one object. Its JSON is encoded once for all its readers."""

    kind: Kind
    object: Object
    version: int

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.object["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """The object's namespace; empty for kinds that have none."""
        return str(self.object["metadata"].get("namespace", ""))

    @property
    def uid(self) -> str:
        """The id that differs between two objects of one name."""
        return str(self.object["metadata"]["uid"])

    @property
    def key(self) -> Key:
        """Kind, namespace and name, which one object has at a time."""
        return self.kind.resource, self.namespace, self.name

    @property
    def owners(self) -> list[Object]:
        """The object's ownerReferences."""
        return self.object["metadata"].get("ownerReferences") or []

    @cached_property
    def json(self) -> bytes:
        """The object as JSON, encoded once for all watches."""
        return json.dumps(self.object, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True)
class Change:
    """One step of the history; `previous` is None for an object that is new."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    record: Record
    previous: Record | None

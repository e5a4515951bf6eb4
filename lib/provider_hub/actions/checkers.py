"""The ports of what checks a config against a schema, and a schema before it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from provider_hub.domain.errors import Problem


class ConfigChecker(Protocol):
    """The validator of a tenant's config against a provider's JSON Schema."""

    def problems(
        self, config: Mapping[str, str], schema: str, sealed_keys: Set[str] = frozenset(), organization_id: str = ""
    ) -> list[Problem] | None:
        """The first problems, an empty list where there are none; None where it cannot be found out.

        `sealed_keys` are set to values that nobody here can read: only what does not depend on them is told.
        The call may take seconds. An action makes it outside of every transaction. An organization has one under way
        that may take long; its others wait. Raises TemporaryError where too many do.
        """


class GivenSchema(NamedTuple):
    """A JSON Schema as JSON text. `is_evaluated` says that the hub is going to check configs by it."""

    text: str
    is_evaluated: bool


class SchemaChecker(Protocol):
    """The check of an author's JSON Schemas before they are stored."""

    def refusals(self, schemas: Sequence[GivenSchema]) -> list[str | None]:
        """Why each of these schemas may not be stored, as the rest of a sentence; None where it may."""

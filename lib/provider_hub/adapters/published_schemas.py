"""The check of an author's schemas in a limited child, which compiles their patterns and walks through them."""

import json
from collections.abc import Sequence
from typing import IO, Any

from provider_hub.actions.checkers import GivenSchema
from provider_hub.adapters.limited_child import Limits, OverLimit, run_limited

_LIMITS = Limits()
_IMPORTS = ("provider_hub.domain.json_schema",)


class LimitedSchemaChecker:
    """Checks schemas before they are stored (`actions.checkers.SchemaChecker`)."""

    def refusals(self, schemas: Sequence[GivenSchema]) -> list[str | None]:
        """For each schema why it is refused; None where it may be stored. Over a limit all are refused."""
        try:
            found: list[str | None] = run_limited(_refusals, list(schemas), _LIMITS, imports=_IMPORTS)
        except OverLimit as error:
            return [f"{error}: make the schemas smaller"] * len(schemas)
        return found


def _refusals(schemas: Any, _file: IO[bytes] | None) -> list[str | None]:
    return [_refusal(text, is_evaluated=is_evaluated) for text, is_evaluated in schemas]


def _refusal(text: str, *, is_evaluated: bool) -> str | None:
    from provider_hub.domain.json_schema import SchemaRefused, check_storable  # noqa: PLC0415 - in the template alone

    try:
        check_storable(json.loads(text), is_evaluated=is_evaluated)
    except SchemaRefused as why:
        return str(why)
    return None

"""The schemas of a publication are checked together, each refusal at the field that it concerns."""

from collections.abc import Iterator
from typing import Any

from provider_hub.actions.checkers import GivenSchema, SchemaChecker
from provider_hub.actions.wishes.publishing import PublishWish, ResourceSchemaWish, as_text
from provider_hub.domain.errors import Invalid, Problem, SchemaViolation

# A tenant's config is checked by the provider's own schema alone. People and their tools read the others.
_EVALUATED = ("config_schema",)


def check_schemas(checker: SchemaChecker, wish: PublishWish) -> None:
    """Raises SchemaViolation for what may not be stored; Invalid for the legacy map, which is described as any JSON."""
    described = [*_described(wish)]
    legacy = [
        (("resource_schemas", name), schema) for name, given in wish.legacy_schemas.items() for schema in _both(given)
    ]
    given = [(place, text) for place, schema in (*described, *legacy) if (text := as_text(schema)) is not None]
    if not given:
        return
    refusals = checker.refusals([GivenSchema(text, place == _EVALUATED) for place, text in given])
    problems = [
        Problem(("body", *place), why) for (place, _), why in zip(given, refusals, strict=True) if why is not None
    ]
    if any(problem.loc[1] == "resource_schemas" for problem in problems):
        raise Invalid(*problems)
    if problems:
        raise SchemaViolation(*problems)


def _described(wish: PublishWish) -> Iterator[tuple[tuple[str, ...], dict[str, Any] | None]]:
    yield _EVALUATED, wish.config_schema
    yield ("outputs_schema",), wish.outputs_schema
    for name, given in (wish.schemas or {}).items():
        yield ("schemas", name, "config_schema"), given.config_schema
        yield ("schemas", name, "outputs_schema"), given.outputs_schema


def _both(given: ResourceSchemaWish) -> tuple[dict[str, Any] | None, ...]:
    return given.config_schema, given.outputs_schema

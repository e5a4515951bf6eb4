"""Kinds of fields that several wishes have, with their bounds."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetPydanticSchema
from pydantic_core import CoreSchema, core_schema

from provider_hub.domain.catalog_texts import LONGEST_DESCRIPTION, LONGEST_DISPLAY_NAME
from provider_hub.domain.names import MAX_CANONICAL, SHORT_PATTERN, SLUG_PATTERN, ProviderName
from provider_hub.domain.versions import MAX_LENGTH as MAX_VERSION
from provider_hub.domain.versions import PATTERN as VERSION_PATTERN
from provider_hub.domain.versions import Version


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain a NUL character")
    return text


def _semver(text: str) -> str:
    Version.parse(text)
    return text


def _provider_name(_source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
    """A name is written as one string; code may also give a ProviderName that it has."""

    def parsed(given: Any, validate: core_schema.ValidatorFunctionWrapHandler) -> ProviderName:
        return given if isinstance(given, ProviderName) else ProviderName.parse(validate(given))

    return core_schema.no_info_wrap_validator_function(parsed, handler.generate_schema(_CANONICAL))


# It follows the bounds of a text. Behind a validator of ours, pydantic words a bound in items, not in characters.
NO_NUL = AfterValidator(_no_nul)
Text = Annotated[str, NO_NUL]
# The description shows by `json_schema_extra` what only a validator of ours checks.
Semver = Annotated[
    str,
    Field(min_length=1, max_length=MAX_VERSION, json_schema_extra={"pattern": f"^{VERSION_PATTERN}$"}),
    AfterValidator(_semver),
]
_CANONICAL = Annotated[
    str,
    Field(min_length=1, max_length=MAX_CANONICAL, json_schema_extra={"pattern": f"^{SLUG_PATTERN}/{SHORT_PATTERN}$"}),
]
Name = Annotated[ProviderName, GetPydanticSchema(_provider_name)]
Tags = Annotated[list[Annotated[str, Field(min_length=1, max_length=50), NO_NUL]], Field(max_length=20)]
DisplayName = Annotated[str, Field(min_length=1, max_length=LONGEST_DISPLAY_NAME), NO_NUL]
Description = Annotated[str, Field(max_length=LONGEST_DESCRIPTION), NO_NUL]
# Web pages show it as a link or a picture, so it has no scheme that would run something there.
WebAddress = Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s\x00-\x1f]+$")]

"""Kinds of fields that several functions' bodies have, with their bounds."""

from typing import Annotated

from pydantic import AfterValidator, Field

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


# Behind the bounds of a text, so that these are told as of a string: after a validator of ours they count "items".
NO_NUL = AfterValidator(_no_nul)
Text = Annotated[str, NO_NUL]
# What a validator of ours checks is told to readers of the description by an `…_extra`.
Semver = Annotated[
    str,
    Field(min_length=1, max_length=MAX_VERSION, json_schema_extra={"pattern": f"^{VERSION_PATTERN}$"}),
    AfterValidator(_semver),
]
Tags = Annotated[list[Annotated[str, Field(min_length=1, max_length=50), NO_NUL]], Field(max_length=20)]
# Shown by web pages as a link or picture: no scheme that runs something there.
WebAddress = Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s\x00-\x1f]+$")]

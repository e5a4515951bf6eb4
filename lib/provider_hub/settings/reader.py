"""How settings are read: once from the environment, into typed fields, with refusals that name the variable."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.config import JsonDict

_PREFIX = "HUB_"
# Who sets a variable where an operator may not: Terraform derives it, or it exists on one machine only.
BY_TERRAFORM: JsonDict = {"set_by": "Terraform"}
LOCAL: JsonDict = {"set_by": "local stack"}


def variable_name(field: str) -> str:
    """The environment variable that holds a field."""
    return "GOOGLE_CLOUD_PROJECT" if field == "project" else _PREFIX + field.upper()


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _words(value: object) -> object:
    return _split(value) if isinstance(value, str) else value


def _paired(value: object) -> object:
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in _split(value)]
    if not all(key and text for key, _, text in pairs):
        raise ValueError("is not key=value, separated by commas")
    return {key: text for key, _, text in pairs}


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Pairs = Annotated[Mapping[str, str], BeforeValidator(_paired)]
Required = Annotated[str, Field(min_length=1)]


class SettingsError(Exception):
    """A setting is missing or malformed; the message names its environment variable and never its value."""


class Settings(BaseModel):
    """Any number of groups."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> Self:
        """Read this class's fields from `variables`; an empty value counts as not set.

        Raises SettingsError that names each variable that is missing or wrong, and what is expected.
        """
        names = {field: variable_name(field) for field in cls.model_fields}
        given = {field: variables[name] for field, name in names.items() if variables.get(name)}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            wrong = "; ".join(cls._expectation(item) for item in error.errors(include_input=False, include_url=False))
            raise SettingsError(f"the environment's settings cannot be used: {wrong}") from None

    @classmethod
    def _expectation(cls, item: Any) -> str:
        """One error of pydantic's as a sentence about the variable."""
        if not item["loc"]:
            return str(item["ctx"]["error"])
        field = str(item["loc"][0])
        if item["type"] == "missing":
            return f"{variable_name(field)} is not set: {cls.model_fields[field].description}"
        return f"{variable_name(field)}: {item['msg']}"

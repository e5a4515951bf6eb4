"""What a tenant asks of its installations, within which bounds (contract, section 3)."""

import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetPydanticSchema,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from provider_hub.actions.wishes.base import Wish, refused_by_rule
from provider_hub.actions.wishes.fields import Name, Semver, Text
from provider_hub.domain.config_names import is_reserved
from provider_hub.domain.installation import ResourceTier, UpgradePolicy
from provider_hub.domain.secret_values import Secret, bytes_of, plain_of

CONFIG_KEYS = 64
CONFIG_KEY_LENGTH = 253  # a Secret's keys are no longer
CONFIG_BYTES = 32 * 1024
_CONFIG_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _checked(config: dict[str, str | Secret]) -> dict[str, str | Secret]:
    if len(config) > CONFIG_KEYS:
        raise ValueError(f"has {len(config)} keys; at most {CONFIG_KEYS} are taken")
    for key in config:
        if not _CONFIG_KEY.fullmatch(key):
            raise ValueError(f"key {key[:80]!r} is no name of an environment variable: [A-Za-z_][A-Za-z0-9_]*")
        if len(key) > CONFIG_KEY_LENGTH:
            raise ValueError(f"key {key[:80]!r}… is over {CONFIG_KEY_LENGTH} characters")
        if is_reserved(key):
            raise refused_by_rule(
                f"key {key[:80]!r} is reserved, since it would change how the runtime itself works: choose another name"
            )
    size = bytes_of(config)
    if size > CONFIG_BYTES:
        raise ValueError(f"is {size} bytes in all; at most {CONFIG_BYTES} are taken")
    return config


def _all_set(config: dict[str, str | Secret]) -> dict[str, str | Secret]:
    for key, value in config.items():
        if isinstance(value, Secret) and value.value is None:
            raise ValueError(f"the secret value of {key} is null, which takes one away: there is none yet")
    return config


def _value(_source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
    """A text, or `{"secret": text}`, or `{"secret": null}`. A union would name its parts in a problem's place."""

    def parsed(given: Any, validate: core_schema.ValidatorFunctionWrapHandler) -> str | Secret:
        if isinstance(given, Secret):
            return given
        if not isinstance(given, dict):
            text: str = validate(given)
            return text
        if given.keys() != {"secret"}:
            raise ValueError('must be a string, or {"secret": "…"}')
        return Secret(None if given["secret"] is None else validate(given["secret"]))

    return core_schema.no_info_wrap_validator_function(parsed, handler.generate_schema(Text))


_SECRET_SCHEMA = {
    "type": "object",
    "description": "A value that is never shown again; null takes it away.",
    "properties": {"secret": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
    "required": ["secret"],
    "additionalProperties": False,
}
ConfigValue = Annotated[
    str | Secret, GetPydanticSchema(_value), WithJsonSchema({"anyOf": [{"type": "string"}, _SECRET_SCHEMA]})
]
Config = Annotated[
    dict[Text, ConfigValue],
    Field(
        json_schema_extra={"propertyNames": {"pattern": f"^{_CONFIG_KEY.pattern}$"}, "maxProperties": CONFIG_KEYS},
    ),
    AfterValidator(_checked),
]


def _settings(wish: Wish, names: Iterable[str]) -> dict[str, Any]:
    """The fields of these names that are given, by the names of the fields of row and revision that keep them."""
    given = {name: value for name in names if (value := getattr(wish, name)) is not None}
    return {**given, "config": plain_of(given["config"])} if "config" in given else given


class InstallWish(Wish):
    """Which provider to install, and how it should run."""

    model_config = ConfigDict(title="InstallRequest")

    provider_name: Name = Field(description="The provider, as `organization/name`.", examples=["acme/weather"])
    version: Semver | None = Field(
        None, description="The version to run; null takes the latest published one.", examples=["1.4.0"]
    )
    resource_tier: ResourceTier = Field(
        ResourceTier.STANDARD,
        description="How many replicas run, and how much CPU and memory each gets.",
        examples=["standard"],
    )
    upgrade_policy: UpgradePolicy = Field(
        UpgradePolicy.MANUAL,
        description="`auto` follows newly published versions; `manual` waits for an upgrade.",
        examples=["auto"],
    )
    config: Annotated[Config, AfterValidator(_all_set)] = Field(
        default_factory=dict,
        description="Environment variables of the runtime: at most 64 keys, and 32 KiB of keys and values in all.",
        examples=[{"WEATHER_STATIONS": "Bergen=60.39,5.32"}],
    )
    rollback_on_failure: bool = Field(
        True, description="Whether a failed upgrade goes back to the last version that was ready."
    )
    allow_major_upgrades: bool = Field(
        False, description="Whether the policy `auto` may also take a version with another major number."
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_the_default(cls, given: Any) -> Any:
        """Some clients send every field that they know, null where nobody chose."""
        return {key: value for key, value in given.items() if value is not None} if isinstance(given, dict) else given

    @property
    def settings(self) -> dict[str, Any]:
        """How it should run, by the names of the row's and the revision's fields that keep it."""
        return _settings(self, type(self).model_fields.keys() - {"provider_name", "version"})


class SettingsWish(Wish):
    """Other settings of an installation: null leaves one as it is, and another tier or config is deployed."""

    model_config = ConfigDict(title="SettingsRequest")

    resource_tier: ResourceTier | None = Field(
        None, description="How much the runtime gets; another one is deployed.", examples=["performance"]
    )
    upgrade_policy: UpgradePolicy | None = Field(
        None, description="Whether new versions are taken by themselves.", examples=["manual"]
    )
    config: Config | None = Field(
        None,
        description="The whole new map of environment variables, not a change to it; another one is deployed. Secret "
        'values that it does not name stay; `{"secret": null}` takes one away.',
    )
    rollback_on_failure: bool | None = Field(None, description="Whether a failed upgrade goes back.")
    allow_major_upgrades: bool | None = Field(None, description="Whether `auto` may take another major version.")

    @property
    def settings(self) -> dict[str, Any]:
        """What should change, by the names of the row's and the revision's fields that keep it."""
        return _settings(self, type(self).model_fields)

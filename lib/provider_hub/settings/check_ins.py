"""The settings of check-ins, a group of `settings`."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from provider_hub.settings.reader import BY_TERRAFORM, Settings


def _without_empty_key(value: SecretStr) -> SecretStr:
    # Anyone can sign with an empty key.
    if not all(key.strip() for key in value.get_secret_value().split(",")):
        raise ValueError("has an empty key: separate keys by single commas")
    return value


class CheckIns(Settings):
    """The keys that check-in tokens are signed with."""

    check_in_keys: Annotated[SecretStr, AfterValidator(_without_empty_key)] = Field(
        json_schema_extra=BY_TERRAFORM,
        description="HMAC keys of check-in tokens, comma-separated. New tokens are signed with the first key; "
        "a token of any of the keys is accepted.",
    )

    @property
    def signing_keys(self) -> tuple[bytes, ...]:
        """The keys as bytes, the one that signs first."""
        return tuple(key.strip().encode() for key in self.check_in_keys.get_secret_value().split(","))

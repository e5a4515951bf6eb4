"""The settings of secret config values, a group of `settings`."""

from pydantic import Field

from provider_hub.settings.reader import BY_TERRAFORM, LOCAL, Settings


class Sealing(Settings):
    """The key that secret config values are sealed with. Without one, none is taken."""

    config_kms_key: str = Field(
        "",
        json_schema_extra=BY_TERRAFORM,
        description="Cloud KMS key of secret config values, `projects/…/cryptoKeys/…`. Unset: `config_key_file`.",
    )
    config_key_file: str = Field(
        "",
        json_schema_extra=LOCAL,
        description="File of 32 random bytes, mode 0600, that seals secret config values. Unset: none is taken.",
    )

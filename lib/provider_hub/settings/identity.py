"""The settings of sign-in: whose tokens are taken, and where requests come from."""

from typing import Self

from pydantic import Field, SecretStr
from pydantic import model_validator as validator

from provider_hub.settings.reader import BY_TERRAFORM, Settings, Words, variable_name


class Identity(Settings):
    """The two realms of callers. A realm without issuer and key URL lets nobody in."""

    gateway_address: str = Field(
        "",
        json_schema_extra=BY_TERRAFORM,
        description="Load balancer's IP address, last in `X-Forwarded-For`: the caller's is before it. Unset: none.",
    )

    customer_issuer: str = Field("", json_schema_extra=BY_TERRAFORM, description="`iss` of the customer realm.")
    customer_jwks_url: str = Field(
        "", json_schema_extra=BY_TERRAFORM, description="URL of the customer realm's keys: https, or this machine."
    )
    customer_audiences: Words = Field(
        (), json_schema_extra=BY_TERRAFORM, description="Accepted `aud`, comma-separated; it or `azp` must be set."
    )
    customer_parties: Words = Field(
        (), json_schema_extra=BY_TERRAFORM, description="Accepted `azp`, comma-separated; it or `aud` must be set."
    )
    customer_lookup_url: str = Field(
        "",
        json_schema_extra=BY_TERRAFORM,
        description="URL that looks up opaque machine tokens. Unset: they are refused.",
    )
    customer_lookup_secret: SecretStr = Field(
        SecretStr(""), json_schema_extra=BY_TERRAFORM, description="Machine secret key for that call."
    )
    console_issuer: str = Field("", json_schema_extra=BY_TERRAFORM, description="`iss` of the console realm.")
    console_jwks_url: str = Field(
        "", json_schema_extra=BY_TERRAFORM, description="URL of the console realm's keys: https, or this machine."
    )
    console_audiences: Words = Field(
        (), json_schema_extra=BY_TERRAFORM, description="Accepted `aud`, comma-separated; it or `azp` must be set."
    )
    console_parties: Words = Field(
        (), json_schema_extra=BY_TERRAFORM, description="Accepted `azp`, comma-separated; it or `aud` must be set."
    )
    console_lookup_url: str = Field(
        "",
        json_schema_extra=BY_TERRAFORM,
        description="URL that looks up opaque machine tokens. Unset: they are refused.",
    )
    console_lookup_secret: SecretStr = Field(
        SecretStr(""), json_schema_extra=BY_TERRAFORM, description="Machine secret key for that call."
    )

    @validator(mode="after")
    def _realms_are_whole(self) -> Self:
        for realm in ("customer", "console"):
            fields = (f"{realm}_issuer", f"{realm}_jwks_url")
            missing = [variable_name(field) for field in fields if not getattr(self, field)]
            if len(missing) == 1:
                raise ValueError(f"set {missing[0]} too: the {realm} realm needs its issuer and the URL of its keys")
            if getattr(self, f"{realm}_lookup_url") and not getattr(self, f"{realm}_lookup_secret").get_secret_value():
                raise ValueError(f"set {variable_name(f'{realm}_lookup_secret')} too: looking up tokens takes it")
        return self

"""The settings of wheels, groups of `settings`: how they are fetched, and where they are kept."""

from pydantic import Field

from provider_hub.settings_reader import BY_TERRAFORM, LOCAL, Required, Settings, Words


class Wheels(Settings):
    """How wheels are fetched."""

    wheel_ca_file: str = Field(
        "", json_schema_extra=LOCAL, description="Extra CA file trusted for wheel hosts. Unset: the system's alone."
    )
    wheel_private_hosts: Words = Field(
        (),
        json_schema_extra=LOCAL,
        description="`host:port` pairs, comma-separated, that may have a private address. Unset: none may.",
    )


class Artifacts(Settings):
    """The bucket in which the hub keeps what runtimes install."""

    artifacts_bucket: Required = Field(
        json_schema_extra=BY_TERRAFORM, description="Bucket of the wheels that the hub keeps."
    )
    artifacts_endpoint: str = Field(
        "https://storage.googleapis.com",
        json_schema_extra=LOCAL,
        description="Cloud Storage's XML API, or a stand-in for it.",
    )
    artifacts_key_file: str = Field(
        "",
        json_schema_extra=LOCAL,
        description="File of a private key that signs requests to the stand-in. Unset: IAM signs.",
    )
    artifacts_ca_file: str = Field(
        "", json_schema_extra=LOCAL, description="CA file trusted for the stand-in. Unset: the system's."
    )

    @property
    def artifacts_url(self) -> str:
        """The bucket's own URL, without a slash at its end."""
        return f"{self.artifacts_endpoint}/{self.artifacts_bucket}"

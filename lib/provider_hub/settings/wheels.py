"""The settings of wheels, groups of `settings`: how they are fetched, where they are kept, which indexes have more."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic import model_validator as validator

from provider_hub.settings.reader import BY_TERRAFORM, LOCAL, Required, Settings, Words, variable_name


class UploadTimes(StrEnum):
    """What follows where an index does not tell when its files were uploaded, so that their age is not known."""

    REFUSE = "refuse"
    WARN = "warn"


def _plain_addresses(urls: tuple[str, ...]) -> tuple[str, ...]:
    if not urls:
        raise ValueError("names no index: give the URL of one")
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme not in {"https", "http"} or not parts.hostname or "@" in parts.netloc:
            raise ValueError(f"has an entry that is no http(s) URL, or that holds a login: use {_LOGINS} for that")
    return urls


_LOGINS = variable_name("index_credentials")


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


class Advisories(Settings):
    """Where the known vulnerabilities of what is locked are read from."""

    advisories_export: str = Field(
        "",
        pattern=r"^(gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]/[^?#]+|/[^?#]+)?$",
        description="OSV's export of PyPI's advisories, read each night: `gs://bucket/PyPI/all.zip`, or a file of this "
        "machine. Unset: nothing is said of vulnerabilities.",
    )

    @property
    def advisories_object(self) -> tuple[str, str]:
        """The export's bucket and its object's name; an empty bucket and a path for a file."""
        if self.advisories_export.startswith("/"):
            return "", self.advisories_export
        bucket, _, name = self.advisories_export.removeprefix("gs://").partition("/")
        return bucket, name


class Indexes(Settings):
    """Which package indexes a wheel's dependencies come from."""

    index_urls: Annotated[Words, AfterValidator(_plain_addresses)] = Field(
        ("https://pypi.org/simple/",),
        description="Simple indexes that dependencies come from, comma-separated: the first is asked last.",
    )
    index_credentials: SecretStr = Field(
        SecretStr(""),
        json_schema_extra=BY_TERRAFORM,
        description="Logins of private indexes, comma-separated: `host=user:password` each. Unset: none. "
        "Pods have none, so what such a host itself serves is not locked.",
    )
    index_cooldown_days: float = Field(
        3, ge=0, description="A file on an index that is younger than this is not locked; the author's own are."
    )
    index_upload_times: UploadTimes = Field(
        UploadTimes.REFUSE,
        description="Where an index tells no upload times: `refuse` the version, or `warn` in the log and lock it.",
    )
    index_ca_file: str = Field(
        "", json_schema_extra=LOCAL, description="Extra CA file trusted for the indexes. Unset: the system's alone."
    )

    @property
    def index_logins(self) -> Mapping[str, tuple[str, str]]:
        """User and password by the index's host."""
        entries = filter(None, (entry.strip() for entry in self.index_credentials.get_secret_value().split(",")))
        split = (entry.partition("=") for entry in entries)
        logins = ((host.strip(), login.partition(":")) for host, _, login in split)
        return {host: (user, password) for host, (user, _, password) in logins}

    @validator(mode="after")
    def _logins_are_whole(self) -> Self:
        for host, (user, password) in self.index_logins.items():
            # netrc, by which the resolver gets them, separates its words by blanks.
            if not (host and user and password) or any(character.isspace() for character in host + user + password):
                raise ValueError(f"{_LOGINS} is not `host=user:password`, without blanks, separated by commas")
        return self

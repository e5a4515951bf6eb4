"""The settings of every function: read once from the environment, typed, and explained here.

Each field is the environment variable `HUB_<FIELD>` in capitals; the project alone is
`GOOGLE_CLOUD_PROJECT`, which Google's own libraries read too. A setting that a function needs and
nobody gave stops it at its start, with the variable's name.
"""

from collections.abc import Mapping
from functools import lru_cache
from os import environ
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from provider_hub.domain.catalog import Scope
from provider_hub.domain.runtimes import PLATFORM_PATTERN, PYTHON_PATTERN

_PREFIX = "HUB_"


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Words = Annotated[tuple[str, ...], BeforeValidator(_split)]


class SettingsError(Exception):
    """A setting is missing or malformed; the message names its environment variable."""


class Settings(BaseModel):
    """What one deployment of Provider Hub is told about itself."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    project: str = Field(min_length=1, description="Google Cloud project id.")
    location: str = Field("local", description="Region of the Cloud Tasks queues.")
    database: str = Field("(default)", description="Firestore database id.")

    installation_events_topic: str = Field("installation-events", description="Topic the installer consumes.")
    version_events_topic: str = Field("version-events", description="Topic the auto-upgrade waves start from.")
    check_ins_topic: str = Field("runtime-check-ins", description="Topic that runtimes publish to.")

    deadlines_queue: str = Field("deadlines", description="Cloud Tasks queue of deploy deadlines.")
    deadlines_url: str = Field("", description="URL of the `deadlines` function, the target of its tasks.")
    upgrades_queue: str = Field("upgrades", description="Cloud Tasks queue that throttles auto-upgrade waves.")
    upgrades_url: str = Field("", description="URL of the `upgrades` function's task route.")
    tasks_service_account: str = Field("", description="Account whose OIDC token a task carries.")
    tasks_endpoint: str = Field("", description="host:port of a local Cloud Tasks; empty = Google's.")

    customer_issuer: str = Field("", description="`iss` of the customer realm.")
    customer_jwks_url: str = Field("", description="Where the customer realm's keys are.")
    customer_audiences: Words = Field(
        (), description="Accepted `aud`, comma-separated; empty = not checked. An `aud` or an `azp` must be given."
    )
    customer_parties: Words = Field(
        (), description="Accepted `azp`, comma-separated; empty = not checked. An `aud` or an `azp` must be given."
    )
    customer_lookup_url: str = Field(
        "", description="Where the customer realm's opaque machine tokens are looked up; empty = they are refused."
    )
    customer_lookup_secret: SecretStr = Field(SecretStr(""), description="Machine secret key for that call.")
    console_issuer: str = Field("", description="`iss` of the console realm.")
    console_jwks_url: str = Field("", description="Where the console realm's keys are.")
    console_audiences: Words = Field(
        (), description="Accepted `aud`, comma-separated; empty = not checked. An `aud` or an `azp` must be given."
    )
    console_parties: Words = Field(
        (), description="Accepted `azp`, comma-separated; empty = not checked. An `aud` or an `azp` must be given."
    )
    console_lookup_url: str = Field(
        "", description="Where the console realm's opaque machine tokens are looked up; empty = they are refused."
    )
    console_lookup_secret: SecretStr = Field(SecretStr(""), description="Machine secret key for that call.")

    check_in_keys: SecretStr = Field(
        SecretStr(""), description="Keys of the check-in tokens' HMAC, comma-separated: the first makes, all check."
    )
    cluster_endpoint: str = Field(
        "", description="GKE control plane, `https://…`; calls carry the function's IAM token."
    )
    kubeconfig: str = Field("", description="A kubeconfig file, instead of `cluster_endpoint`.")
    cluster_hub_id: str = Field(
        "provider-hub",
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$",
        description="Label of this hub's objects: each hub of one cluster has its own, and touches no other's.",
    )
    cluster_namespace_prefix: str = Field(
        "",
        pattern=r"^([a-km-np-z][a-z0-9-]{0,14}-)?$",
        description="What this hub's namespaces begin with in a shared cluster; not with l or o, as `org-…`.",
    )
    runtime_image: str = Field(
        "provider-hub/pragma-runtime:local", description="Image of the runtime version that this deployment registers."
    )
    runtime_python: str = Field(
        "3.13", pattern=PYTHON_PATTERN, description="CPython in that image: `3.13` or `3.13.2`."
    )
    runtime_platform: str = Field(
        "manylinux_2_36_x86_64",
        pattern=PLATFORM_PATTERN,
        description="Platform of that image: the newest tag of a wheel that it can load.",
    )
    runtime_pubsub_endpoint: str = Field(
        "https://pubsub.googleapis.com", description="Pub/Sub's REST endpoint, as runtimes reach it."
    )
    runtime_ca_file: str = Field("", description="Extra CA file runtimes trust for wheel hosts; empty = the system's.")

    deploy_deadline_seconds: float = Field(600, gt=0, description="From PROCESSING to FAILED without a check-in.")
    queue_deadline_seconds: float = Field(3600, gt=0, description="From PENDING to FAILED without an installer.")
    silence_seconds: float = Field(900, gt=0, description="Without a check-in for this long, a READY row is degraded.")
    check_in_seconds: float = Field(
        300, gt=0, description="A runtime's check-in interval; also the least between two writes of it."
    )
    default_scope: Scope = Field(Scope.TENANT, description="Scope of a new provider whose author gives none.")
    installation_quota: int = Field(100, ge=1, description="Installations that one organization may have.")

    release_age_seconds: float = Field(3600, ge=0, description="Least age of a version before auto-upgrade begins.")
    bake_seconds: float = Field(900, ge=0, description="How long a wave of auto-upgrades runs before the next begins.")
    wave_poll_seconds: float = Field(15, gt=0, description="Time between two looks at a wave that is under way.")
    wave_failures_percent: float = Field(
        5, ge=0, le=100, description="A wave with more failed upgrades than this halts its rollout."
    )

    wheel_ca_file: str = Field("", description="Extra CA file trusted when a wheel is fetched; empty = the system's.")
    wheel_private_hosts: Words = Field(
        (), description="host:port pairs exempt from the private-address refusal; for one machine only."
    )

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> Self:
        """Read `HUB_*` from `variables`; an empty value counts as not given.

        Raises SettingsError naming each variable that is missing or wrong, never its value.
        """
        given: dict[str, Any] = {
            name.removeprefix(_PREFIX).lower(): value
            for name, value in variables.items()
            if name.startswith(_PREFIX) and value
        }
        if project := variables.get("GOOGLE_CLOUD_PROJECT"):
            given["project"] = project
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            wrong = "; ".join(f"{variable_name(str(item['loc'][0]))}: {item['msg']}" for item in error.errors())
            raise SettingsError(f"settings from the environment are not usable: {wrong}") from None

    @property
    def topic_names(self) -> Mapping[str, str]:
        """What each topic is called in this deployment, by its role: the value of `domain.records.Topic`."""
        return {
            "installation-events": self.installation_events_topic,
            "version-events": self.version_events_topic,
            "runtime-check-ins": self.check_ins_topic,
        }

    def require(self, *fields: str) -> None:
        """Raise SettingsError naming the variables of those `fields` that are empty."""
        missing = [variable_name(field) for field in fields if not str(_plain(getattr(self, field)))]
        if missing:
            raise SettingsError(f"set {', '.join(missing)}: this function cannot work without")


def variable_name(field: str) -> str:
    """The environment variable that holds a field of Settings."""
    return "GOOGLE_CLOUD_PROJECT" if field == "project" else _PREFIX + field.upper()


def _plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


@lru_cache(maxsize=1)
def settings() -> Settings:
    """This process's settings, read at the first call."""
    return Settings.from_environment(environ)
